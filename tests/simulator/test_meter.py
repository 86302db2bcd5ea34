"""The registers of simulated meters: what physics asks of them at any time. Addresses are the manual's."""

import math
import struct
from datetime import UTC, datetime
from functools import cache
from itertools import accumulate
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmetering_simulator.building import DEFAULT, Building, load_building
from mmetering_simulator.meter import SimulatedMeter
from mmetering_simulator.models import MODELS

BUILDING = load_building()
START = BUILDING.installed.timestamp()
YEAR_S = 365 * 86400
CONSUMERS = ("flat-03", "flat-08", "common")
PRODUCERS = ("pv", "chp")

times = st.floats(START, START + YEAR_S)
every_meter = pytest.mark.parametrize("slug", CONSUMERS + PRODUCERS)


@cache
def _meter(slug: str) -> SimulatedMeter:
    return SimulatedMeter(BUILDING, slug)


class Image:
    """The input registers as a client decodes them."""

    def __init__(self, slug: str, now: float) -> None:
        self._registers = _meter(slug).input_registers(now)

    def __getitem__(self, address: int) -> float:
        pair = self._registers[address], self._registers[address + 1]
        return float(struct.unpack(">f", struct.pack(">HH", *pair))[0])

    def phases(self, address: int) -> tuple[float, float, float]:
        """Return L1, L2 and L3 of a quantity, from the address of L1."""
        return self[address], self[address + 2], self[address + 4]


def _close(left: float, right: float, *, within: float = 0.01) -> bool:
    return math.isclose(left, right, rel_tol=1e-5, abs_tol=within)


@every_meter
@settings(deadline=None)
@given(now=times)
def test_powers_agree(slug: str, now: float) -> None:
    """S² = P² + Q², I = S / U and the power factor P / S must hold in each phase and in total."""
    image = Image(slug, now)
    for phase in (0, 2, 4):
        active, apparent, reactive = image[0x0C + phase], image[0x12 + phase], image[0x18 + phase]
        assert _close(math.hypot(active, reactive), apparent)
        assert _close(image[0x00 + phase] * image[0x06 + phase], apparent)
        assert _close(image[0x1E + phase] * apparent, active)
        assert _close(apparent * math.cos(math.radians(image[0x24 + phase])), active)
    assert _close(math.hypot(image[0x34], image[0x3C]), image[0x38])
    assert _close(image[0x3E] * image[0x38], image[0x34])


@every_meter
@settings(deadline=None)
@given(now=times)
def test_totals_are_sums_of_the_phases(slug: str, now: float) -> None:
    """Each total must be the sum of L1, L2 and L3, and each average their mean."""
    image = Image(slug, now)
    for total, first in ((0x34, 0x0C), (0x38, 0x12), (0x3C, 0x18), (0x30, 0x06), (0x48, 0x15A), (0x4A, 0x160)):
        assert _close(image[total], sum(image.phases(first)))
    for total, first in ((0x4C, 0x16C), (0x4E, 0x172), (0x158, 0x178), (0x156, 0x166)):
        assert _close(image[total], sum(image.phases(first)))
    for average, first in ((0x2A, 0x00), (0x2E, 0x06), (0xCE, 0xC8)):
        assert _close(image[average], sum(image.phases(first)) / 3)
    assert _close(image[0x156], image[0x48] + image[0x4A])


@every_meter
@settings(deadline=None)
@given(now=times)
def test_the_grid_is_a_grid(slug: str, now: float) -> None:
    """Voltage must lie within EN 50160's tenth around 230 V, and frequency near 50 Hz."""
    image = Image(slug, now)
    assert all(215 < voltage < 245 for voltage in image.phases(0x00))
    assert all(375 < voltage < 425 for voltage in image.phases(0xC8))
    assert 49.9 < image[0x46] < 50.1
    assert 0 <= image[0xE0] <= image[0x30] + 1e-3


