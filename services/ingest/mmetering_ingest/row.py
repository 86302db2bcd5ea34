"""A reading as a row of the table `reading`: which columns, of which types, in which order. Pure."""

from datetime import datetime

from mmetering_contract.quantity import QUANTITIES, Kind
from mmetering_contract.reading import Reading
from psycopg.types.json import Jsonb

_NAMES = tuple(quantity.name for quantity in QUANTITIES)
_KNOWN = frozenset(_NAMES)
_COUNTERS = tuple(quantity.name for quantity in QUANTITIES if quantity.kind is Kind.COUNTER)
_GAUGES = tuple(quantity.name for quantity in QUANTITIES if quantity.kind is Kind.GAUGE)

COLUMNS = (
    *("ts", "meter_id", "seq", "received_at", "span_ms", "clock_synced", "suspect", "missing", "extra"),
    *_GAUGES,
    *_COUNTERS,
)

# PostgreSQL's names of the columns' types; binary COPY converts nothing.
TYPES = (
    *("timestamptz", "int4", "int8", "timestamptz", "int4", "bool", "text[]", "text[]", "jsonb"),
    *("float4" for _ in _GAUGES),
    *("int8" for _ in _COUNTERS),
)


def row_of(reading: Reading, meter_id: int, received_at: datetime) -> tuple[object, ...]:
    """Return the columns of a reading; what has no column of its own goes into `extra`."""
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
        *[None if (value := values.get(name)) is None else float(value) for name in _GAUGES],
        *[values.get(name) for name in _COUNTERS],
    )
