"""The settings of the alerter, each from one environment variable."""

from dataclasses import dataclass, field
from email.utils import parseaddr
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from mmetering_runtime.config import Broker, ConfigError, Environment, broker_from

Tls = Literal["none", "starttls", "tls"]
PORTS: dict[Tls, int] = {"none": 25, "starttls": 587, "tls": 465}


@dataclass(frozen=True, slots=True)
class Smtp:
    """The mail server and whom to write to. Without a username it is not logged in."""

    host: str
    port: int
    tls: Tls
    sender: str
    recipients: tuple[str, ...]
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Config:
    """What the alerter needs to know.

    Attributes:
        broker: whose topics are watched.
        smtp: where mails go out.
        copy: tells copies of the alerter apart at the broker.
        delay: seconds that a failure, or its end, must last before a mail tells of it.
        silence: seconds without a reading after which a meter is silent; more than the longest poll interval.
        time_zone: in which mails give times.
        web_url: address of the dashboard for the mails, None for no link.
        heartbeat: file that tells that the loop turns, None for none.
    """

    broker: Broker
    smtp: Smtp
    copy: str
    delay: int
    silence: int
    time_zone: ZoneInfo
    web_url: str | None = None
    heartbeat: Path | None = None

    @classmethod
    def from_env(cls, environment: Environment) -> "Config":
        """Read MMETERING_{MAIL,SMTP,ALERT}_*, MMETERING_TIME_ZONE, MMETERING_WEB_URL and the broker's variables.

        Raises:
            ConfigError: a variable is missing or malformed.
        """
        return cls(
            broker=broker_from(environment, "alerter"),
            smtp=_smtp(environment),
            copy=environment.slug("MMETERING_COPY", "1"),
            delay=environment.integer("MMETERING_ALERT_DELAY", 60, low=1, high=86_400),
            silence=environment.integer("MMETERING_ALERT_SILENCE", 90, low=1, high=86_400),
            time_zone=environment.time_zone("MMETERING_TIME_ZONE", "Europe/Berlin"),
            web_url=environment.variables.get("MMETERING_WEB_URL") or None,
            heartbeat=environment.optional_path("MMETERING_HEARTBEAT"),
        )


def _smtp(environment: Environment) -> Smtp:
    tls = environment.text("MMETERING_SMTP_TLS", "none")
    if tls not in PORTS:
        raise ConfigError(f"MMETERING_SMTP_TLS={tls!r} is neither none nor starttls nor tls")
    username = environment.variables.get("MMETERING_SMTP_USERNAME") or None
    recipients = environment.text("MMETERING_MAIL_TO").split(",")
    return Smtp(
        host=environment.text("MMETERING_SMTP_HOST"),
        port=environment.integer("MMETERING_SMTP_PORT", PORTS[tls], low=1, high=65535),
        tls=tls,
        sender=_address("MMETERING_MAIL_FROM", environment.text("MMETERING_MAIL_FROM")),
        recipients=tuple(_address("MMETERING_MAIL_TO", recipient) for recipient in recipients),
        username=username,
        password=environment.secret("MMETERING_SMTP_PASSWORD") if username else None,
    )


def _address(name: str, text: str) -> str:
    """Return a mail address, with or without a name before it: `mmetering <meters@example.org>`."""
    local, at, domain = parseaddr(text)[1].rpartition("@")
    if not (local and at and domain) or not local.isascii() or not text.isprintable():
        raise ConfigError(f"{name}: {text!r} is no mail address")
    return text.strip()
