"""What becomes of deliveries: rows and refusals, and the receipts that tell their gateways. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

import msgspec
from mmetering_contract.reading import Reading
from mmetering_contract.record import Range, Receipt, ranges_of, union

from mmetering_ingest.intake import Delivery
from mmetering_ingest.refusal import Refusal


class Row(msgspec.Struct, frozen=True, gc=False, eq=False):
    """A reading that has, or will have, a row."""

    delivery: Delivery
    reading: Reading
    meter_id: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal, and the message that it is about."""

    delivery: Delivery
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one transaction, or several in a row, have done.

    Attributes:
        duplicates: how many of the rows were there already.
    """

    rows: Sequence[Row] = ()
    refused: Sequence[Refused] = ()
    duplicates: int = 0

    @property
    def receipts(self) -> dict[str, list[Receipt]]:
        """What to tell each gateway."""
        return receipts_of(self.rows, self.refused)

    def __add__(self, other: "Outcome") -> "Outcome":
        """Return what both have done."""
        return Outcome([*self.rows, *other.rows], [*self.refused, *other.refused], self.duplicates + other.duplicates)


def receipts_of(rows: Iterable[Row], refused: Iterable[Refused]) -> dict[str, list[Receipt]]:
    """Return the receipts for each gateway, one for each epoch, both in order."""
    spools: dict[tuple[str, str], _Spool] = defaultdict(_Spool)
    deliveries: set[Delivery] = set()
    for delivery, of_delivery in groupby(rows, attrgetter("delivery")):
        deliveries.add(delivery)
        spools[delivery.gateway, delivery.epoch].stored.extend(row.reading.seq for row in of_delivery)
    for entry in refused:
        delivery = entry.delivery
        if delivery.epoch:
            deliveries.add(delivery)
            spools[delivery.gateway, delivery.epoch].rejected.extend(entry.refusal.seqs)
    for delivery in deliveries:
        spools[delivery.gateway, delivery.epoch].dropped.extend(delivery.dropped)
    receipts: dict[str, list[Receipt]] = {}
    for (gateway, epoch), spool in sorted(spools.items()):
        receipt = Receipt(epoch, ranges_of(spool.stored), union(spool.rejected), union(spool.dropped))
        receipts.setdefault(gateway, []).append(receipt)
    return receipts


@dataclass(slots=True)
class _Spool:
    """What deliveries tell of one spool."""

    stored: list[int] = field(default_factory=list)
    rejected: list[Range] = field(default_factory=list)
    dropped: list[Range] = field(default_factory=list)
