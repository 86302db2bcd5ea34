"""What the gateway must be told: broker and login, the plant's file, the spool's file.

The gateway's slug is its login at the broker: the ACL binds the one to the other.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mmetering_runtime.config import Broker, ConfigError, Environment, broker_from

from mmetering_gateway.plant import Plant, PlantError, read_plant


@dataclass(frozen=True, slots=True)
class Config:
    """The gateway's settings."""

    broker: Broker
    plant: Plant
    spool: Path
    heartbeat: Path | None

    @property
    def gateway(self) -> str:
        """Return the gateway's slug."""
        return self.broker.username

    @classmethod
    def from_env(cls, environment: Environment) -> Self:
        """Read MMETERING_PLANT, MMETERING_SPOOL, MMETERING_HEARTBEAT and what `broker_from` reads.

        Raises:
            ConfigError: a variable is missing or malformed, or the plant cannot be read; with its name or place.
        """
        return cls(
            broker=broker_from(environment, username="main"),
            plant=_plant(environment.path("MMETERING_PLANT", "plant.toml")),
            spool=environment.path("MMETERING_SPOOL", "/var/lib/mmetering/spool.db"),
            heartbeat=environment.optional_path("MMETERING_HEARTBEAT"),
        )


def _plant(path: Path) -> Plant:
    try:
        return read_plant(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"MMETERING_PLANT={path}: {error}") from None
    except PlantError as error:
        raise ConfigError(str(error)) from None