def test_load_lowers_the_voltage_and_production_raises_it() -> None:
    """At one instant who feeds in must see more voltage than who rests, and who draws must see less."""
    night = datetime(2026, 1, 20, 20, tzinfo=UTC).timestamp()
    feeding, resting, drawing = Image("chp", night), Image("pv", night), Image("flat-03", night)
    assert feeding[0x34] < resting[0x34] == 0 < drawing[0x34]
    for phase in (0, 2, 4):
        assert feeding[phase] > resting[phase] > drawing[phase]


@pytest.mark.parametrize("slug", CONSUMERS)
@settings(deadline=None)
@given(now=times)
def test_consumers_only_import(slug: str, now: float) -> None:
    """A consumer's power must be positive and its energy count as import."""
    image = Image(slug, now)
    assert all(power > 0 for power in image.phases(0x0C))
    assert image[0x4A] == image[0x4E] == 0


@pytest.mark.parametrize("slug", PRODUCERS)
@settings(deadline=None)
@given(now=times)
def test_producers_only_export(slug: str, now: float) -> None:
    """A producer is metered like a consumer: its power must never be positive, its energy count as export."""
    image = Image(slug, now)
    assert all(power <= 0 for power in image.phases(0x0C))
    assert image[0x48] == image[0x4C] == 0


@every_meter
@settings(deadline=None)
@given(now=st.floats(START + 10 * 86400, START + YEAR_S))
def test_apparent_energy_covers_active_and_reactive(slug: str, now: float) -> None:
    """Apparent energy must be at least what active and reactive energy come to together, and not much more."""
    image = Image(slug, now)
    together = math.hypot(image[0x156], image[0x158])
    assert together * (1 - 1e-5) <= image[0x50] <= 1.02 * together


@every_meter
@settings(deadline=None)
@given(now=times, later=st.floats(0, 86400))
def test_counters_never_fall(slug: str, now: float, later: float) -> None:
    """No counter may fall, and what was counted must lie between none and the greatest power times the time."""
    before, after = Image(slug, now), Image(slug, now + later)
    for counter in (*range(0x48, 0x52, 2), *range(0x156, 0x17E, 2)):
        assert 0 <= after[counter] - before[counter] <= 20 * later / 3600 + 0.01


@pytest.mark.parametrize("slug", ["flat-03", "pv"])
def test_a_restart_changes_nothing(slug: str) -> None:
    """A meter made anew must say, to the bit, what the old one would: nothing but seed and time counts."""
    old = _meter(slug)
    for now in (START + 1e6, START + 2e7 + 0.1, START + 3e5):
        assert SimulatedMeter(BUILDING, slug).input_registers(now) == old.input_registers(now)


def test_before_the_installation_nothing_flows() -> None:
    """A meter must stand still at its start before it was installed."""
    image = Image("flat-03", START - 1e6)
    assert image[0x34] == image[0x48] == image[0x06] == 0
    assert image[0x00] > 200


def test_a_counter_begins_where_the_file_says(tmp_path: Path) -> None:
    """A meter that was not new must begin with its start, on the side that it counts."""
    building = _building_with(tmp_path, "yearly_kwh = 2900", "yearly_kwh = 2900\nstart_kwh = 12345")
    values = SimulatedMeter(building, "flat-03").values(START)
    assert values[0x48] == values[0x156] == pytest.approx(12345)
    assert values[0x15A] == pytest.approx(4115)
    assert values[0x50] >= values[0x48]


def test_a_single_phase_meter_sees_one_phase(tmp_path: Path) -> None:
    """On a meter with one phase connected the others must read 0, and averages be those of the one."""
    building = _building_with(tmp_path, "yearly_kwh = 2900", "yearly_kwh = 2900\nphases = 1")
    values = SimulatedMeter(building, "flat-03").values(START + 1e6)
    assert values[0x02] == values[0x04] == values[0x08] == values[0x0E] == values[0x15C] == 0
    assert values[0x2A] == values[0x00] > 200
    assert values[0x34] == values[0x0C] > 0
    assert values[0xE0] == pytest.approx(values[0x06])


