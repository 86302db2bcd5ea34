"""What it costs to keep `quarter_hour`: processor time per reading, beside that of the COPY that brings the readings.

Quarter hours are lived through second by second, as fast as they will go: what was read in a second is one commit,
and the computation asks as often as in ingest. Counted are the sessions of the database and our own process.
"""

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Self

import psycopg
from mmetering_contract.quantity import QUANTITIES, Group
from mmetering_contract.reading import Reading
from mmetering_ingest.quarter_hours import PAUSE_S, compute_dirty
from mmetering_ingest.row import Columns
from mmetering_ingest.store import QUERIES

from benchmarks.hall import Hall
from benchmarks.measure import Usage, machine, table, verdict

METERS = (10, 100, 1000)
INTERVALS_S = ((10, 60), (1, 10))  # live, energy
READINGS = 8_000  # at least, for the clock ticks every 10 ms
QUARTER_HOUR_S = 900
SETTLE_S = 14  # behind a quarter hour, until it is computed for the last time
START = datetime(2026, 11, 23, tzinfo=UTC)
RATIO = 2.0  # of keeping to COPY, at most
# Only processor time counts, so nobody need wait for the disk.
SETTINGS = {"synchronous_commit": "off"}
PREPARE = """
ALTER TABLE dirty_quarter_hour ALTER marked_at SET DEFAULT current_setting('benchmark.now')::timestamptz;
TRUNCATE reading, quarter_hour, quarter_hour_quality, dirty_quarter_hour, meter RESTART IDENTITY CASCADE
"""
ENTER = "INSERT INTO meter (slug, model, gateway) SELECT 'm-' || n, 'sdm630', 'main' FROM generate_series(1, %s) AS n"
LIVE = [quantity.name for quantity in QUANTITIES if quantity.group is Group.LIVE][:11]  # of an SDM630
ENERGY = [quantity.name for quantity in QUANTITIES if quantity.group is Group.ENERGY][:25]


@dataclass(slots=True)
class Session:
    """A connection, and the processor time that it has cost at both of its ends, in s."""

    connection: psycopg.Connection
    own_s: float = 0.0
    _before: Usage = field(init=False)

    def __post_init__(self) -> None:
        """Begin to count."""
        self._before = Usage.of(self.connection.info.backend_pid)

    @classmethod
    def to(cls, conninfo: str, stack: ExitStack) -> Self:
        """Connect, until the stack is left."""
        return cls(stack.enter_context(psycopg.connect(conninfo, autocommit=True)))

    @contextmanager
    def at_work(self) -> Iterator[psycopg.Connection]:
        """Give the connection, and count what our process does meanwhile."""
        begin = time.process_time()
        yield self.connection
        self.own_s += time.process_time() - begin

    @property
    def spent_s(self) -> float:
        """What it has cost until now."""
        return self.own_s + Usage.of(self.connection.info.backend_pid).since(self._before).processor_s


@dataclass(frozen=True, slots=True)
class Costs:
    """What each of so many readings costs, in us: to bring it, to mark its quarter hour, to compute that."""

    readings: int
    copy_us: float
    mark_us: float
    compute_us: float

    @property
    def ratio(self) -> float:
        """Of keeping `quarter_hour` to COPY."""
        return (self.mark_us + self.compute_us) / self.copy_us

    def cells(self) -> tuple[object, ...]:
        """Return what stands in the table."""
        figures = (f"{cost:.1f}" for cost in (self.copy_us, self.mark_us, self.compute_us))
        return (self.readings, *figures, f"{self.ratio:.2f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--meters", type=int, nargs="*", default=METERS)
    parser.add_argument("--readings", type=int, default=READINGS, help="at least, for each figure")
    options = parser.parse_args()
    print(machine())
    lines, worst = [], 0.0
    with Hall(["main"], SETTINGS) as hall:
        for live_s, energy_s in INTERVALS_S:
            for meters in options.meters:
                costs = _live_through(hall.conninfo, meters, live_s, energy_s, options.readings)
                lines.append((f"{meters}, {live_s} s / {energy_s} s", *costs.cells()))
                worst = max(worst, costs.ratio)
    header = ("meters, live / energy", "readings", "COPY us", "marks us", "computing us", "keeping / COPY")
    print(table(header, lines))
    print(verdict("keeping / COPY", worst, RATIO, at_least=False))


