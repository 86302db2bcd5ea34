"""The demo's mailbox."""

import os
import smtplib
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
from free_port import free_port
from wait import wait_for

pytestmark = pytest.mark.servers


class Mailbox:
    """A running mailbox over a folder."""

    def __init__(self, folder: Path) -> None:
        """Start it; it listens soon."""
        self.smtp, self.page = free_port(), free_port()
        variables = {"MMETERING_SMTP_PORT": self.smtp, "MMETERING_MAILBOX_PORT": self.page, "MMETERING_DEMO": folder}
        environment = {**os.environ, **{name: str(value) for name, value in variables.items()}}
        self._process = subprocess.Popen([sys.executable, "-m", "mmetering_demo", "mailbox"], env=environment)
        wait_for(self._listens)

    def send(self, subject: str, text: str) -> None:
        """Send a mail."""
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "meters@example.org", "caretaker@example.org", subject
        mail.set_content(text)
        with smtplib.SMTP("127.0.0.1", self.smtp) as client:
            client.send_message(mail)

    def get(self, path: str = "/") -> str:
        """Return a page."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.page}{path}") as answer:
            return str(answer.read().decode())

    def stop(self) -> int:
        """End it by SIGTERM and return its status."""
        self._process.terminate()
        return self._process.wait(timeout=60)

    def _listens(self) -> bool:
        assert self._process.poll() is None
        try:
            self.get()
        except urllib.error.URLError:
            return False
        return True


@pytest.fixture
def mailbox_program(tmp_path: Path) -> Iterator[Mailbox]:
    """Give a running mailbox."""
    mailbox = Mailbox(tmp_path)
    yield mailbox
    assert mailbox.stop() == 0


def test_mails_are_shown_as_text(mailbox_program: Mailbox) -> None:
    """The list has the subjects, the newest first; a mail's page has its text, and nothing in it becomes HTML."""
    mailbox_program.send("Flat 3 silent since 07:49", "<b>Zähler</b>")
    mailbox_program.send("<i>back</i>", "again")
    page = mailbox_program.get()
    assert page.index("&lt;i&gt;back") < page.index("Flat 3 silent")
    links = [part.split('"')[0] for part in page.split('href="')[1:]]
    assert "&lt;b&gt;Zähler&lt;/b&gt;" in mailbox_program.get(links[1])


def test_mails_outlive_the_mailbox(tmp_path: Path) -> None:
    """A mail of the last time is still there."""
    first = Mailbox(tmp_path)
    first.send("Heating meter silent", "since noon")
    first.stop()
    second = Mailbox(tmp_path)
    assert "Heating meter silent" in second.get()
    second.stop()


@pytest.mark.parametrize("path", ["/mail/1", "/mail/../lock", "/etc/passwd"])
def test_there_is_nothing_else(mailbox_program: Mailbox, path: str) -> None:
    """Only the list and the mails can be had."""
    with pytest.raises(urllib.error.HTTPError, match="404") as error:
        mailbox_program.get(path)
    error.value.close()
