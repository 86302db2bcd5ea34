"""An SMTP server under test, which keeps what it receives."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from free_port import free_port
from wait import wait_for


class Mailbox:
    """All mails for anybody, in the order of their arrival. It can be away for a while."""

    host = "127.0.0.1"

    def __init__(self) -> None:
        """Take a port; start() comes next."""
        self.port = free_port()
        self.messages: list[EmailMessage] = []
        self._controller: Controller | None = None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802 aiosmtpd names it
        """Keep a mail; called by aiosmtpd, in its thread."""
        content = envelope.content
        assert isinstance(content, bytes)
        self.messages.append(message_from_bytes(content, policy=policy.default))
        return "250 OK"

    def start(self) -> None:
        """Listen."""
        self._controller = Controller(self, hostname=self.host, port=self.port, ready_timeout=30)
        self._controller.start()

    def stop(self) -> None:
        """Listen no longer; the mails stay."""
        if self._controller:
            self._controller.stop()
            self._controller = None

    def wait(self, count: int, timeout: float = 30) -> list[EmailMessage]:
        """Return all mails as soon as there are `count`; wait for at most `timeout` seconds."""
        wait_for(lambda: len(self.messages) >= count, timeout)
        return self.messages


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    """Give a listening mailbox."""
    mailbox = Mailbox()
    mailbox.start()
    yield mailbox
    mailbox.stop()
