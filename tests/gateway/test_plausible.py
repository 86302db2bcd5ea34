"""Values that cannot be true are named, and only those."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_contract.quantity import QUANTITIES, Kind
from mmetering_gateway.plausible import UNKNOWN, suspects

COUNTERS = [quantity.name for quantity in QUANTITIES if quantity.kind is Kind.COUNTER]
RATED_A = 100.0


@pytest.mark.parametrize(
    ("name", "possible", "impossible"),
    [
        ("frequency", [45.0, 50.0, 60.0, 65.0], [0.0, 44.9, 65.1, -50.0, 3e38]),
        ("voltage_l1", [0.0, 230.0, 253.0, 400.0, 460.0], [-0.1, 461.0, 1e30]),
        ("current_l2", [0.0, 100.0, 120.0, -120.0, 200.0], [200.1, -3e38]),
        ("power_l3", [0.0, -23_000.0, 92_000.0], [92_001.0, -92_001.0]),
        ("power_total", [0.0, 69_000.0, -276_000.0], [276_001.0]),
        ("energy_import", [0, 10**12], [-1]),
    ],
)
def test_a_value_by_itself(name: str, possible: list[float], impossible: list[float]) -> None:
    """A dead phase, a broken neutral and an overload are possible; what no grid and no meter has is not."""
    assert [value for value in (*possible, *impossible) if suspects({name: value}, UNKNOWN, 0.0, RATED_A)] == impossible


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
    ],
)
def test_a_counter_after_another(name: str, before: int, after: int, elapsed_s: float, suspect: bool) -> None:  # noqa: FBT001 a table's column
    """It neither falls nor grows by more than the meter can carry in the time; a step of its float32 is no leap."""
    known = UNKNOWN.updated({name: before}, 1000.0)
    assert suspects({name: after}, known, 1000.0 + elapsed_s, RATED_A) == ((name,) if suspect else ())


def test_only_the_reading_of_the_leap_is_suspect() -> None:
    """After a meter was reset it counts on from there, and nothing is wrong with that."""
    known = UNKNOWN.updated({"energy_import": 5_000_000}, 0.0)
    assert suspects({"energy_import": 0}, known, 60.0, RATED_A) == ("energy_import",)
    known = known.updated({"energy_import": 0}, 60.0)
    assert suspects({"energy_import": 20}, known, 120.0, RATED_A) == ()


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
        assert suspects(values, known, now, RATED_A) == ()
        known = known.updated(values, now)
        now += elapsed_s
        true_kwh += share * power_kw * elapsed_s / 3600
