"""Readings that travel together, and which of them lack a receipt. Pure; times are seconds of any steady clock.

At most OUTSTANDING parcels lack one. A parcel that lacks it too long is sent again, each time after twice the wait.
A connection or an ingest that is new has heard of none of them: then all are due at once.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import msgspec
from mmetering_contract.payload import encode
from mmetering_contract.reading import Reading
from mmetering_contract.record import BATCH_BYTES, BATCH_READINGS, Device, PackedBatch, Range

OUTSTANDING = 8
FIRST_WAIT_S = 30.0
LONGEST_WAIT_S = 600.0
NOBODY_WAIT_S = 10.0  # nobody subscribes: ask again soon, it costs little
NO_SUBSCRIBERS = 0x10  # MQTT 5.0, table 2-6

Token = tuple[int, int]


@dataclass(slots=True, eq=False)
class Parcel:
    """A batch as it is sent, the seqs in it that lack a receipt, and when it is due again."""

    payload: bytes
    seqs: tuple[int, ...]
    open: set[int]
    sent: int = 0
    due: float = 0.0
    token: Token | None = None


def parcels_of(epoch: str, devices: Mapping[str, Device], readings: Iterable[Reading]) -> Iterator[Parcel]:
    """Yield the readings in their order, as many in a parcel as a batch may hold."""
    packed: list[tuple[Reading, bytes]] = []
    size = 0
    for reading in readings:
        payload = encode(reading)
        cost = len(payload) + len(encode(devices[reading.meter])) + len(reading.meter) + 8  # quotes, commas
        if packed and (len(packed) == BATCH_READINGS or size + cost > BATCH_BYTES - 100):  # of its frame
            yield _parcel(epoch, devices, packed)
            packed, size = [], 0
        packed.append((reading, payload))
        size += cost
    if packed:
        yield _parcel(epoch, devices, packed)


def _parcel(epoch: str, devices: Mapping[str, Device], packed: list[tuple[Reading, bytes]]) -> Parcel:
    meters = {slug: devices[slug] for slug in sorted({reading.meter for reading, _ in packed})}
    payload = encode(PackedBatch(epoch, meters, [msgspec.Raw(payload) for _, payload in packed]))
    seqs = tuple(reading.seq for reading, _ in packed)
    return Parcel(payload, seqs, set(seqs))


class Window:
    """The parcels under way, in their order."""

    def __init__(self) -> None:
        """Begin with none."""
        self._parcels: list[Parcel] = []

    def __len__(self) -> int:
        return len(self._parcels)

    @property
    def full(self) -> bool:
        """Whether there is no room for another parcel."""
        return len(self._parcels) >= OUTSTANDING

    def add(self, parcel: Parcel, now: float) -> None:
        """Take another parcel, due now."""
        parcel.due = now
        self._parcels.append(parcel)

    def due(self, now: float) -> list[Parcel]:
        """Return what is to be sent now."""
        return [parcel for parcel in self._parcels if parcel.due <= now]

    def sent(self, parcel: Parcel, token: Token, now: float) -> None:
        """Note that a parcel was handed to the broker."""
        parcel.token = token
        parcel.due = now + min(FIRST_WAIT_S * 2**parcel.sent, LONGEST_WAIT_S)
        parcel.sent += 1

    def answered(self, token: Token, reason: int, now: float) -> None:
        """Note the broker's answer to a parcel."""
        for parcel in self._parcels:
            if parcel.token == token and reason == NO_SUBSCRIBERS:
                parcel.due, parcel.sent = now + NOBODY_WAIT_S, 0

    def settle(self, ranges: Iterable[Range]) -> int:
        """Take out what a receipt names; return how many readings that were."""
        before = sum(len(parcel.open) for parcel in self._parcels)
        for first, last in ranges:
            for parcel in self._parcels:
                if first <= parcel.seqs[-1] and parcel.seqs[0] <= last:
                    parcel.open = {seq for seq in parcel.open if not first <= seq <= last}
        self._parcels = [parcel for parcel in self._parcels if parcel.open]
        return before - sum(len(parcel.open) for parcel in self._parcels)

    def hurry(self, now: float) -> None:
        """Make all parcels due: whoever is new on the line knows nothing of them."""
        for parcel in self._parcels:
            parcel.due, parcel.sent = now, 0

    def oldest(self) -> int | None:
        """Return the lowest seq that lacks a receipt; None without any."""
        return min((min(parcel.open) for parcel in self._parcels), default=None)
