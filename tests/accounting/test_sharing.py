"""Sharing own production: what always holds, and each key beside a slow and obvious second implementation."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_accounting.sharing import Key, share, split

from accounting import slow

KEYS = st.sampled_from(list(Key))
WH = st.integers(0, 5) | st.integers(0, 20_000)
PRODUCED = st.integers(0, 20) | st.integers(0, 200_000)
# What each point uses, with its agreed part.
POINTS = st.lists(st.tuples(WH, st.integers(0, 100)), max_size=9)
TURN = st.integers(0, 10**7)


@given(KEYS, PRODUCED, POINTS, TURN)
def test_what_always_holds(key: Key, produced: int, points: list[tuple[int, int]], turn: int) -> None:
    """With every key 0 <= a_i <= c_i, and their sum is at most P; dynamic and fair share all of it."""
    uses, parts = [use for use, _ in points], [part for _, part in points]
    shares = share(key, produced, uses, parts, turn)
    pool = min(produced, sum(uses))
    assert len(shares) == len(uses)
    assert all(0 <= own <= use for own, use in zip(shares, uses, strict=True))
    assert sum(shares) <= pool
    if key in {Key.DYNAMIC, Key.FAIR}:
        assert sum(shares) == pool


@given(st.sampled_from([Key.DYNAMIC, Key.STATIC, Key.EQUAL, Key.FAIR]), PRODUCED, POINTS, TURN)
def test_twins_differ_by_one_wh_at_most(key: Key, produced: int, points: list[tuple[int, int]], turn: int) -> None:
    """Two points with the same use and part must get the same, but for the last Wh, which goes round."""
    doubled = [*points, *points]
    shares = share(key, produced, [use for use, _ in doubled], [part for _, part in doubled], turn)
    half = len(points)
    assert all(abs(one - other) <= 1 for one, other in zip(shares[:half], shares[half:], strict=True))


@given(KEYS, PRODUCED, WH, st.integers(1, 7), st.integers(0, 96))
def test_ties_go_round_with_the_quarter_hours(key: Key, produced: int, use: int, points: int, turn: int) -> None:
    """Among equals, as many quarter hours as there are points must give each the same in sum."""
    sums = [0] * points
    for quarter in range(turn, turn + points):
        for index, own in enumerate(share(key, produced, [use] * points, [1] * points, quarter)):
            sums[index] += own
    assert len(set(sums)) == 1


@pytest.mark.parametrize("key", list(Key))
def test_nothing_used_and_nothing_produced_are_ordinary(key: Key) -> None:
    """C = 0 and P = 0 must give everyone 0, and so must a pool without anyone."""
    assert share(key, 500, [0, 0], [1, 1], 7) == [0, 0]
    assert share(key, 0, [300, 200], [1, 1], 7) == [0, 0]
    assert share(key, 500, [], [], 7) == []


@given(PRODUCED, POINTS, TURN)
def test_dynamic_is_in_proportion_to_use(produced: int, points: list[tuple[int, int]], turn: int) -> None:
    """Dynamic must give floor(P c_i / C), and the rest Wh by Wh to those who lost most."""
    uses = {chr(ord("a") + number): use for number, (use, _) in enumerate(points)}
    assert share(Key.DYNAMIC, produced, list(uses.values()), [], turn) == list(
        slow.dynamic(produced, uses, turn).values()
    )


@given(PRODUCED, POINTS, TURN)
def test_static_is_the_agreed_part_capped_by_use(produced: int, points: list[tuple[int, int]], turn: int) -> None:
    """Static must give each the agreed part of G to the Wh, or all that he uses; what others leave is not his."""
    uses, parts = [use for use, _ in points], [part for _, part in points]
    for own, use, part in zip(share(Key.STATIC, produced, uses, parts, turn), uses, parts, strict=True):
        agreed = Fraction(produced * part, sum(parts)) if sum(parts) else Fraction(0)
        assert min(use, agreed.__floor__()) <= own <= min(use, agreed.__ceil__())
    ones = [1] * len(uses)
    assert share(Key.EQUAL, produced, uses, parts, turn) == share(Key.STATIC, produced, uses, ones, turn)


@given(st.integers(0, 60), st.lists(st.integers(0, 20), max_size=6), TURN)
def test_fair_lifts_the_least(produced: int, points: list[int], turn: int) -> None:
    """Fair must give what sharing Wh by Wh to whoever has least gives; only which of equals has one more may differ."""
    shares = share(Key.FAIR, produced, points, [], turn)
    expected = slow.fair(produced, {chr(ord("a") + number): use for number, use in enumerate(points)})
    assert sorted(shares) == sorted(expected.values())
    assert all(abs(one - other) <= 1 for one, other in zip(shares, expected.values(), strict=True))


def test_the_keys_differ_as_agreed() -> None:
    """A worked example: 1000 Wh for uses of 100, 400 and 1500 Wh, agreed parts 50, 30, 20."""
    uses, parts = [100, 400, 1500], [50, 30, 20]
    assert share(Key.DYNAMIC, 1000, uses, parts, 0) == [50, 200, 750]
    assert share(Key.STATIC, 1000, uses, parts, 0) == [100, 300, 200]
    assert share(Key.EQUAL, 1000, uses, parts, 0) == [100, 333, 333]
    assert share(Key.FAIR, 1000, uses, parts, 0) == [100, 400, 500]


@given(st.data())
def test_each_share_is_split_among_the_producers(data: st.DataObject) -> None:
    """The parts must add up to the shares, no producer give more than it made, each its proportion but for rounding."""
    produced = data.draw(st.lists(WH, min_size=1, max_size=4))
    key, points, turn = data.draw(KEYS), data.draw(POINTS), data.draw(TURN)
    shares = share(key, sum(produced), [use for use, _ in points], [part for _, part in points], turn)
    columns = split(shares, produced, turn)
    assert [sum(row) for row in zip(*columns, strict=True)] == shares
    assert all(wh >= 0 for column in columns for wh in column)
    assert all(sum(column) <= made for column, made in zip(columns, produced, strict=True))
    assert all(
        abs(wh - Fraction(own * made, sum(produced))) <= 2 * len(produced)
        for column, made in zip(columns, produced, strict=True)
        for wh, own in zip(column, shares, strict=True)
        if own
    )
