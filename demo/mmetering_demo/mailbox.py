"""The demo's mail server: takes every mail, keeps it as a file, and shows them all on a page.

The files are ordinary `.eml` ones, named by the time of their arrival.
"""

import signal
import threading
import time
from email import message_from_bytes, policy
from email.message import EmailMessage
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from mmetering_demo.mail_page import list_page, mail_page


class Folder:
    """The mails in a folder."""

    def __init__(self, path: Path) -> None:
        """Use the folder; make it where it is missing."""
        path.mkdir(parents=True, exist_ok=True)
        self._path = path

    def keep(self, content: bytes) -> None:
        """Add a mail, whole or not at all."""
        name = f"{time.time_ns()}.eml"
        unfinished = self._path / f".{name}"
        unfinished.write_bytes(content)
        unfinished.rename(self._path / name)

    def mails(self) -> dict[str, EmailMessage]:
        """Return all mails by name, the newest first."""
        paths = sorted(self._path.glob("[0-9]*.eml"), reverse=True)
        return {path.stem: message_from_bytes(path.read_bytes(), policy=policy.default) for path in paths}


class Receiver:
    """What aiosmtpd calls for each mail."""

    def __init__(self, folder: Folder) -> None:
        """Put mails into this folder."""
        self._folder = folder

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 aiosmtpd's name
        """Keep a mail."""
        assert isinstance(envelope.content, bytes)
        self._folder.keep(envelope.content)
        return "250 OK"


class Page(BaseHTTPRequestHandler):
    """The list at `/`, a mail at `/mail/NAME`."""

    folder: ClassVar[Folder]

    def do_GET(self) -> None:
        """Answer one request."""
        mails = self.folder.mails()
        name = self.path.removeprefix("/mail/")
        if self.path == "/":
            self._answer(HTTPStatus.OK, list_page(mails))
        elif name in mails:
            self._answer(HTTPStatus.OK, mail_page(mails[name]))
        else:
            self._answer(HTTPStatus.NOT_FOUND, "There is no such mail.")

    def _answer(self, status: HTTPStatus, html: str) -> None:
        body = html.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing: the page asks every few seconds."""


def serve_mailbox(path: Path, host: str, smtp_port: int, page_port: int) -> None:
    """Take and show mails, on an address of this machine, until SIGTERM or SIGINT."""
    Page.folder = Folder(path)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    receiver = Controller(Receiver(Page.folder), hostname=host, port=smtp_port, ready_timeout=60)
    receiver.start()
    with ThreadingHTTPServer((host, page_port), Page) as server:
        threading.Thread(target=server.serve_forever).start()
        print(f"mails to {host}:{smtp_port} are shown on http://{host}:{page_port}", flush=True)
        stopping.wait()
        server.shutdown()
    receiver.stop()
