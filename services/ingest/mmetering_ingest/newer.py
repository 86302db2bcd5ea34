"""Readings of a newer release: what this one has no name for is kept beside them, not passed over. Pure.

Most batches hold nothing unknown and nothing odd. Those are decoded at once by types that are quicker to check and take
nothing that the contract would not; all the others reading by reading, by the contract's own.
"""

from collections.abc import Mapping
from datetime import MAXYEAR, MINYEAR
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from mmetering_contract.payload import decoder_of
from mmetering_contract.quantity import BY_NAME
from mmetering_contract.reading import INT64, MAGNITUDE, WHOLE, Reading
from mmetering_contract.record import Batch

if TYPE_CHECKING:  # a type checker wants each of them spelled out
    _Known = str
else:
    _Known = Literal[tuple(BY_NAME)]
_has_no_counter = WHOLE.isdisjoint
_Whole = Annotated[int, msgspec.Meta(ge=-INT64, le=INT64 - 1)]
_Gauge = Annotated[float, msgspec.Meta(ge=-MAGNITUDE, le=MAGNITUDE)]


class NewerReading(Reading, frozen=True, kw_only=True):
    """A reading with keys that this release does not know: `keys` has them with their values, as they came."""

    keys: dict[str, object]


class _PlainReading(Reading, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A reading of this release, with known quantities only. That its meter is a slug follows from its batch."""

    meter: str
    group: Literal["live", "energy", "quality", "demand"]
    values: dict[_Known, _Whole | _Gauge]

    def __post_init__(self) -> None:
        """Leave what is to be checked to the batch: a call for each reading would be half of its cost."""


class _PlainBatch(Batch, frozen=True):
    """A batch of such readings; what it may hold besides them is not ours to keep."""

    readings: tuple[_PlainReading, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        for reading in self.readings:
            if not MINYEAR < reading.ts.year < MAXYEAR:
                raise ValueError("ts")
            if not _has_no_counter(reading.values):
                _check_counters(reading.values)


def _check_counters(values: Mapping[str, int | float]) -> None:
    for name in WHOLE & values.keys():
        if type(values[name]) is not int:
            raise ValueError(name)


decode_plain_batch = decoder_of(_PlainBatch)

_decode = decoder_of(Reading)
_decode_keys = decoder_of(dict[str, object])
_KNOWN = frozenset(Reading.__struct_fields__)


def decode_newer(payload: bytes) -> Reading:
    """Return a reading of any release.

    Raises:
        PayloadError: it is none.
    """
    reading = _decode(payload)
    keys = {key: value for key, value in _decode_keys(payload).items() if key not in _KNOWN}
    return NewerReading(**msgspec.structs.asdict(reading), keys=keys) if keys else reading
