"""The record of what was commissioned: a table to print, and the tables of a plant's file, written after each meter."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from mmetering_runtime.config import ConfigError

from mmetering_gateway.cli.show import table
from mmetering_gateway.cli.start import HEADER, bus_table, meter_table
from mmetering_gateway.plant.plant import Bus, Meter, Plant, PlantError, read_plant

COLUMNS = ("date", "name", "label", "serial", "model", "bus", "address")


@dataclass(frozen=True, slots=True)
class Done:
    """A meter that was commissioned on a day; its serial number, where it tells one."""

    day: date
    meter: Meter
    serial: str | None


def sheet(all_done: list[Done]) -> str:
    """Return the record to print; nothing where nothing was done."""
    rows = [
        (str(done.day), meter.slug, meter.label, done.serial, meter.model, meter.bus, meter.address)
        for done in all_done
        for meter in (done.meter,)
    ]
    return table(COLUMNS, rows) if rows else ""


class PlantFile:
    """A plant's file that meters are added to."""

    def __init__(self, path: Path, bus: Bus) -> None:
        """Read the file; where there is none yet, it begins with the bus.

        Raises:
            ConfigError: the file cannot be read, is no plant, or lacks the bus.
        """
        self._path = path
        try:
            self._text = path.read_text(encoding="utf-8") if path.exists() else HEADER + bus_table(bus)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: {error}") from None
        if bus.name not in {known.name for known in self._parse(self._text).bus}:
            raise ConfigError(f"{path} has no bus {bus.name}")

    def add(self, meter: Meter) -> None:
        """Write one meter more.

        Raises:
            ConfigError: the file has its slug or address already, or cannot be written.
        """
        text = self._text + meter_table(meter)
        self._parse(text)
        try:
            self._path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ConfigError(f"{self._path}: {error}") from None
        self._text = text

    def _parse(self, text: str) -> Plant:
        try:
            return read_plant(text, str(self._path))
        except PlantError as error:
            raise ConfigError(str(error)) from None
