"""What is shown live of one meter."""

from datetime import UTC, datetime, timedelta

import pytest
from mmetering_contract.label import Label
from mmetering_web.live import Live
from mmetering_web.tile import Counters, Detail, Tile, detail_changes, detail_of, milliseconds, tile_of
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


def test_a_meters_page_has_all_its_values_with_their_times() -> None:
    """Every quantity comes with its own age, whichever scan group brought it."""
    then = NOW - timedelta(seconds=50)
    state = live(reading("m", NOW, voltage_l1=230.1), reading("m", then, "energy", energy_import=7), info("m"))
    detail = detail_of(tile(state), state.meters()["m"])
    assert {name: figure and (figure.value, figure.at) for name, figure in detail.values.items()} == {
        "voltage_l1": (230.1, NOW_MS),
        "energy_import": (7, milliseconds(then)),
    }
    assert (detail.bus, detail.address, detail.serial, detail.last_seen) == ("cellar", 3, "12345", NOW_MS)


def detail(*messages: Message) -> Detail:
    """Return the detail of the meter `m`."""
    state = live(*messages)
    return detail_of(tile(state), state.meters()["m"])


def test_only_values_that_have_changed_are_told_again() -> None:
    """A new reading tells its values, another group's stay untold, and what is gone is told as gone."""
    slow = reading("m", NOW, "quality", current_neutral=1.5, voltage_average=230)
    before = detail(reading("m", NOW, voltage_l1=230), slow)
    after = detail(reading("m", NOW, voltage_l1=230), reading("m", NOW, "quality", current_neutral=1.6))
    changed = detail_changes(before, after).values
    assert {name: figure and figure.value for name, figure in changed.items()} == {
        "current_neutral": 1.6,
        "voltage_average": None,
    }
    assert detail_changes(after, after).values == {}
