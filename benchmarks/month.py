"""Processor time to account for a month of fifty points: from rows of `quarter_hour` to a statement for each.

Computation only: rows are generated, two producers are shared among 48 flats by the dynamic key, and in the middle of
the month every tenth flat has a day without readings.
"""

import argparse
import random
import time
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from mmetering_accounting.distribution import distribute
from mmetering_accounting.holder import whole
from mmetering_accounting.installation import Installation
from mmetering_accounting.local_time import month
from mmetering_accounting.meter_reading import meter_lines
from mmetering_accounting.point import MeteredPoint
from mmetering_accounting.quarter import QUARTER_MS, WEEK
from mmetering_accounting.reconciliation import reconcile
from mmetering_accounting.sample import Row, doubtful, samples_of
from mmetering_accounting.sharing import Key
from mmetering_accounting.statement import state
from mmetering_accounting.tariff import Source, Tariff
from mmetering_accounting.terms import Terms

from benchmarks.measure import machine, table, verdict

LIMIT_S = 2.0  # of processor time; the issue gives 5 s for the sheet with its way through the database
ZONE = ZoneInfo("Europe/Berlin")
OCTOBER = month(2026, 10, ZONE)  # the longest month: 2980 quarter hours
HISTORY = 4 * WEEK  # quarter hours that are read for the shape of gaps, where there is one
PRODUCERS = ("chp", "pv")
TARIFFS = [
    Tariff("own", Source.OWN, Decimal("20.5"), Decimal(0), date(2026, 1, 1)),
    Tariff("grid", Source.GRID, Decimal("32.05"), Decimal(19), date(2026, 1, 1)),
    Tariff("fixed", Source.FIXED, Decimal("33.3"), Decimal(19), date(2026, 1, 1)),
]


def generate(dice: random.Random, most: int, *, gap: bool) -> list[Row]:
    """Return the rows of a meter for the month and one on each side; with a gap of a day, and then the weeks before."""
    found, wh = [], dice.randrange(10**8)
    hole = range(OCTOBER[1400], OCTOBER[1496]) if gap else range(0)
    for quarter in range(OCTOBER.start - (HISTORY if gap else 1), OCTOBER.stop + 1):
        begin, used = quarter * QUARTER_MS, dice.randrange(most)
        if quarter not in hole:
            found.append(Row(quarter, wh, begin + 500, wh + used, begin + 890_500, wh, wh + used))
        wh += used + 1
    return found


def trusted_point(installation: Installation, rows: list[Row]) -> MeteredPoint:
    """Return a point as its rows give it; none of them is in doubt, so nothing is read from the raw readings."""
    assert not doubtful(rows, installation.rating)
    return MeteredPoint([(installation, installation.trusted(samples_of(rows)))], ZONE)


class Steps:
    """Processor time of one step after the other."""

    def __init__(self) -> None:
        self.times: list[tuple[str, float]] = []
        self._begin = time.process_time()

    def end(self, name: str) -> None:
        """Note the time since the step before."""
        now = time.process_time()
        self.times.append((name, now - self._begin))
        self._begin = now


def main() -> None:
    """Print the processor time of each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=50, help="two of them producers; default 50")
    flats = [f"flat-{number:02}" for number in range(1, parser.parse_args().points - len(PRODUCERS) + 1)]
    dice = random.Random(630)
    tables = {name: generate(dice, 900, gap=number % 10 == 0) for number, name in enumerate(flats, start=1)}
    tables |= {name: generate(dice, 12_000, gap=False) for name in PRODUCERS}
    installation = Installation("meter", "12345678", datetime(2025, 1, 1, tzinfo=UTC))

    steps = Steps()
    points = {name: trusted_point(installation, found) for name, found in tables.items()}
    steps.end("trust the samples")
    profiles = {name: point.profile(OCTOBER) for name, point in points.items()}
    steps.end("quarter hours")
    used, produced = {name: profiles[name] for name in flats}, {name: profiles[name] for name in PRODUCERS}
    terms = [Terms(producer, dict.fromkeys(flats, 1), Key.DYNAMIC) for producer in PRODUCERS]
    shared = distribute(used, produced, terms, ZONE)
    steps.end("share the production")
    building = reconcile(used, produced, shared)
    begin, end = OCTOBER.start * QUARTER_MS, OCTOBER.stop * QUARTER_MS
    for name in flats:
        use = whole(used[name], shared.own[name])
        meters = meter_lines(points[name], begin, end)
        made = state(name, "holder", use, meters=meters, terms=terms, tariffs=TARIFFS, building=building, zone=ZONE,
                     supplies_grid=True)  # fmt: skip
        assert made.hash
    steps.end("statements")

    assert building.produced == building.shared + building.feed_in
    print(f"{machine()}\n{len(profiles)} points x {len(OCTOBER)} quarter hours, processor time in s:")
    print(table(("step", "s"), [(name, f"{seconds:.2f}") for name, seconds in steps.times]))
    print(verdict("all", sum(seconds for _, seconds in steps.times), LIMIT_S, at_least=False))


if __name__ == "__main__":
    main()
