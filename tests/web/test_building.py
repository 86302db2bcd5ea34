"""Tiles and sums."""

from datetime import UTC, datetime, timedelta

import pytest
from mmetering_contract.label import Label
from mmetering_web.building import (
    Building,
    Counters,
    Flow,
    Tile,
    building_of,
    detail_of,
    groups,
    layout_of,
    milliseconds,
    tile_of,
)
from mmetering_web.live import Live
from web.stage import SITE, Message, info, reading, status

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NOW_MS = milliseconds(NOW)
FLAT = Label("Flat 1", "flat")
PV = Label("PV", "producer", "export")


def live(*messages: Message) -> Live:
    """Return a live state that has heard these messages."""
    state = Live(SITE)
    for topic, payload in messages:
        state.apply(topic, payload, NOW)
    return state


def tile(state: Live, label: Label | None = FLAT, midnight: Counters | None = None, *, lost: bool = False) -> Tile:
    """Return the tile of the meter `m`."""
    return tile_of(state, state.meters().get("m"), label, midnight, lost=lost)


def on(power: float, late_in_s: float = 30) -> Tile:
    """Return the tile of a meter that is online."""
    return Tile("online", power=power, at=NOW_MS, late_at=NOW_MS + round(late_in_s * 1000))


def test_power_is_positive_where_it_is_used_and_where_it_is_produced() -> None:
    """A producer's meter counts what flows out as negative; the tile shows production."""
    state = live(reading("m", NOW, power_total=-2500.0))
    assert tile(state, PV).power == 2500
    assert tile(state, FLAT).power == -2500
    assert tile(state, None).power == -2500


def test_a_value_is_late_after_three_intervals() -> None:
    """The tile says when its value stops being live."""
    assert tile(live(reading("m", NOW, power_total=1))).late_at == NOW_MS + 30_000


@pytest.mark.parametrize(
    ("messages", "lost", "state", "reason"),
    [
        ([], False, "silent", "nothing heard from it yet"),
        ([], True, "lost", ""),
        ([status("m", online=True)], False, "silent", "nothing heard from it yet"),
        ([reading("m", NOW, power_total=1)], False, "online", ""),
        ([reading("m", NOW, power_total=1)], True, "lost", ""),
        ([reading("m", NOW, power_total=1), status("m", online=False)], False, "offline", "does not answer"),
        ([status("m", online=False), info("m", NOW, "bus is gone")], False, "offline", "bus is gone"),
        ([reading("m", NOW), (SITE.gateway_status("main"), b"offline")], False, "offline", "gateway main is offline"),
    ],
)
def test_a_tile_says_why_it_is_not_live(messages: list[Message], *, lost: bool, state: str, reason: str) -> None:
    """Every state has its reason in words."""
    shown = tile(live(*messages), lost=lost)
    assert (shown.state, shown.reason) == (state, reason)


@pytest.mark.parametrize(
    ("label", "midnight", "today"),
    [
        (FLAT, Counters(1000, 5000), 500),
        (PV, Counters(1000, 5000), 1000),
        (FLAT, Counters(2000, None), 0),
        (FLAT, None, None),
        (PV, Counters(1000, None), None),
    ],
)
def test_the_energy_of_today_is_the_counter_since_midnight(
    label: Label, midnight: Counters | None, today: int | None
) -> None:
    """The counter that counts is compared with midnight's; unknown stays unknown, and nothing is negative."""
    state = live(reading("m", NOW, "energy", energy_import=1500, energy_export=6000))
    assert tile(state, label, midnight).today == today


def test_the_building_is_the_sum_of_its_points() -> None:
    """Flats and common supply are used, producers produce, the rest comes from the grid."""
    labels = {"a": FLAT, "b": Label("Cellar", "common"), "pv": PV}
    tiles = {"a": on(1000, 30), "b": on(200, 20), "pv": on(700)}
    assert building_of(labels, tiles, NOW_MS) == Building(
        Flow(1200, NOW_MS, NOW_MS + 20_000), Flow(700, NOW_MS, NOW_MS + 30_000), Flow(500, NOW_MS, NOW_MS + 20_000)
    )


