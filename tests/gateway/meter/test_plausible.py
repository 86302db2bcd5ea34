"""Values that cannot be true are named, and only those."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_contract.quantity import QUANTITIES, Kind
from mmetering_gateway.meter.plausible import UNKNOWN, Rating, suspects

COUNTERS = [quantity.name for quantity in QUANTITIES if quantity.kind is Kind.COUNTER]
RATED_A = 100.0
RATED = Rating(RATED_A)


@pytest.mark.parametrize(
    ("name", "possible", "impossible"),
    [
        ("frequency", [45.0, 50.0, 60.0, 65.0], [0.0, 44.9, 65.1, -50.0, 3e38]),
        ("voltage_l1", [0.0, 230.0, 253.0, 400.0, 460.0], [-0.1, 461.0, 1e30]),
        ("current_l2", [0.0, 100.0, 120.0, -120.0, 200.0], [200.1, -3e38]),
        ("power_l3", [0.0, -23_000.0, 92_000.0], [92_001.0, -92_001.0]),
        ("power_total", [0.0, 69_000.0, -276_000.0], [276_001.0]),
        ("power_import", [0.0, 69_000.0], [276_001.0]),
        ("apparent_power_l1", [0.0, -23_000.0, 92_000.0], [92_001.0]),
        ("apparent_power_total", [0.0, 276_000.0], [276_001.0]),
        ("reactive_power_total", [-69_000.0, 69_000.0], [-276_001.0]),
        ("power_factor_l1", [-1.0, 0.0, 1.0, 1.0000001], [1.01, -1.01, 100.0]),
        ("phase_angle_total", [0.0, -180.0, 359.9], [360.1, -1e9]),
        ("voltage_l1_l2", [0.0, 400.0, 690.0, 796.7], [796.8, -1.0]),
        ("voltage_average", [0.0, 230.0], [461.0]),
        ("voltage_line_average", [400.0, 690.0], [797.0]),
        ("current_sum", [0.0, 300.0, 600.0], [600.1]),
        ("current_neutral", [0.0, 120.0, 346.0], [600.1]),
        ("current_average", [100.0, 200.0], [200.1]),
        ("voltage_thd_l1", [0.0, 8.0, 100.0], [-0.1, 3e38]),
        ("current_thd_average", [0.0, 120.0], [-0.1]),
        ("power_demand_maximum", [0.0, 69_000.0], [276_001.0]),
        ("apparent_power_demand", [69_000.0], [276_001.0]),
        ("current_demand_l3", [100.0], [200.1]),
        ("current_neutral_demand", [300.0], [600.1]),
        ("energy_import", [0, 10**12], [-1]),
        ("energy_net", [0, 10**12, -(10**12)], []),
        ("reactive_energy_total_l1", [-5, 5], []),
    ],
)
def test_a_value_by_itself(name: str, possible: list[float], impossible: list[float]) -> None:
    """A dead phase, a broken neutral and an overload are possible; what no grid and no meter has is not."""
    assert [value for value in (*possible, *impossible) if suspects({name: value}, UNKNOWN, 0.0, RATED)] == impossible


@pytest.mark.parametrize(
    ("name", "before", "after", "elapsed_s", "suspect"),
    [
        ("energy_import", 1_000_000, 1_000_000, 60.0, False),
        ("energy_import", 1_000_000, 1_001_150, 60.0, False),  # 69 kW
        ("energy_import", 1_000_000, 1_003_000, 60.0, True),  # 180 kW
        ("energy_import_l1", 1_000_000, 1_001_150, 60.0, True),  # 69 kW on one phase
        ("energy_import", 1_000_000, 999_990, 60.0, True),
        ("energy_import", 1_000_000, 0, 60.0, True),
        ("energy_import", 200_000_000, 200_000_016, 0.1, False),  # one step of a float32
        ("energy_import", 1_000_000_000, 1_000_000_061, 0.1, False),
        ("energy_import", 1_000_000, 8_000_000, 7 * 86_400.0, False),  # a week without the bus
        ("apparent_energy", 1_000_000, 1_001_150, 60.0, False),
        ("reactive_energy_export_l2", 1_000_000, 1_001_150, 60.0, True),
        ("charge", 1_000_000, 1_005_000, 60.0, False),  # 300 A
        ("charge", 1_000_000, 1_009_000, 60.0, True),  # 540 A
        ("energy_net", 1_000_000, 999_000, 60.0, False),
        ("energy_resettable", 1_000_000, 0, 60.0, False),
        ("energy_total", 1_000_000, 2_000_000, 60.0, False),
    ],
)
def test_a_counter_after_another(name: str, before: int, after: int, elapsed_s: float, suspect: bool) -> None:  # noqa: FBT001 a table's column
    """It neither falls nor grows by more than the meter can carry in the time; a step of its float32 is no leap."""
    known = UNKNOWN.updated({name: before}, 1000.0)
    assert suspects({name: after}, known, 1000.0 + elapsed_s, RATED) == ((name,) if suspect else ())


def test_every_quantity_has_its_bounds() -> None:
    """A value of 0 is possible for all but the frequency, and one of 1e30 for no gauge."""
    names = [quantity.name for quantity in QUANTITIES]
    gauges = [quantity.name for quantity in QUANTITIES if quantity.kind is Kind.GAUGE]
    assert suspects(dict.fromkeys(names, 0), UNKNOWN, 0.0, RATED) == ("frequency",)
    assert list(suspects(dict.fromkeys(gauges, 1e30), UNKNOWN, 0.0, RATED)) == gauges


def test_one_phase_carries_a_third() -> None:
    """The total of a single-phase meter is that of its phase."""
    single = Rating(45.0, phases=1)
    assert suspects({"power_total": 41_400.0}, UNKNOWN, 0.0, single) == ()
    assert suspects({"power_total": 41_401.0}, UNKNOWN, 0.0, single) == ("power_total",)
    known = UNKNOWN.updated({"energy_import": 0}, 0.0)
    assert suspects({"energy_import": 17_000}, known, 3600.0, single) == ("energy_import",)


def test_a_counter_in_mwh_moves_in_steps_of_ten_kwh() -> None:
    """That is the last digit of its display, and no leap."""
    known = UNKNOWN.updated({"energy_import": 10_000_000}, 0.0)
    assert suspects({"energy_import": 10_010_000}, known, 1.0, Rating(RATED_A, factor=1000)) == ()
    assert suspects({"energy_import": 10_010_000}, known, 1.0, RATED) == ("energy_import",)


def test_only_the_reading_of_the_leap_is_suspect() -> None:
    """After a meter was reset it counts on from there, and nothing is wrong with that."""
    known = UNKNOWN.updated({"energy_import": 5_000_000}, 0.0)
    assert suspects({"energy_import": 0}, known, 60.0, RATED) == ("energy_import",)
    known = known.updated({"energy_import": 0}, 60.0)
    assert suspects({"energy_import": 20}, known, 120.0, RATED) == ()


@given(
    start_kwh=st.floats(0.0, 900_000.0),
    shares=st.lists(st.floats(0.0, 1.0), min_size=2, max_size=20),
    elapsed_s=st.sampled_from([1.0, 10.0, 60.0, 900.0]),
    name=st.sampled_from(COUNTERS),
)
def test_no_honest_counter_is_suspect(start_kwh: float, shares: list[float], elapsed_s: float, name: str) -> None:
    """Whatever part of its rated power a meter counts, and however coarse its float32 has become."""
    power_kw = RATED_A * 0.23 * (1 if name.endswith(("_l1", "_l2", "_l3")) else 3)
    known, now, true_kwh = UNKNOWN, 0.0, start_kwh
    for share in shares:
        (shown,) = struct.unpack(">f", struct.pack(">f", true_kwh))
        values = {name: round(shown * 1000)}
        assert suspects(values, known, now, RATED) == ()
        known = known.updated(values, now)
        now += elapsed_s
        true_kwh += share * power_kw * elapsed_s / 3600
