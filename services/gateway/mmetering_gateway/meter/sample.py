"""What one poll of one meter brought, before the spool has given it a number."""

from datetime import datetime

import msgspec
from mmetering_contract.reading import Reading

from mmetering_gateway.dating import Uptime


class Sample(msgspec.Struct, frozen=True):
    """A reading without its seq; the fields mean what they mean in `Reading`.

    Attributes:
        undated: when it was taken, where `ts` is what a wrong clock said; None where `ts` is right.
    """

    meter: str
    ts: datetime
    group: str
    values: dict[str, int | float]
    span_ms: int
    suspect: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    undated: Uptime | None = None

    def numbered(self, seq: int) -> Reading:
        """Return the reading that this sample becomes in the spool."""
        return Reading(
            meter=self.meter,
            ts=self.ts,
            seq=seq,
            group=self.group,
            values=self.values,
            span_ms=self.span_ms,
            quality="suspect" if self.suspect else "good",
            suspect=self.suspect,
            missing=self.missing,
            clock_synced=self.undated is None,
        )