def _building_with(directory: Path, old: str, new: str) -> Building:
    text = DEFAULT.read_text(encoding="utf-8")
    assert old in text
    path = directory / "building.toml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return load_building(path)


@every_meter
@settings(deadline=None)
@given(now=times, later=st.floats(0, 7 * 86400))
def test_demand_is_the_mean_of_the_last_full_hour(slug: str, now: float, later: float) -> None:
    """Power demand must be what was counted in the last full hour; no maximum may fall, nor lie below its demand."""
    image, after = Image(slug, now), Image(slug, now + later)
    hour = now // 3600 * 3600
    if hour - 3600 >= START:
        before, then = _meter(slug).values(hour - 3600), _meter(slug).values(hour)
        counted = [then[address] - before[address] for address in (0x48, 0x4A)]
        assert image[0x54] == pytest.approx(1000 * (counted[0] - counted[1]), rel=1e-3, abs=0.1)
    for demand, highest in ((0x54, 0x56), (0x64, 0x66), (0x68, 0x6A), (0x102, 0x108), (0x104, 0x10A), (0x106, 0x10C)):
        assert image[demand] <= image[highest] <= after[highest]


def test_a_maximum_is_the_highest_demand_so_far() -> None:
    """Hour by hour from the installation on, over midnight, a maximum must be the highest demand until then."""
    for demand, highest in ((0x54, 0x56), (0x64, 0x66), (0x106, 0x10C)):
        hours = [_meter("flat-03").values(START + 3600 * hour) for hour in range(1, 50)]
        assert [values[highest] for values in hours] == [*accumulate((values[demand] for values in hours), max)]


@every_meter
@settings(deadline=None)
@given(now=times)
def test_the_rest_of_the_map_is_plausible(slug: str, now: float) -> None:
    """Distortion must be some per cent, charge the apparent energy over the voltage, 00FE the other sign of 003E."""
    image = Image(slug, now)
    for phase in (0, 2, 4):
        assert 1 < image[0xEA + phase] < 4
        assert 1 < image[0x14E + phase] < 4
        assert (5 < image[0xF0 + phase] <= 20) if image[0x06 + phase] else image[0xF0 + phase] == 0
    for average, first in ((0xF8, 0xEA), (0xFA, 0xF0), (0x154, 0x14E)):
        assert _close(image[average], sum(image.phases(first)) / 3)
    assert image[0x52] == pytest.approx(1000 * image[0x50] / 230, rel=1e-5, abs=0.01)
    assert image[0xFE] == -image[0x3E]


def test_a_single_phase_model_says_the_same_at_its_own_addresses(tmp_path: Path) -> None:
    """A flat with an SDM120 must have the one phase's values where that model has them, with demand by direction."""
    one = "yearly_kwh = 2900\nphases = 1"
    full = SimulatedMeter(_building_with(tmp_path, "yearly_kwh = 2900", one), "flat-03").values(START + 1e6)
    small = SimulatedMeter(_building_with(tmp_path, "yearly_kwh = 2900", f'{one}\nmodel = "sdm120"'), "flat-03")
    values = small.values(START + 1e6)
    assert values.keys() == MODELS["sdm120"].inputs
    assert all(values[address] == full[address] for address in values.keys() & full.keys())
    assert values[0x58] == values[0x54] > 0 == values[0x5C]
    assert values[0x5A] == values[0x56] >= values[0x58]


