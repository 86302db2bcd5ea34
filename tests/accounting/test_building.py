"""A generated building with a known true flow: readings derived from it, then thinned, delayed, doubled and cut.

Wherever it is measured the truth must come out, and wherever not a flag.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from itertools import accumulate
from random import Random
from zoneinfo import ZoneInfo

import pytest
from accounting.readings import QUARTER, rows
from mmetering_accounting.distribution import distribute
from mmetering_accounting.flag import Flag
from mmetering_accounting.installation import Installation
from mmetering_accounting.local_time import days
from mmetering_accounting.point import MeteredPoint
from mmetering_accounting.profile import Profile
from mmetering_accounting.quarter import WEEK, instant_of
from mmetering_accounting.rating import Rating
from mmetering_accounting.sample import Sample, doubtful, samples_of
from mmetering_accounting.sharing import Key
from mmetering_accounting.terms import Terms

BERLIN = ZoneInfo("Europe/Berlin")
MINUTE = 60_000
STEP = 3 * MINUTE  # from one reading to the next; one lies at each boundary
HISTORY = timedelta(weeks=1)
CLOSE = 5 * MINUTE  # how far a boundary may be off, since the flow between two close samples may be uneven
FLATS = ("a", "b", "c", "common")
MAKERS = ("chp", "pv")


@dataclass
class Flow:
    """What truly flows through a point: Wh up to each minute from `begin` on, and what its meters said of it."""

    begin: int
    grown: list[int]
    meters: list[tuple[Installation, list[Sample]]] = field(default_factory=list)

    def true(self, begin: int, end: int) -> int:
        """Return what truly flowed between two whole minutes, in ms."""
        return self.grown[(end - self.begin) // MINUTE] - self.grown[(begin - self.begin) // MINUTE]


def flow(dice: Random, begin: int, end: int) -> Flow:
    """Return a point that rests in the night, with the same habits each week and some chance in them."""
    habits = [dice.choice([0, 0, 1, 3, 8, 20]) for _ in range(7 * 24)]
    hours = [habits[hour % (7 * 24)] for hour in range((end - begin) // (60 * MINUTE) + 1)]
    return Flow(begin, list(accumulate((dice.randrange(habit + 1) for habit in hours for _ in range(60)), initial=0)))


def install(flow: Flow, dice: Random, end: int, *, swap: bool) -> None:
    """Let one meter count the flow, or two, one after the other at a whole minute; read each in steps."""
    swaps = [dice.randrange(flow.begin // MINUTE + 60, end // MINUTE - 60) * MINUTE] if swap else []
    counter = dice.randrange(10**8)
    for number, (since, until) in enumerate(zip([flow.begin, *swaps], [*swaps, end + QUARTER], strict=True)):
        last = number == len(swaps)
        instants = sorted({since, *range(since // STEP * STEP + STEP, min(until, end), STEP), min(until, end)})
        samples = [Sample(ms, counter + flow.true(since, ms)) for ms in instants]
        installation = Installation(
            *(f"m{number}", f"S{number}", instant_of(since), None if last else instant_of(until)),
            begin_wh=counter,
            end_wh=None if last else samples[-1].wh,
        )
        flow.meters.append((installation, samples))
        counter = dice.randrange(10**8)


def worsen(samples: list[Sample], dice: Random) -> list[Sample]:
    """Thin, double, shuffle and cut readings, and put single wrong ones between; first and last stay."""
    kept = [one for one in samples[1:-1] if dice.random() > 0.3]
    for _ in range(dice.randrange(4)):  # silences from minutes to days
        begin = dice.choice(samples).ms
        end = begin + MINUTE * dice.choice([7, 30, 110, 400, 3000])
        kept = [one for one in kept if not begin < one.ms < end]
    wrong = [Sample(one.ms + 5000, dice.choice([0, one.wh + 10**7])) for one in dice.sample(kept, 3)]
    found = [samples[0], *kept, *wrong, *dice.sample(kept, len(kept) // 9), samples[-1]]
    dice.shuffle(found)
    return found


def compute(flow: Flow, readings: list[list[Sample]], quarters: range) -> tuple[Profile, int]:
    """Return the profile that readings give by way of `quarter_hour`, and how many samples were rejected."""
    trusted = []
    for (installation, _), received in zip(flow.meters, readings, strict=True):
        stored = sorted(set(received))
        table = rows(stored)
        doubt = doubtful(table, Rating())
        raw = {quarter: [one for one in stored if one.ms // QUARTER == quarter] for quarter in doubt}
        trusted.append((installation, installation.trusted(samples_of(table, raw))))
    rejected = sum(len(one.rejected) for _, one in trusted)
    return MeteredPoint(trusted, BERLIN).profile(quarters), rejected


@dataclass
class Building:
    """A generated building over some days, and the week before for the shape of gaps."""

    quarters: range
    flows: Mapping[str, Flow]


@cache
def building(seed: int, first: date, last: date) -> Building:
    """Return a building in which every other point has a meter replaced."""
    dice = Random(seed)
    quarters = days(first, last, BERLIN)
    begin, end = quarters.start * QUARTER - int(HISTORY.total_seconds()) * 1000, quarters.stop * QUARTER
    flows = {name: flow(dice, begin, end) for name in (*FLATS, *MAKERS)}
    for number, one in enumerate(flows.values()):
        install(one, dice, end, swap=number % 2 == 0)
    return Building(quarters, flows)


SPRING = (date(2026, 3, 26), date(2026, 4, 1))
AUTUMN = (date(2026, 10, 22), date(2026, 10, 28))
SUMMER = (date(2026, 6, 29), date(2026, 7, 3))


@pytest.mark.parametrize(("seed", "span"), [(1, SPRING), (2, AUTUMN), (3, SUMMER)])
def test_the_truth_comes_out_wherever_it_was_measured(seed: int, span: tuple[date, date]) -> None:
    """From complete readings every quarter hour must be the true one, replaced meters and clock changes or not."""
    generated = building(seed, *span)
    for name, one in generated.flows.items():
        found, rejected = compute(one, [samples for _, samples in one.meters], generated.quarters)
        assert rejected == 0
        for quarter, wh, flag in found:
            assert (wh, flag) == (one.true(quarter * QUARTER, (quarter + 1) * QUARTER), Flag.MEASURED), name


@pytest.mark.parametrize(("seed", "span"), [(11, SPRING), (12, AUTUMN), (13, SUMMER), (14, AUTUMN)])
def test_bad_readings_give_the_truth_or_a_flag(seed: int, span: tuple[date, date]) -> None:
    """From readings thinned, doubled, out of order and cut, measured must mean true, and the total must stay."""
    generated = building(seed, *span)
    dice = Random(seed)
    begin, end = generated.quarters.start * QUARTER, generated.quarters.stop * QUARTER
    for name, one in generated.flows.items():
        readings = [worsen(samples, dice) for _, samples in one.meters]
        found, rejected = compute(one, readings, generated.quarters)
        assert rejected == 3 * len(readings)
        assert found.sum.missing == 0
        for quarter, wh, flag in found:
            if flag is Flag.MEASURED:
                least = one.true(quarter * QUARTER + CLOSE, (quarter + 1) * QUARTER - CLOSE)
                most = one.true(quarter * QUARTER - CLOSE, min((quarter + 1) * QUARTER + CLOSE, end))
                assert least <= (wh or 0) <= most, name
        assert found.sum.flag > Flag.MEASURED
        if found.flags[0] is found.flags[-1] is Flag.MEASURED:
            assert one.true(begin + CLOSE, end - CLOSE) <= found.sum.wh <= one.true(begin - CLOSE, end)


@pytest.mark.parametrize(("seed", "span"), [(21, SPRING), (22, AUTUMN)])
def test_sums_hold_for_every_key(seed: int, span: tuple[date, date]) -> None:
    """Shares and feed-in must be the production, and quarter hours the counters' difference, to the Wh."""
    generated = building(seed, *span)
    dice = Random(seed)
    begin, end = generated.quarters.start, generated.quarters.stop
    wide = range(begin - WEEK, end)
    profiles = {}
    for name, one in generated.flows.items():
        readings = [worsen(samples, dice) for _, samples in one.meters]
        entire, _ = compute(one, readings, wide)
        counted = sum(samples[-1].wh - samples[0].wh for _, samples in one.meters)
        assert entire.sum.wh == counted == one.true(one.begin, end * QUARTER)
        profiles[name], _ = compute(one, readings, generated.quarters)
        assert list(profiles[name]) == list(entire.part(generated.quarters))
    used = {name: profiles[name] for name in FLATS}
    produced = {name: profiles[name] for name in MAKERS}
    parts = {name: dice.randrange(1, 9) for name in FLATS}
    for key in Key:
        found = distribute(used, produced, [Terms(maker, parts, key) for maker in MAKERS], BERLIN)
        for maker in MAKERS:
            shared = sum(sum(rows[maker]) for rows in found.own.values())
            assert shared + sum(found.feed_in[maker]) == produced[maker].sum.wh
        for flat in FLATS:
            assert sum(found.own_of(flat)) <= used[flat].sum.wh


