"""People move in and out at an instant (the rules of sharing, and rule 3 for the cut quarter hour)."""

from datetime import UTC, datetime

import pytest
from accounting.readings import MINUTE, Q0, QUARTER, T0
from hypothesis import given
from hypothesis import strategies as st
from mmetering_accounting.flag import Flag
from mmetering_accounting.holder import Holding, Use, cut, whole
from mmetering_accounting.profile import Profile


def use(wh: list[int | None], **own: list[int]) -> Use:
    """Return a use from T0 on, with its own shares."""
    flags = [Flag.MISSING if one is None else Flag.MEASURED for one in wh]
    return whole(Profile(range(Q0, Q0 + len(wh)), wh, flags), own)


def unknown(_: int, __: int) -> None:
    """Have no measurement within quarter hours."""


def test_a_move_at_a_boundary_cuts_nothing() -> None:
    """Each quarter hour must go to one of both holders whole, and stay measured."""
    early, late = cut(use([10, 20, 30], pv=[1, 2, 3]), [T0 + QUARTER], unknown)
    assert (early.profile.wh, early.own["pv"]) == ([10], [1])
    assert (late.profile.wh, late.own["pv"]) == ([20, 30], [2, 3])
    assert set(late.profile.flags) == {Flag.MEASURED}
    assert late.begin == early.end == T0 + QUARTER


def test_a_move_within_a_quarter_hour_is_cut_where_the_counter_says() -> None:
    """What was measured up to the move must go to who moves out, and the own share follows the use."""
    early, late = cut(use([10, 20], pv=[1, 10]), [T0 + 25 * MINUTE], lambda begin, end: 15 if end - begin else 0)
    assert (early.profile.wh, early.own["pv"]) == ([10, 15], [1, 7])
    assert (late.profile.wh, late.own["pv"]) == ([5], [3])
    assert early.profile.flags[1] == late.profile.flags[0] == Flag.MEASURED


def test_else_it_is_cut_in_proportion_to_time() -> None:
    """Without a measurement both parts must be in proportion to time, and flagged interpolated."""
    early, late = cut(use([30]), [T0 + 5 * MINUTE], unknown)
    assert (early.profile.wh, late.profile.wh) == ([10], [20])
    assert early.profile.flags == late.profile.flags == [Flag.INTERPOLATED]


def test_a_missing_quarter_hour_is_missing_for_both() -> None:
    """Where nothing is known neither holder may get a figure."""
    early, late = cut(use([None]), [T0 + 5 * MINUTE], unknown)
    assert early.profile.sum.missing == late.profile.sum.missing == 1


def test_a_move_must_lie_within() -> None:
    """A move before the begin, or one's moving out before moving in, must be refused."""
    with pytest.raises(ValueError, match="not within"):
        cut(use([10]), [T0], unknown)
    with pytest.raises(ValueError, match="moves out"):
        Holding("x", datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))


ENERGY = st.integers(0, 5) | st.integers(0, 10_000)


@given(st.lists(st.tuples(ENERGY, ENERGY, ENERGY, ENERGY), min_size=1, max_size=4), st.data())
def test_the_parts_add_up(quarters: list[tuple[int, int, int, int]], data: st.DataObject) -> None:
    """However people move, all their parts must add up to use and own share, and nobody owns more than he used."""
    uses = [sum(part) for part in quarters]
    own = {name: [part[index] for part in quarters] for index, name in enumerate(("chp", "pv", "wind"))}
    moves = data.draw(st.lists(st.integers(T0 + 1, T0 + len(quarters) * QUARTER - 1), max_size=4))
    speed = data.draw(st.none() | st.integers(0, 30_000))

    def counted(begin: int, end: int) -> int | None:
        return None if speed is None else (end - T0) * speed // QUARTER - (begin - T0) * speed // QUARTER

    parts = cut(use(list(uses), **own), moves, counted)
    assert sum(part.profile.sum.wh for part in parts) == sum(uses)
    for name, row in own.items():
        assert sum(sum(part.own[name]) for part in parts) == sum(row)
    for part in parts:
        assert len(part.profile.quarters) == -(-part.end // QUARTER) - part.begin // QUARTER
        assert all(0 <= one <= (wh or 0) for one, wh in zip(part.own_wh(), part.profile.wh, strict=True))
        assert all(wh >= 0 for row in part.own.values() for wh in row)
