"""What ingest must be told: the broker, the database, and which copy of it this is."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from socket import gethostname
from typing import Self

from mmetering_runtime.config import Broker, Environment, broker_from, database_from
from mmetering_runtime.metrics import Endpoint, endpoint_from

SLUG_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Config:
    """Ingest's settings.

    Attributes:
        is_passing: whether the copy has its name from its host, such as a container's, and leaves no trace of it.
        metrics: where Prometheus may ask, if it may.
    """

    broker: Broker
    database: str = field(repr=False)
    copy: str
    is_passing: bool
    heartbeat: Path | None
    metrics: Endpoint | None

    @classmethod
    def from_env(cls, environment: Environment) -> Self:
        """Read MMETERING_COPY, MMETERING_HEARTBEAT and what the functions called here read.

        Raises:
            ConfigError: with the variable's name.
        """
        return cls(
            broker=broker_from(environment, username="ingest"),
            database=database_from(environment),
            copy=environment.slug("MMETERING_COPY", slug_of(gethostname())),
            is_passing=not environment.variables.get("MMETERING_COPY"),
            heartbeat=environment.optional_path("MMETERING_HEARTBEAT"),
            metrics=endpoint_from(environment),
        )


def slug_of(host: str) -> str:
    """Return a host's name as it may stand in a topic."""
    return re.sub(r"[^a-z0-9]+", "-", host.lower()).strip("-")[:SLUG_LENGTH] or "ingest"
