"""Mails go out through Flask-Mail, to all recipients in one message.

Errors
MailError        the mail was not taken; `permanent` says that only a person can mend it
"""

import smtplib
import ssl

from flask import Flask
from flask_mail import Connection, Mail, Message

from mmetering_alerter.config import Smtp
from mmetering_alerter.letter import Letter

TIMEOUT_S = 20.0  # for each answer of the server; the loop waits meanwhile


class MailError(Exception):
    """Say why a mail was not taken."""

    def __init__(self, reason: object, *, permanent: bool) -> None:
        """Keep whether trying again is of no use until a person has mended something."""
        super().__init__(str(reason))
        self.permanent = permanent


class Postman:
    """Sends letters through one SMTP server."""

    def __init__(self, smtp: Smtp) -> None:
        """Prepare; nothing is sent yet."""
        self._smtp = smtp
        self._app = Flask("mmetering_alerter")
        self._app.config.update(
            MAIL_SERVER=smtp.host,
            MAIL_PORT=smtp.port,
            MAIL_USERNAME=smtp.username,
            MAIL_PASSWORD=smtp.password,
            MAIL_USE_TLS=smtp.tls == "starttls",
            MAIL_USE_SSL=smtp.tls == "tls",
            MAIL_DEFAULT_SENDER=smtp.sender,
        )
        Mail(self._app)

    def send(self, letter: Letter) -> None:
        """Hand a letter to the server.

        Raises:
            MailError: the server did not take it.
        """
        taken = False
        try:
            with self._app.app_context(), _Connection(self._app.extensions["mail"]) as connection:
                connection.send(self._message(letter))
                taken = True
        except OSError as error:  # smtplib's are OSErrors too
            if not taken:  # what goes wrong while saying goodbye must not send it again
                raise MailError(error, permanent=_is_permanent(error)) from error

    def _message(self, letter: Letter) -> Message:
        domain = self._smtp.sender.rpartition("@")[2].rstrip("> ")
        message = Message(
            letter.subject,
            recipients=list(self._smtp.recipients),
            body=letter.text,
            extra_headers={
                "Auto-Submitted": "auto-generated",  # RFC 3834: no holiday replies, please
                "References": " ".join(f"<{thread}@{domain}>" for thread in letter.threads),
            },
        )
        message.msgId = f"<{letter.key}@{domain}>"
        return message


class _Connection(Connection):
    """Flask-Mail's, with a timeout, and with a look at the server's certificate."""

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        context = ssl.create_default_context()
        host, port = self.mail.server, self.mail.port or 0
        if self.mail.use_ssl:
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=context)
        else:
            server = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
        try:
            if self.mail.use_tls:
                server.starttls(context=context)
            if self.mail.username and self.mail.password:
                server.login(self.mail.username, self.mail.password)
        except OSError:
            server.close()
            raise
        return server


def _is_permanent(error: OSError) -> bool:
    """Tell whether the server will say the same again: RFC 5321, 4.2.1, replies 5yz; or its certificate is not good."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            return all(code >= 500 for code, _ in error.recipients.values())  # noqa: PLR2004  RFC 5321
        case smtplib.SMTPResponseException():
            return error.smtp_code >= 500  # noqa: PLR2004  RFC 5321
    return isinstance(error, (smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError))
