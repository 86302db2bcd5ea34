"""What the gateway must be told: broker and login, the plant's file, the spool's file.

The gateway's slug is its login at the broker: the ACL binds the one to the other.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mmetering_runtime.config import Broker, ConfigError, Environment, broker_from
from mmetering_runtime.metrics import Endpoint, endpoint_from

from mmetering_gateway.plant.plant import Plant, PlantError, read_plant
from mmetering_gateway.spool.room import SMALLEST, Bounds

YEARS = 36_500  # days; as good as for ever


@dataclass(frozen=True, slots=True)
class Config:
    """The gateway's settings."""

    broker: Broker
    plant: Plant
    spool: Path
    bounds: Bounds
    heartbeat: Path | None
    asks_ntp: bool  # whether the wall clock is right; otherwise it is
    metrics: Endpoint | None  # where Prometheus may ask, if it may

    @property
    def gateway(self) -> str:
        """Return the gateway's slug."""
        return self.broker.username

    @classmethod
    def from_env(cls, environment: Environment) -> Self:
        """Read MMETERING_{PLANT,HEARTBEAT,CLOCK}, and what the functions called here read.

        Raises:
            ConfigError: a variable is missing or malformed, or the plant cannot be read; with its name or place.
        """
        return cls(
            broker=broker_from(environment, username="main"),
            plant=plant_from(environment),
            spool=spool_from(environment),
            bounds=bounds_from(environment),
            heartbeat=environment.optional_path("MMETERING_HEARTBEAT"),
            asks_ntp=_asks_ntp(environment),
            metrics=endpoint_from(environment),
        )


def spool_from(environment: Environment) -> Path:
    """Return the spool's file, MMETERING_SPOOL."""
    return environment.path("MMETERING_SPOOL", "/var/lib/mmetering/spool.db")


def bounds_from(environment: Environment) -> Bounds:
    """Read MMETERING_SPOOL_SIZE (bytes), MMETERING_SPOOL_DAYS (0 for ever) and MMETERING_SPOOL_ARCHIVE_DAYS.

    Raises:
        ConfigError: with the variable's name.
    """
    bounds = Bounds()
    return Bounds(
        size=environment.integer("MMETERING_SPOOL_SIZE", bounds.size, low=SMALLEST, high=2**40),
        open_days=environment.integer("MMETERING_SPOOL_DAYS", 0, low=0, high=YEARS) or None,
        archive_days=environment.integer("MMETERING_SPOOL_ARCHIVE_DAYS", bounds.archive_days, low=0, high=YEARS),
    )


def _asks_ntp(environment: Environment) -> bool:
    source = environment.text("MMETERING_CLOCK", "ntp")
    if source not in {"ntp", "trusted"}:
        raise ConfigError(f"MMETERING_CLOCK={source!r} is neither ntp nor trusted")
    return source == "ntp"


def plant_from(environment: Environment) -> Plant:
    """Return the plant of the file MMETERING_PLANT.

    Raises:
        ConfigError: it cannot be read; with its place.
    """
    path = environment.path("MMETERING_PLANT", "plant.toml")
    try:
        return read_plant(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"MMETERING_PLANT={path}: {error}") from None
    except PlantError as error:
        raise ConfigError(str(error)) from None