def test_more_production_than_use_flows_to_the_grid() -> None:
    """The balance is negative when power flows out."""
    grid = building_of({"a": FLAT, "pv": PV}, {"a": on(100), "pv": on(700)}, NOW_MS).grid
    assert grid
    assert grid.power == -600


def test_a_storage_takes_part_in_the_balance() -> None:
    """A storage that charges draws from the house."""
    labels = {"a": FLAT, "pv": PV, "s": Label("Battery", "storage")}
    grid = building_of(labels, {"a": on(100), "pv": on(700), "s": on(500)}, NOW_MS).grid
    assert grid
    assert grid.power == -100


def test_the_meter_of_the_grid_tells_the_balance() -> None:
    """What is measured is not computed."""
    labels = {"a": FLAT, "pv": PV, "g": Label("Grid", "grid")}
    grid = building_of(labels, {"a": on(100), "pv": on(700), "g": on(-555)}, NOW_MS).grid
    assert grid
    assert grid.power == -555


@pytest.mark.parametrize(
    "missing", [Tile("offline", power=500, at=NOW_MS, late_at=NOW_MS + 1), on(500, 0), Tile("silent"), None]
)
def test_an_old_value_is_in_no_sum(missing: Tile | None) -> None:
    """A meter that is offline, late or silent is left out and named."""
    tiles = {"a": on(100)} | ({"b": missing} if missing else {})
    consumption = building_of({"a": FLAT, "b": Label("Flat 2", "flat")}, tiles, NOW_MS).consumption
    assert consumption
    assert (consumption.power, consumption.without) == (100, ("Flat 2",))


def test_without_any_value_a_sum_is_unknown_and_not_zero() -> None:
    """Nothing known is nothing shown, also for the balance."""
    shown = building_of({"a": FLAT, "pv": PV}, {"a": on(1), "pv": Tile("silent")}, NOW_MS)
    assert shown.production == Flow(without=("PV",))
    assert shown.grid == Flow(without=("PV",))


def test_a_house_without_producers_has_no_production() -> None:
    """What the building does not have is not shown."""
    shown = building_of({"a": FLAT}, {"a": on(1)}, NOW_MS)
    assert (shown.production, shown.grid) == (None, None)


def test_meters_are_grouped_and_sorted_as_people_count() -> None:
    """Flat 2 comes before Flat 10; a meter without a point stands at the end, under its slug."""
    labels = {"x": Label("Flat 10", "flat"), "y": Label("Flat 2", "flat"), "pv": PV}
    shown = groups(labels, ["x", "new-meter"])
    assert [(group.title, [name for _, name in group.meters]) for group in shown] == [
        ("Flats", ["Flat 2", "Flat 10"]),
        ("Producers", ["PV"]),
        ("Unassigned meters", ["new-meter"]),
    ]


def test_the_layout_changes_with_names_groups_and_meters_only() -> None:
    """An open page lays its tiles out anew when, and only when, they differ."""
    layout = layout_of(groups({"a": FLAT}, ["a"]))
    assert layout == layout_of(groups({"a": FLAT}, []))
    for labels, meters in (({"a": FLAT}, ["b"]), ({}, ["a"]), ({"a": Label("Flat one", "flat")}, ["a"])):
        assert layout != layout_of(groups(labels, meters))


def test_a_meters_page_has_all_its_values_with_their_times() -> None:
    """Every quantity comes with its own age, whichever scan group brought it."""
    then = NOW - timedelta(seconds=50)
    state = live(reading("m", NOW, voltage_l1=230.1), reading("m", then, "energy", energy_import=7), info("m"))
    detail = detail_of(tile(state), state.meters()["m"])
    assert {name: (figure.value, figure.at) for name, figure in detail.values.items()} == {
        "voltage_l1": (230.1, NOW_MS),
        "energy_import": (7, milliseconds(then)),
    }
    assert (detail.bus, detail.address, detail.serial, detail.last_seen) == ("cellar", 3, "12345", NOW_MS)
