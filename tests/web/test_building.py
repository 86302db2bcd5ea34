"""The sums of the building."""

import pytest
from mmetering_contract.label import Label
from mmetering_web.building import Building, Flow, building_of
from mmetering_web.tile import Tile

NOW_MS = 1_700_000_000_000
FLAT = Label("Flat 1", "flat")
PV = Label("PV", "producer", "export")


def on(power: float, late_in_s: float = 30) -> Tile:
    """Return the tile of a meter that is online."""
    return Tile("online", power=power, at=NOW_MS, late_at=NOW_MS + round(late_in_s * 1000))


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
