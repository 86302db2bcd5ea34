"""The settings of the web, each from one environment variable."""

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from mmetering_runtime.config import Broker, ConfigError, Environment, broker_from, database_from

SECRET_LENGTH = 32  # characters at least; `openssl rand -hex 32` gives 64


@dataclass(frozen=True, slots=True)
class Config:
    """What the web needs to know.

    Attributes:
        broker: where the live values come from.
        database: libpq connection string.
        secret_key: signs sessions and forms.
        copy: tells copies of the web apart at the broker.
        time_zone: whose midnights begin the days, and in which times are shown.
        host: address to listen on.
        port: TCP port to listen on; 0 lets the system choose.
        threads: requests at once; every open page holds one of them.
        streams: open pages that get live values at once.
        proxies: how many reverse proxies in front of us tell who asks.
    """

    broker: Broker
    database: str = field(repr=False)
    secret_key: str = field(repr=False)
    copy: str = "1"
    time_zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Europe/Berlin"))
    host: str = "127.0.0.1"
    port: int = 8080
    threads: int = 64
    streams: int = 48
    proxies: int = 0

    @classmethod
    def from_env(cls, environment: Environment) -> "Config":
        """Read MMETERING_WEB_*, MMETERING_TIME_ZONE, the broker's and the database's variables.

        Raises:
            ConfigError: a variable is missing or malformed.
        """
        threads = environment.integer("MMETERING_WEB_THREADS", 64, low=8, high=1000)
        return cls(
            broker=broker_from(environment, "web"),
            database=database_from(environment),
            secret_key=_secret_key(environment),
            copy=environment.slug("MMETERING_COPY", "1"),
            time_zone=environment.time_zone("MMETERING_TIME_ZONE", "Europe/Berlin"),
            host=environment.text("MMETERING_WEB_HOST", "127.0.0.1"),
            port=environment.integer("MMETERING_WEB_PORT", 8080, low=0, high=65535),
            threads=threads,
            streams=threads * 3 // 4,
            proxies=environment.integer("MMETERING_WEB_PROXIES", 0, low=0, high=10),
        )


def _secret_key(environment: Environment) -> str:
    key = environment.secret("MMETERING_WEB_SECRET_KEY")
    if len(key) < SECRET_LENGTH:
        raise ConfigError(f"MMETERING_WEB_SECRET_KEY has {len(key)} characters, and needs {SECRET_LENGTH}")
    return key
