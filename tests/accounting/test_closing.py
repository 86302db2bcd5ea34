"""What keeps a period open, and anomalies that a person must resolve."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from accounting.readings import Q0, QUARTER, T0, at
from mmetering_accounting.anomaly import Anomaly, Kind, balance, calibrations, of_counter, silences
from mmetering_accounting.closing import Blocker, Why, of_anomalies, of_holdings, of_tariffs, of_values
from mmetering_accounting.distribution import distribute
from mmetering_accounting.flag import Flag
from mmetering_accounting.holder import Holding, whole
from mmetering_accounting.installation import Installation
from mmetering_accounting.profile import Profile
from mmetering_accounting.quarter import instant_of
from mmetering_accounting.rating import Rating
from mmetering_accounting.reconciliation import Reconciliation, reconcile
from mmetering_accounting.tariff import Source, Tariff
from mmetering_accounting.terms import Terms
from mmetering_accounting.trust import Cause, Resolution, trust

BERLIN = ZoneInfo("Europe/Berlin")
FOUR = range(Q0, Q0 + 4)
FINE = Profile(FOUR, [10, 10, 10, 10], [Flag.MEASURED] * 4)
HOLEY = Profile(FOUR, [10, None, 10, None], [Flag.MEASURED, Flag.MISSING, Flag.ESTIMATED, Flag.MISSING])


def test_a_missing_value_keeps_the_period_open() -> None:
    """Missing values of a participant must be told for the point and for all who share with it."""
    shared = distribute({"a": FINE, "b": HOLEY}, {"pv": FINE}, [Terms("pv", {"a": 1, "b": 1})], BERLIN)
    found = of_values({"a": FINE, "b": HOLEY, "pv": FINE}, shared, {"b": [Q0 + 2]})
    assert found == [
        Blocker(Why.PROVISIONAL, "", 2, T0 + QUARTER),
        Blocker(Why.MISSING, "b", 2, T0 + QUARTER),
    ]


def test_an_estimate_keeps_it_open_until_released() -> None:
    """Rule 3: a person must release estimates; a person's correction needs no release."""
    shared = distribute({"b": HOLEY}, {"pv": FINE}, [], BERLIN)
    assert of_values({"b": HOLEY}, shared, {})[1:] == [Blocker(Why.ESTIMATED, "b", 1, T0 + 2 * QUARTER)]
    corrected = HOLEY.corrected({Q0 + 1: 5, Q0 + 2: 6, Q0 + 3: 7})
    assert corrected.wh == [10, 5, 6, 7]
    assert corrected.sum.flag is Flag.CORRECTED
    assert of_values({"b": corrected}, shared, {}) == []


def test_a_break_is_an_anomaly_with_evidence() -> None:
    """Rule 4: it must name meter, kind and both samples, and keep the period open until it is resolved."""
    samples = [at(0, 1000), at(1, 1010), at(2, 5), at(3, 6)]
    (found,) = of_counter("flat-03", trust(samples, Rating()))
    evidence = {"last_ms": T0 + 60_000, "last_wh": 1010, "first_ms": T0 + 120_000, "first_wh": 5}
    assert found == Anomaly(Kind.FALL, "flat-03", T0 + 120_000, evidence)
    assert of_anomalies([found]) == [Blocker(Why.ANOMALY, "flat-03", 1, T0 + 120_000)]
    word = Resolution(Cause.REPLACED, T0 + 120_000, reason="new meter")
    (resolved,) = of_counter("flat-03", trust(samples, Rating(), [word]))
    assert resolved.resolved
    assert of_anomalies([resolved]) == []
    (leap,) = of_counter("flat-03", trust([at(0, 0), at(1, 10**6), at(2, 10**6)], Rating()))
    assert leap.kind is Kind.LEAP


