"""Readings as rows of the table `reading`: which columns, of which types, in which order. Pure.

Of the columns for quantities, those are written that one of the readings fills: a scan group has a few of the many.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from mmetering_contract.quantity import QUANTITIES
from mmetering_contract.reading import Reading
from psycopg.types.json import Jsonb

_KNOWN = frozenset(quantity.name for quantity in QUANTITIES)
_GAUGES = tuple(quantity.name for quantity in QUANTITIES if not quantity.whole)
_WHOLE = tuple(quantity.name for quantity in QUANTITIES if quantity.whole)

# Column to PostgreSQL's name of its type; binary COPY converts nothing.
_HEAD = {
    "ts": "timestamptz",
    "meter_id": "int4",
    "seq": "int8",
    "received_at": "timestamptz",
    "span_ms": "int4",
    "clock_synced": "bool",
    "suspect": "text[]",
    "missing": "text[]",
    "extra": "jsonb",
}


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns that some readings fill; of the quantities, first the gauges and then what is counted."""

    gauges: tuple[str, ...]
    whole: tuple[str, ...]

    @classmethod
    def of(cls, readings: Iterable[Reading]) -> Self:
        """Return those that at least one of the readings fills."""
        filled = set[str]().union(*(reading.values for reading in readings))
        return cls(
            tuple(name for name in _GAUGES if name in filled),
            tuple(name for name in _WHOLE if name in filled),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in the order of a row."""
        return (*_HEAD, *self.gauges, *self.whole)

    @property
    def types(self) -> tuple[str, ...]:
        """The types, in the order of a row."""
        return (*_HEAD.values(), *("float4" for _ in self.gauges), *("int8" for _ in self.whole))

    def row(self, reading: Reading, meter_id: int, received_at: datetime) -> tuple[object, ...]:
        """Return the row of one of the readings; what has no column of its own goes into `extra`."""
        values = reading.values
        extra = None
        if not values.keys() <= _KNOWN:
            extra = Jsonb({name: value for name, value in values.items() if name not in _KNOWN})
        return (
            reading.ts,
            meter_id,
            reading.seq,
            received_at,
            reading.span_ms,
            reading.clock_synced,
            list(reading.suspect) or None,
            list(reading.missing) or None,
            extra,
            # JSON writes 230.0 as 230, which a binary float4 would not take.
            *[None if (value := values.get(name)) is None else float(value) for name in self.gauges],
            *[values.get(name) for name in self.whole],
        )
