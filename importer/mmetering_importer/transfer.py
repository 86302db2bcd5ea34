"""The old readings, from their source to their receipts: read, dated, converted, packed, sent, counted."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from mmetering_runtime.config import Broker

from mmetering_importer.conversion import Conversion
from mmetering_importer.dating import Dated, date
from mmetering_importer.mapping import Known
from mmetering_importer.mqtt import Sender
from mmetering_importer.parcel import Parcel, parcels_of
from mmetering_importer.position import Position, load, save
from mmetering_importer.progress import ReadingProgress
from mmetering_importer.report import Report, Tally, report_of
from mmetering_importer.source import Source

SAVE_S = 1.0  # between two notes of the position


@dataclass(frozen=True, slots=True)
class Old:
    """The old system as it is to be imported: the epoch of its readings, and its meters by their old ids."""

    source: Source
    epoch: str
    known: dict[int, Known]
    zone: ZoneInfo


def examine(old: Old) -> Report:
    """Return what the readings are worth; nothing is sent.

    Raises:
        SourceError: they cannot be read.
    """
    conversion, tallies, progress = Conversion(old.known), dict[int, Tally](), ReadingProgress()
    for count, dated in enumerate(_dated(old, conversion), 1):
        conversion.reading(dated)  # so that what cannot be sent is found
        tallies.setdefault(dated.row.meter, Tally()).add(dated)
        progress.tell(old.source.share, count, "read")
    progress.clear()
    return report_of(old.epoch, old.known.values(), tallies, conversion)


class Transfer:
    """An import.

    Attributes:
        before: readings that had a receipt from an earlier import.
    """

    def __init__(self, old: Old, broker: Broker, file: Path, *, again: bool) -> None:
        """Go on where the file says, or begin anew.

        Raises:
            PositionError: the file is of no use.
        """
        site = broker.site.slug
        self._old = old
        self._file = file
        self._start = Position(site, old.epoch) if again else load(file, site, old.epoch)
        self._sender = Sender(broker, old.epoch, self._start.through)
        self._progress = ReadingProgress()
        self._saved_at = time.monotonic()
        self.before = 0

    @property
    def stored(self) -> int:
        """Readings that are stored, also those that were there before."""
        return self._sender.stored

    @property
    def rejected(self) -> int:
        """Readings that ingest has refused."""
        return self._sender.rejected

    @property
    def rejected_before(self) -> int:
        """Readings that ingest had refused in earlier imports."""
        return self._start.rejected

    def run(self) -> None:
        """Send what has no receipt yet, and wait for all receipts.

        Raises:
            SourceError: the readings cannot be read.
            RefusedError: the broker refuses them.
            PositionError: the position cannot be noted.
        """
        try:
            with self._sender:
                self._sender.send(self._parcels(), self._tell)
        finally:
            self._progress.clear()
            self._save()

    def _parcels(self) -> Iterator[Parcel]:
        devices = {known.slug: known.device for known in self._old.known.values()}
        conversion = Conversion(self._old.known)
        readings = (conversion.reading(dated) for dated in self._new(conversion))
        return parcels_of(self._old.epoch, devices, readings)

    def _new(self, conversion: Conversion) -> Iterator[Dated]:
        """Yield the rows without a receipt; all of them are read, since an October hour is dated as a whole."""
        for dated in _dated(self._old, conversion):
            if dated.row.id > self._start.through:
                yield dated
            else:
                self.before += 1

    def _tell(self) -> None:
        self._progress.tell(self._old.source.share, self.stored + self.rejected, "stored")
        if time.monotonic() - self._saved_at >= SAVE_S:
            self._save()

    def _save(self) -> None:
        position = msgspec.structs.replace(
            self._start, through=self._sender.through, rejected=self._start.rejected + self._sender.rejected
        )
        save(self._file, position)
        self._saved_at = time.monotonic()


def _dated(old: Old, conversion: Conversion) -> Iterator[Dated]:
    return date(conversion.raw(old.source.readings()), old.zone)
