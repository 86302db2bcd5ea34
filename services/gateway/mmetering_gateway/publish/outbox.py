"""Which readings are on their way, and when to send them again. Pure; times are seconds of any steady clock.

At most OUTSTANDING parcels lack a receipt. One that lacks it too long is sent again, each time after twice the
wait. A connection or an ingest that is new has heard of none of them: then all are due at once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from mmetering_contract.record import BATCH_READINGS, Range

OUTSTANDING = 8
FIRST_WAIT_S = 30.0
LONGEST_WAIT_S = 600.0
NOBODY_WAIT_S = 10.0  # nobody subscribes: ask again soon, it costs little

NO_SUBSCRIBERS = 0x10  # MQTT 5.0, table 2-6
REFUSED = 0x80  # and above

Token = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Parcel:
    """Readings that travel together: their open seqs, how often they were sent, and when they are due again."""

    seqs: frozenset[int]
    sent: int = 0
    due: float = 0.0
    token: Token | None = None

    def wait_s(self) -> float:
        """Return how long to wait for a receipt after having been sent so often."""
        return float(min(FIRST_WAIT_S * 2 ** (self.sent - 1), LONGEST_WAIT_S))


class Outbox:
    """The parcels without a receipt."""

    def __init__(self) -> None:
        """Begin with none."""
        self._parcels: dict[int, Parcel] = {}
        self._next_key = 0
        self.repeats = 0

    def __len__(self) -> int:
        return len(self._parcels)

    @property
    def full(self) -> bool:
        """Whether there is no room for another parcel."""
        return len(self._parcels) >= OUTSTANDING

    def choose(self, open_seqs: Sequence[int]) -> frozenset[int]:
        """Return the seqs for a new parcel, in the order of preference of `open_seqs`; none when there is no room."""
        if self.full:
            return frozenset()
        held = set(chain.from_iterable(parcel.seqs for parcel in self._parcels.values()))
        free = (seq for seq in open_seqs if seq not in held)
        return frozenset(seq for seq, _ in zip(free, range(BATCH_READINGS), strict=False))

    def look_back(self) -> int:
        """Return how many open seqs to look at, so that a full parcel is found behind those under way."""
        return BATCH_READINGS * (len(self._parcels) + 1)

    def add(self, seqs: frozenset[int], now: float) -> int:
        """Take a new parcel, due now; return its key."""
        self._next_key += 1
        self._parcels[self._next_key] = Parcel(seqs, due=now)
        return self._next_key

    def due(self, now: float) -> list[tuple[int, Parcel]]:
        """Return (key, parcel) of what is to be sent now."""
        return [(key, parcel) for key, parcel in self._parcels.items() if parcel.due <= now]

    def sent(self, key: int, token: Token, now: float) -> None:
        """Note that a parcel was handed to the broker."""
        parcel = replace(self._parcels[key], sent=self._parcels[key].sent + 1, token=token)
        self._parcels[key] = replace(parcel, due=now + parcel.wait_s())
        self.repeats += parcel.sent > 1

    def answered(self, token: Token, reason: int, now: float) -> bool:
        """Note the broker's answer to a parcel; return False when it refused one."""
        for key, parcel in self._parcels.items():
            if parcel.token == token and reason == NO_SUBSCRIBERS:
                self._parcels[key] = replace(parcel, due=now + NOBODY_WAIT_S, sent=parcel.sent - 1)
            elif parcel.token == token:
                return reason < REFUSED
        return True

    def settle(self, ranges: Iterable[Range]) -> None:
        """Take out what a receipt names."""
        for first, last in ranges:
            for key, parcel in list(self._parcels.items()):
                gone = [seq for seq in parcel.seqs if first <= seq <= last]
                if len(gone) == len(parcel.seqs):
                    del self._parcels[key]
                elif gone:
                    self._parcels[key] = replace(parcel, seqs=parcel.seqs.difference(gone))

    def hurry(self, now: float) -> None:
        """Make all parcels due: whoever is new on the line knows nothing of them."""
        self._parcels = {key: replace(parcel, sent=0, due=now) for key, parcel in self._parcels.items()}
