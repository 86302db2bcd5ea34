"""Readings as rows of the table `reading`: which columns, of which types, in which order. Pure.

Of the columns for quantities, those are written that one of the readings fills: a scan group has a few of the many.
A gauge is written as a number of steps of its resolution. What no column can hold goes into `extra` as it came.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import truediv
from typing import Self

from mmetering_contract.quantity import QUANTITIES
from mmetering_contract.reading import Reading
from psycopg.types.json import Jsonb

from mmetering_ingest.newer import NewerReading

NEWER_KEYS = "+"  # no name of a quantity

_RESOLUTIONS = {quantity.name: quantity.resolution for quantity in QUANTITIES if not quantity.whole}
_WHOLE = tuple(quantity.name for quantity in QUANTITIES if quantity.whole)
_INT4 = 2**31

# Column to PostgreSQL's name of its type; binary COPY converts nothing.
_HEAD = {
    "ts": "timestamptz",
    "meter_id": "int4",
    "seq": "int8",
    "delay_s": "int4",
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
    resolutions: tuple[float, ...]  # of the gauges

    @classmethod
    def of(cls, readings: Iterable[Reading]) -> Self:
        """Return those that at least one of the readings fills."""
        filled = set[str]().union(*(reading.values for reading in readings))
        gauges = tuple(name for name in _RESOLUTIONS if name in filled)
        whole = tuple(name for name in _WHOLE if name in filled)
        return cls(gauges, whole, tuple(_RESOLUTIONS[name] for name in gauges))

    @property
    def names(self) -> tuple[str, ...]:
        """The names, in the order of a row."""
        return (*_HEAD, *self.gauges, *self.whole)

    @property
    def types(self) -> tuple[str, ...]:
        """The types, in the order of a row."""
        return (*_HEAD.values(), *("int4" for _ in self.gauges), *("int8" for _ in self.whole))

    def row(self, reading: Reading, meter_id: int, received_at: datetime) -> tuple[object, ...]:
        """Return the row of one of the readings."""
        extra: dict[str, object] = {}
        cells = self._full(reading.values)
        if cells is None:
            cells = self._partial(reading.values)
            extra = self._left_out(reading.values, cells)
        if isinstance(reading, NewerReading):
            extra[NEWER_KEYS] = reading.keys
        return (
            reading.ts,
            meter_id,
            reading.seq,
            round((received_at - reading.ts).total_seconds()),
            reading.span_ms,
            reading.clock_synced,
            list(reading.suspect) or None,
            list(reading.missing) or None,
            Jsonb(extra) if extra else None,
            *cells,
        )

    def _full(self, values: Mapping[str, int | float]) -> list[int | float | None] | None:
        """Return the cells where there is a value for each, and none besides: quickly, as most readings are so."""
        if len(values) != len(self.gauges) + len(self.whole):
            return None
        try:
            steps = list(map(round, map(truediv, map(values.__getitem__, self.gauges), self.resolutions)))
            whole = [values[name] for name in self.whole]
        except KeyError:
            return None
        if steps and (min(steps) < -_INT4 or max(steps) >= _INT4):
            return None
        return [*steps, *whole]

    def _partial(self, values: Mapping[str, int | float]) -> list[int | float | None]:
        """Return the cells, None where there is no value or a column cannot hold it."""
        steps = (None if (value := values.get(name)) is None else _steps(name, value) for name in self.gauges)
        return [*steps, *(values.get(name) for name in self.whole)]

    def _left_out(self, values: Mapping[str, int | float], cells: Sequence[int | float | None]) -> dict[str, object]:
        """Return the values that have no cell: unknown quantities, and what no integer of four bytes counts."""
        names = (*self.gauges, *self.whole)
        held = {name for name, cell in zip(names, cells, strict=True) if cell is not None}
        return {name: value for name, value in values.items() if name not in held}


def _steps(name: str, value: float) -> int | None:
    """Return the number of steps nearest to a gauge's value, or None where it is beyond four bytes."""
    steps = round(value / _RESOLUTIONS[name])
    return steps if -_INT4 <= steps < _INT4 else None