def test_late_readings_give_the_same_figures() -> None:
    """Rule 1: computed again with all readings, figures must come out as if these had never been late."""
    generated = building(31, *AUTUMN)
    one = generated.flows["a"]
    middle = instant_of(generated.quarters.start * QUARTER) + timedelta(days=3)
    early = [[sample for sample in samples if instant_of(sample.ms) < middle] for _, samples in one.meters]
    provisional, _ = compute(one, early, generated.quarters)
    final, _ = compute(one, [samples for _, samples in one.meters], generated.quarters)
    assert provisional.flags[-1] > Flag.SUBSTITUTE
    for (quarter, before, flag), (_, after, _) in zip(provisional, final, strict=True):
        if instant_of((quarter + 1) * QUARTER) < middle:
            assert (before, flag) == (after, Flag.MEASURED)


def test_a_day_is_what_its_date_says() -> None:
    """The day of the clock change must have 100 quarter hours of true energy, the hour that comes twice in both."""
    generated = building(2, *AUTUMN)
    one = generated.flows["b"]
    change = days(date(2026, 10, 25), date(2026, 10, 25), BERLIN)
    found, _ = compute(one, [samples for _, samples in one.meters], change)
    midnight, next_midnight = (datetime(2026, 10, day, tzinfo=BERLIN).timestamp() * 1000 for day in (25, 26))
    assert len(found.wh) == 100
    assert found.sum.wh == one.true(int(midnight), int(next_midnight))
