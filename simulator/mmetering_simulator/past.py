"""A past for a gateway's spool: what the gateway would have read at each quarter hour, had it been there.

It goes through the gateway's own decoder and spool, and so travels like every other reading. What is in the
spool already is never written again: the past of a meter goes on behind its newest reading.
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from mmetering_contract.quantity import Group
from mmetering_contract.record import Device
from mmetering_gateway.meter.sample import Sample
from mmetering_gateway.models import MODELS
from mmetering_gateway.models.registers import WIDTH, decode
from mmetering_gateway.spool.spool import Spool

from mmetering_simulator.building import QUARTER_S, Building
from mmetering_simulator.meter import SimulatedMeter
from mmetering_simulator.profile import QUARTERS

GROUPS = (Group.LIVE, Group.ENERGY)


def write_past(building: Building, spool: Spool, *, days: int, now: float) -> int:
    """Write what is missing of the last days, up to the last quarter hour, and return how many readings that was.

    Args:
        building: whose meters they are; before its installation there is nothing to write.
        spool: of the gateway that will read these meters; the gateway must not be running.
        days: how far back to go at most, in days of 24 hours.
        now: POSIX time in s.
    """
    meters = {slug: SimulatedMeter(building, slug) for slug in building.meter}
    for slug, meter in building.meter.items():
        spool.remember(slug, Device(meter.model, str(meter.serial)))
    end = int(now // QUARTER_S) + 1
    begin = max(end - 1 - days * QUARTERS, int(building.installed.timestamp()) // QUARTER_S)
    begins = {slug: max(begin, _after_newest(spool, slug)) for slug in meters}
    written = 0
    for first in range(min(begins.values(), default=end), end, QUARTERS):  # a commit for each day
        quarters = range(first, min(first + QUARTERS, end))
        written += len(
            spool.append(
                [
                    sample
                    for quarter in quarters
                    for slug, meter in meters.items()
                    if quarter >= begins[slug]
                    for sample in _samples(slug, meter, quarter * QUARTER_S)
                ]
            )
        )
    return written


def _after_newest(spool: Spool, slug: str) -> int:
    """Return the first quarter hour since 1970 that lies behind a meter's newest reading; 0 where it has none."""
    span = spool.span_of(slug)
    return int(span[1] // QUARTER_S) + 1 if span else 0


def _samples(slug: str, meter: SimulatedMeter, at: int) -> Iterator[Sample]:
    """Yield what a poll of each scan group brings at a POSIX time in s."""
    registers = meter.input_registers(at)
    for group in GROUPS:
        wanted = MODELS[meter.settings.model.name].of_group(group)
        first, last = wanted[0].address, wanted[-1].address
        block = [registers[address] for address in range(first, last + WIDTH)]
        values, missing = decode(wanted, {first: block})
        yield Sample(slug, datetime.fromtimestamp(at, UTC), group, values, span_ms=0, missing=missing)