@pytest.mark.parametrize(("slug", "sign"), [("flat-03", 1), ("pv", -1)])
def test_the_small_three_phase_models_count_both_ways(tmp_path: Path, slug: str, sign: int) -> None:
    """Import and export power must be the two sides of the power, and the net energy their counters' difference."""
    text = DEFAULT.read_text(encoding="utf-8").replace(f"[meter.{slug}]", f'[meter.{slug}]\nmodel = "sdm72d-m-v2"')
    path = tmp_path / "building.toml"
    path.write_text(text, encoding="utf-8")
    noon = datetime(2026, 6, 1, 11, tzinfo=UTC).timestamp()
    values = SimulatedMeter(load_building(path), slug).values(noon)
    assert values.keys() == MODELS["sdm72d-m-v2"].inputs
    assert values[0x500 if sign > 0 else 0x502] == sign * values[0x34] > 0
    assert values[0x502 if sign > 0 else 0x500] == 0
    assert values[0x18C] == values[0x48] - values[0x4A]
    assert values[0x180] == values[0x156]


def test_a_reversed_phase_runs_backwards(tmp_path: Path) -> None:
    """Through a phase that is connected the wrong way round a consumer must seem to feed in, and only there."""
    sound = _meter("flat-03").values(START + 1e6)
    turned = SimulatedMeter(
        _building_with(tmp_path, "yearly_kwh = 2900", "yearly_kwh = 2900\nreversed_phases = [2]"), "flat-03"
    ).values(START + 1e6)
    assert [turned[address] for address in (0x0C, 0x10)] == [sound[address] for address in (0x0C, 0x10)]
    assert turned[0x0E] == -sound[0x0E] < 0
    assert turned[0x20] == -sound[0x20]
    assert abs(turned[0x26]) > 90
    assert (turned[0x15C], turned[0x162]) == (0, sound[0x15C])
    assert turned[0x34] == pytest.approx(sound[0x34] - 2 * sound[0x0E])
    assert turned[0x00] == sound[0x00]
    assert turned[0x54] < sound[0x54]


def test_a_dead_phase_has_no_voltage(tmp_path: Path) -> None:
    """A phase that is dead must read 0 throughout, and the others as ever."""
    dead = SimulatedMeter(
        _building_with(tmp_path, "yearly_kwh = 2900", "yearly_kwh = 2900\ndead_phases = [3]"), "flat-03"
    ).values(START + 1e6)
    sound = _meter("flat-03").values(START + 1e6)
    assert [dead[address] for address in (0x04, 0x0A, 0x10, 0xEE, 0x15E, 0x106)] == [0, 0, 0, 0, 0, 0]
    assert [dead[address] for address in (0x00, 0x02, 0x0C, 0x15A)] == [sound[a] for a in (0x00, 0x02, 0x0C, 0x15A)]
    assert dead[0x34] == pytest.approx(sound[0x34] - sound[0x10])


def test_another_seed_is_another_building(tmp_path: Path) -> None:
    """Two seeds must give two buildings."""
    other = SimulatedMeter(_building_with(tmp_path, "seed = 630", "seed = 631"), "flat-03")
    assert other.values(START + 1e6)[0x34] != _meter("flat-03").values(START + 1e6)[0x34]


def test_numbers_are_the_same_for_ever() -> None:
    """The numbers of one instant are written down: a new release must not shift a running building's counters."""
    now = datetime(2026, 7, 1, 10, 20, tzinfo=UTC).timestamp()
    flat, roof = Image("flat-03", now), Image("pv", now)
    assert (flat[0x34], flat[0x48]) == pytest.approx((97.6191, 1446.06049), rel=1e-5)
    assert (roof[0x34], roof[0x4A]) == pytest.approx((-7846.207, 5467.91689), rel=1e-5)


def test_settings_tell_who_it_is() -> None:
    """Node address, speed and serial number must be the building's."""
    registers = _meter("chp").holding_registers(START)
    words = [registers[address] for address in (0x14, 0x15, 0x1C, 0x1D, 0xFC00, 0xFC01)]
    assert struct.unpack(">ffI", struct.pack(">6H", *words)) == (13.0, 2.0, 23040113)
