"""How letters go out, through real mail servers that behave in all the ways that mail servers do."""

import ssl
import subprocess
from asyncio import WriteTransport
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from fix_smtp import Mailbox
from free_port import free_port
from mmetering_alerter.config import Smtp, Tls
from mmetering_alerter.letter import Letter
from mmetering_alerter.mail import MailError, Postman

pytestmark = pytest.mark.servers

HOST = "127.0.0.1"
LETTER = Letter("[home] Zähler 3 silent", "Straße 5\n.\nend\n", "i.1", ("i", "j"))


def smtp(port: int, *, tls: Tls = "none", password: str | None = None) -> Smtp:
    """Return the settings of a server on this machine."""
    recipients = ("caretaker@example.org", "tenant@example.org")
    sender = "Zähler <meters@example.org>"
    return Smtp(HOST, port, tls, sender, recipients, username=password and "meters", password=password)


class Server:
    """A mail server with answers of its own for a recipient and for a mail."""

    def __init__(self, rcpt: str = "250 OK", data: str = "250 OK", *, hang_up: bool = False) -> None:
        """Give these answers; with `hang_up`, close the connection after a mail."""
        self.port = free_port()
        self.mails = 0
        self._rcpt, self._data, self._hang_up = rcpt, data, hang_up

    async def handle_RCPT(  # noqa: N802  aiosmtpd names it
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer for a recipient."""
        envelope.rcpt_tos.append(address)
        return self._rcpt

    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802  likewise
        """Answer for a mail."""
        self.mails += 1
        return self._data

    async def handle_QUIT(self, server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802  likewise
        """Answer a farewell."""
        if self._hang_up and isinstance(server.transport, WriteTransport):
            server.transport.abort()
        return "221 Bye"


Serve = Callable[..., Server]


def authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, auth: object) -> AuthResult:
    """Know one login."""
    assert isinstance(auth, LoginPassword)
    return AuthResult(success=(auth.login, auth.password) == (b"meters", b"right"), handled=False)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Give a function that starts a server, with TLS at once or on demand where it is given a context for that."""
    controllers: list[Controller] = []

    def start(server: Server, tls: ssl.SSLContext | None = None, starttls: ssl.SSLContext | None = None) -> Server:
        controllers.append(
            Controller(
                server,
                hostname=HOST,
                port=server.port,
                ready_timeout=30,
                ssl_context=tls,
                tls_context=starttls,
                authenticator=authenticate,
                auth_require_tls=False,
            )
        )
        controllers[-1].start()
        return server

    yield start
    for controller in controllers:
        controller.stop()


def test_a_letter_arrives_as_it_was_written(mailbox: Mailbox) -> None:
    """Letters beyond ASCII, a lone dot, both recipients, and what makes a thread of the mails of an incident."""
    Postman(smtp(mailbox.port)).send(LETTER)
    (mail,) = mailbox.wait(1)
    assert mail["Subject"] == LETTER.subject
    assert mail.get_content().splitlines() == LETTER.text.splitlines()
    assert mail["From"] == "Zähler <meters@example.org>"
    assert {to.addr_spec for to in mail["To"].addresses} == {"caretaker@example.org", "tenant@example.org"}
    assert (mail["Message-ID"], mail["References"]) == ("<i.1@example.org>", "<i@example.org> <j@example.org>")
    assert mail["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    ("server", "permanent"),
    [
        (Server(rcpt="450 Busy"), False),
        (Server(rcpt="550 No such user"), True),
        (Server(data="451 Try again"), False),
        (Server(data="554 Refused"), True),
    ],
)
def test_a_refusal_says_whether_trying_again_helps(serve: Serve, server: Server, permanent: bool) -> None:  # noqa: FBT001
    """The server's reply code decides."""
    with pytest.raises(MailError) as caught:
        Postman(smtp(serve(server).port)).send(LETTER)
    assert caught.value.permanent is permanent


def test_a_server_that_is_away_may_come_back() -> None:
    """Nobody listens: trying again helps."""
    with pytest.raises(MailError) as caught:
        Postman(smtp(free_port())).send(LETTER)
    assert not caught.value.permanent


def test_a_mail_that_was_taken_is_sent_whatever_comes_after(serve: Serve) -> None:
    """A server that hangs up instead of saying goodbye has the mail all the same."""
    server = serve(Server(hang_up=True))
    Postman(smtp(server.port)).send(LETTER)
    assert server.mails == 1


def test_a_wrong_password_is_for_a_person_to_mend(serve: Serve) -> None:
    """The right login sends, the wrong one is a permanent error that does not tell the password."""
    server = serve(Server())
    Postman(smtp(server.port, password="right")).send(LETTER)
    with pytest.raises(MailError) as caught:
        Postman(smtp(server.port, password="wrong")).send(LETTER)
    assert caught.value.permanent
    assert "wrong" not in str(caught.value)
    assert server.mails == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the directory with server.crt and server.key for this machine, and ca.crt."""
    directory = tmp_path_factory.mktemp("certificate")
    script = Path(__file__).parents[2] / "mosquitto/make_certificates.sh"
    subprocess.run(["sh", script, directory], check=True, capture_output=True)
    return directory / "tls"


@pytest.mark.parametrize("tls", ["starttls", "tls"])
def test_a_server_must_prove_who_it_is(
    serve: Serve, certificate: Path, tls: Tls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A certificate that nobody vouches for gets no mail and no password; one from a trusted authority does."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate / "server.crt", certificate / "server.key")
    server = Server()
    with monkeypatch.context() as trusting:
        trusting.setenv("SSL_CERT_FILE", str(certificate / "ca.crt"))
        serve(server, **{tls: context})
        Postman(smtp(server.port, tls=tls)).send(LETTER)
    with pytest.raises(MailError) as caught:
        Postman(smtp(server.port, tls=tls)).send(LETTER)
    assert caught.value.permanent
    assert server.mails == 1
