"""What the old system knew of flats and meters, of either schema age: a column that is missing says nothing. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mmetering_importer.source import FLATS, METERS, Source, SourceError
from mmetering_importer.statement import Row

Direction = Literal["import", "export"]

DIRECTIONS: Mapping[str, Direction] = {"IM": "import", "EX": "export"}


@dataclass(frozen=True, slots=True)
class Flat:
    """A flat, or a producer.

    Attributes:
        id: the old one, which the monthly sheets carry.
        name: as people gave it.
        direction: which register of its meters counts.
    """

    id: int
    name: str
    direction: Direction


@dataclass(frozen=True, slots=True)
class OldMeter:
    """A meter in a flat.

    Attributes:
        id: the old one.
        flat: whose it is.
        serial: None where nobody entered one.
        address: on its bus; None where unknown.
        active: whether it was read last.
        since, until: from when to when, local time as entered; None where open or unknown.
    """

    id: int
    flat: Flat
    serial: str | None
    address: int | None
    active: bool
    since: str | None
    until: str | None

    def overlaps(self, other: "OldMeter") -> bool:
        """Return whether both were there at one time; both hold times of the same form."""
        return (self.since or "") < (other.until or "9") and (other.since or "") < (self.until or "9")


def flats_of(source: Source) -> list[Flat]:
    """Return the flats by id.

    Raises:
        SourceError: a row lacks what a flat needs.
    """
    flats = [
        Flat(_whole(row, "id", FLATS), _present(row, "name", FLATS), _direction(row)) for row in source.table(FLATS)
    ]
    return sorted(flats, key=lambda flat: flat.id)


def meters_of(source: Source, flats: Sequence[Flat]) -> list[OldMeter]:
    """Return the meters by id.

    Raises:
        SourceError: a row lacks what a meter needs, or its flat.
    """
    by_id = {flat.id: flat for flat in flats}
    return sorted((_meter(row, by_id) for row in source.table(METERS)), key=lambda meter: meter.id)


def epoch_of(meters: Sequence[OldMeter]) -> str:
    """Return the epoch of all readings of this source: that of its first meter, which hardly anybody deletes."""
    first = meters[0]
    return hashlib.sha256(f"mmetering-server {first.id} {first.serial}".encode()).hexdigest()[:16]


def _meter(row: Row, flats: Mapping[int, Flat]) -> OldMeter:
    number, flat = _whole(row, "id", METERS), _whole(row, "flat_id", METERS)
    if flat not in flats:
        raise SourceError(f"{METERS}: meter {number} is of flat {flat}, which does not exist")
    address = row.get("addresse")
    return OldMeter(
        id=number,
        flat=flats[flat],
        serial=(row.get("seriennummer") or "").strip() or None,
        address=int(address) if address and address.isdecimal() else None,
        active=row.get("active") not in ("0", "\0"),
        since=_instant(row.get("start_datetime")),
        until=_instant(row.get("end_datetime")),
    )


def _instant(text: str | None) -> str | None:
    """Return a DATETIME as ISO 8601 without a zone; None for MySQL's zero dates, too."""
    try:
        return datetime.fromisoformat(text or "").isoformat(timespec="seconds")
    except ValueError:
        return None


def _direction(row: Row) -> Direction:
    mode = _present(row, "modus", FLATS)
    if mode not in DIRECTIONS:
        raise SourceError(f"{FLATS}: flat {row.get('id')} has the modus {mode!r}, which is neither IM nor EX")
    return DIRECTIONS[mode]


def _present(row: Row, column: str, table: str) -> str:
    value = row.get(column)
    if value is None:
        raise SourceError(f"{table}: row {row.get('id')} has no {column}")
    return value


def _whole(row: Row, column: str, table: str) -> int:
    text = _present(row, column, table)
    if not text.isdecimal():
        raise SourceError(f"{table}: {column} {text!r} is no number")
    return int(text)