def test_rejected_samples_are_counted() -> None:
    """Rule 4: single samples that were off must be told, and keep nothing open."""
    (found,) = of_counter("flat-03", trust([at(0, 0), at(1, 10**7), at(2, 1)], Rating()))
    assert (found.kind, found.evidence) == (Kind.REJECTED, {"samples": 1})
    assert of_anomalies([found]) == []


def test_a_day_of_silence_is_an_anomaly() -> None:
    """96 quarter hours without a measured one must be told, 95 not; at the end, too."""
    flags = [*[Flag.SUBSTITUTE] * 95, Flag.MEASURED, *[Flag.MISSING] * 96]
    profile = Profile(range(Q0, Q0 + len(flags)), [None if flag is Flag.MISSING else 1 for flag in flags], flags)
    assert silences("a", profile) == [Anomaly(Kind.SILENCE, "a", T0 + 96 * QUARTER, {"quarter_hours": 96})]


def test_the_building_adds_up_or_says_so() -> None:
    """What the points have not counted must be a line of its own, and too much of it an anomaly."""
    shared = distribute({"a": FINE, "b": FINE}, {"pv": FINE}, [Terms("pv", {"a": 1})], BERLIN)
    drawn = Profile(FOUR, [15] * 4, [Flag.MEASURED] * 4)
    delivered = Profile(FOUR, [1] * 4, [Flag.MEASURED] * 4)
    found = reconcile({"a": FINE, "b": FINE}, {"pv": FINE}, shared, drawn, delivered)
    assert found == Reconciliation(produced=40, shared=40, feed_in=0, points=80, drawn=60, delivered=4)
    assert (found.building, found.rest) == (96, 16)
    evidence = {"building_wh": 96, "points_wh": 80, "rest_wh": 16}
    assert balance(found, FOUR) == [Anomaly(Kind.BALANCE, "building", T0, evidence)]
    assert balance(found, FOUR, percent=17) == []
    without = reconcile({"a": FINE}, {"pv": FINE}, shared)
    assert (without.building, without.rest, balance(without, FOUR)) == (None, None, [])


def test_an_expiring_calibration_is_an_anomaly() -> None:
    """A meter whose calibration ends with this year must be told, one with an unknown year not."""
    begin = datetime(2019, 5, 1, tzinfo=BERLIN)
    meters = [Installation(name, "1", begin, calibrated=year) for name, year in (("a", 2018), ("b", 2019), ("c", None))]
    assert [one.subject for one in calibrations(meters, 2026)] == ["a"]


def test_a_point_is_held_by_exactly_one() -> None:
    """Holes and overlaps of holders must be found, at the ends, too; a vacant flat is held by the owner."""

    def held(*spans: tuple[int, int | None]) -> list[Blocker]:
        holdings = [
            Holding("x", instant_of(T0 + begin), None if end is None else instant_of(T0 + end)) for begin, end in spans
        ]
        return of_holdings("a", holdings, FOUR)

    whole_time = 4 * QUARTER
    assert held((0, None)) == []
    assert held((0, 1000), (1000, 9 * QUARTER)) == []
    assert held() == [Blocker(Why.VACANT, "a", 1, T0)]
    assert held((5, 1000), (2000, whole_time - 1)) == [Blocker(Why.VACANT, "a", 3, T0)]
    assert held((0, 1001), (1000, None)) == [Blocker(Why.TWICE, "a", 1, T0 + 1000)]
    assert held((0, None), (1000, 2000)) == [Blocker(Why.TWICE, "a", 1, T0 + 1000)]


def test_days_without_a_price_keep_it_open() -> None:
    """Of what is sold each day needs a price."""
    used = whole(FINE, {"pv": [1, 1, 1, 1]})
    tariffs = [Tariff("own", Source.OWN, Decimal(20), Decimal(0), date(2026, 1, 1))]
    assert of_tariffs("a", used, tariffs, [Source.OWN], BERLIN) == []
    assert of_tariffs("a", used, tariffs, [Source.OWN, Source.GRID], BERLIN) == [Blocker(Why.TARIFF, "a", 1, T0)]
