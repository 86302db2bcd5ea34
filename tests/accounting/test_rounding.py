"""Whole numbers are divided so that nothing is lost."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_accounting.rounding import half_up, largest_remainder


@pytest.mark.parametrize(
    ("numerator", "denominator", "whole"), [(1, 2, 1), (3, 2, 2), (1, 3, 0), (2, 3, 1), (-1, 2, 0), (7, 7, 1)]
)
def test_a_half_goes_up(numerator: int, denominator: int, whole: int) -> None:
    """The nearest whole number must be taken, and of two the higher."""
    assert half_up(numerator, denominator) == whole


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**6), min_size=1, max_size=8).filter(any), st.integers())
def test_parts_add_up_and_are_fractions_rounded(amount: int, weights: list[int], turn: int) -> None:
    """The parts must add up to the amount, each its fraction rounded down or up; who loses more never gets less."""
    parts = largest_remainder(amount, weights, turn)
    exact = [Fraction(amount * weight, sum(weights)) for weight in weights]
    assert sum(parts) == amount
    assert all(fraction.__floor__() <= part <= fraction.__ceil__() for part, fraction in zip(parts, exact, strict=True))
    lost = [fraction - fraction.__floor__() for fraction in exact]
    winners = [one for one, part, fraction in zip(lost, parts, exact, strict=True) if part > fraction]
    losers = [one for one, part, fraction in zip(lost, parts, exact, strict=True) if part <= fraction]
    assert min(winners, default=1) >= max(losers, default=0)


def test_ties_go_round() -> None:
    """Of equals each must win once in as many turns, so that nobody always wins."""
    assert [largest_remainder(1, [1, 1, 1], turn) for turn in range(4)] == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0]]


def test_nothing_can_be_divided_among_nobody() -> None:
    """Without any weight every part must be 0."""
    assert largest_remainder(0, [0, 0], 3) == [0, 0]
    assert largest_remainder(0, [], 3) == []
