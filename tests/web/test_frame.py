"""What an open page is told."""

from datetime import UTC, datetime

import msgspec
from mmetering_contract.incident import Incident
from mmetering_web.building import Building
from mmetering_web.frame import Frame, WrongClock, changes, wrong_clock
from mmetering_web.tile import Tile

EMPTY = Building(None, None, None)


def frame(now: int, **meters: float) -> Frame:
    """Return a frame with meters of these powers."""
    return Frame(
        now, None, None, "layout", EMPTY, {slug: Tile("online", power=power) for slug, power in meters.items()}
    )


def test_a_new_page_is_told_everything() -> None:
    """The first frame is whole."""
    first = frame(1, a=1, b=2)
    assert changes(None, first) == first


def test_nothing_new_is_not_told() -> None:
    """The time alone is no news: the page counts it by itself."""
    assert changes(frame(1, a=1), frame(2, a=1)) is None


def test_only_changed_meters_are_told() -> None:
    """A meter that stays as it is costs nothing."""
    change = changes(frame(1, a=1, b=2), frame(2, a=1, b=3, c=4))
    assert change == frame(2, b=3, c=4)


def test_a_missing_broker_is_told_even_when_no_meter_changes() -> None:
    """The banner must appear although nothing else happens."""
    after = msgspec.structs.replace(frame(2, a=1), broker_since=2)
    change = changes(frame(1, a=1), after)
    assert change
    assert (change.broker_since, change.meters) == (2, {})


def test_a_wrong_clock_is_told_even_when_no_meter_changes() -> None:
    """The banner must appear, and go, although nothing else happens."""
    clock = wrong_clock(Incident("a", 1, "clock", datetime.fromtimestamp(3, UTC), "main", clock_offset_s=42.5))
    assert clock == WrongClock("main", 3000, 42.5)
    wrong = msgspec.structs.replace(frame(1, a=1), clocks=(clock,))
    assert changes(frame(1, a=1), wrong) == msgspec.structs.replace(wrong, meters={})
    assert changes(wrong, frame(2, a=1)) == frame(2)