def _live_through(conninfo: str, meters: int, live_s: int, energy_s: int, at_least: int) -> Costs:
    """Live through so many quarter hours that there are enough readings."""
    in_one = meters * (QUARTER_HOUR_S // live_s + QUARTER_HOUR_S // energy_s)
    seconds = QUARTER_HOUR_S * -(-at_least // in_one)
    readings = 0
    with ExitStack() as stack:
        copy, mark, compute = (Session.to(conninfo, stack) for _ in range(3))
        compute.connection.execute(PREPARE)
        compute.connection.execute(ENTER, (meters,))
        for second, of_second in enumerate(_seconds(meters, live_s, energy_s, seconds)):
            now = START + timedelta(seconds=second)
            if of_second:
                readings += len(of_second)
                with copy.at_work() as connection:
                    _copy(connection, of_second, now)
                mark.connection.execute("SELECT set_config('benchmark.now', %s, false)", (now.isoformat(),))
                with mark.at_work() as connection:
                    _mark(connection, of_second)
            if second % PAUSE_S == 0:
                with compute.at_work() as connection:
                    compute_dirty(connection, now)
        return Costs(readings, *(1e6 * session.spent_s / readings for session in (copy, mark, compute)))


def _seconds(meters: int, live_s: int, energy_s: int, seconds: int) -> Iterator[list[tuple[int, Reading]]]:
    """Yield the readings of each second with the ids of their meters, and nothing for the seconds after the last."""
    dice, seqs = random.Random(630), count(1)

    def live(_meter: int, _second: int) -> dict[str, int | float]:
        return {name: dice.uniform(1.0, 2000.0) for name in LIVE}

    def energy(meter: int, second: int) -> dict[str, int | float]:
        return dict.fromkeys(ENERGY, 1_000_000 * meter + second)

    for second in range(seconds + SETTLE_S):
        due = (
            (meter, values)
            for values, interval_s in ((live, live_s), (energy, energy_s))
            for meter in range(1, meters + 1)
            if (second + meter) % interval_s == 0 and second < seconds
        )
        yield [(meter, _reading(next(seqs), meter, second, values(meter, second))) for meter, values in due]


def _reading(seq: int, meter: int, second: int, values: dict[str, int | float]) -> Reading:
    ts = START + timedelta(seconds=second, milliseconds=meter % 1000)
    group = Group.ENERGY if ENERGY[0] in values else Group.LIVE
    return Reading(meter=f"m-{meter}", ts=ts, seq=seq, group=group, values=values, span_ms=90, quality="good")


def _copy(connection: psycopg.Connection, readings: Sequence[tuple[int, Reading]], now: datetime) -> None:
    """Write the rows of one commit, as ingest does."""
    with connection.transaction(), connection.cursor() as cursor:
        for group in {reading.group for _, reading in readings}:
            of_group = [(meter, reading) for meter, reading in readings if reading.group == group]
            columns = Columns.of(reading for _, reading in of_group)
            with cursor.copy(f"COPY reading ({', '.join(columns.names)}) FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(columns.types)
                for meter, reading in of_group:
                    copy.write_row(columns.row(reading, meter, now))


def _mark(connection: psycopg.Connection, readings: Sequence[tuple[int, Reading]]) -> None:
    """Mark the quarter hours of one commit, as ingest does."""
    number = int(readings[0][1].ts.timestamp()) // QUARTER_HOUR_S
    meters = sorted({meter for meter, _ in readings})
    connection.execute(QUERIES["mark_dirty"], {"meters": meters, "numbers": [number] * len(meters)})


if __name__ == "__main__":
    main()
