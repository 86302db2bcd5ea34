"""What ingest must be told: the broker, the database, and which copy of it this is."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from mmetering_runtime.config import Broker, Environment, broker_from, database_from


@dataclass(frozen=True, slots=True)
class Config:
    """Ingest's settings."""

    broker: Broker
    database: str = field(repr=False)
    copy: str
    heartbeat: Path | None

    @classmethod
    def from_env(cls, environment: Environment) -> Self:
        """Read MMETERING_COPY, MMETERING_HEARTBEAT and what `broker_from` and `database_from` read.

        Raises:
            ConfigError: with the variable's name.
        """
        return cls(
            broker=broker_from(environment, username="ingest"),
            database=database_from(environment),
            copy=environment.slug("MMETERING_COPY", "1"),
            heartbeat=environment.optional_path("MMETERING_HEARTBEAT"),
        )
