"""Sharing own production among those who take part: of one pool, in one quarter hour, in whole Wh.

Of the energy produced, G, at most P = min(G, sum of uses) can be shared. Whatever the key: no point gets more than it
uses, all shares together are at most P, and what is not shared is fed in. Nothing depends on the order of points.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from operator import sub

from mmetering_accounting.rounding import largest_remainder


class Key(StrEnum):
    """By which rule production is shared (Aufteilungsschlüssel)."""

    DYNAMIC = "dynamic"  # in proportion to use
    STATIC = "static"  # agreed parts, each capped by own use
    EQUAL = "equal"  # static with equal parts; § 42b EnWG when nothing is agreed
    FAIR = "fair"  # everyone the same, small users first


def share(key: Key, produced: int, uses: Sequence[int], parts: Sequence[int], turn: int) -> list[int]:
    """Return what each point gets of a pool in one quarter hour, in Wh.

    Args:
        key: the rule.
        produced: G, in Wh, at least 0.
        uses: of those who take part, in Wh, each at least 0, in the order of their names.
        parts: agreed with STATIC, each at least 0, any unit, and behind them, if any, one that nobody has; the other
            keys don't look at them.
        turn: the quarter hour, by which ties go round.
    """
    return _KEYS[key](produced, uses, parts, turn)


def _dynamic(produced: int, uses: Sequence[int], _: Sequence[int], turn: int) -> list[int]:
    return largest_remainder(min(produced, sum(uses)), uses, turn)


def _static(produced: int, uses: Sequence[int], parts: Sequence[int], turn: int) -> list[int]:
    agreed = largest_remainder(produced, parts, turn)
    return [min(part, use) for part, use in zip(agreed[: len(uses)], uses, strict=True)]


def _equal(produced: int, uses: Sequence[int], _: Sequence[int], turn: int) -> list[int]:
    return _static(produced, uses, [1] * len(uses), turn)


def _fair(produced: int, uses: Sequence[int], _: Sequence[int], turn: int) -> list[int]:
    """Fill the smallest uses first; those whom an even part does not fill share the rest evenly."""
    shares = [0] * len(uses)
    rest = min(produced, sum(uses))
    order = sorted(range(len(uses)), key=uses.__getitem__)
    while order and uses[order[0]] * len(order) <= rest:
        index = order.pop(0)
        shares[index] = uses[index]
        rest -= uses[index]
    waiting = sorted(order)
    for index, part in zip(waiting, largest_remainder(rest, [1] * len(waiting), turn), strict=True):
        shares[index] = part
    return shares


_KEYS: Mapping[Key, Callable[[int, Sequence[int], Sequence[int], int], list[int]]] = {
    Key.DYNAMIC: _dynamic,
    Key.STATIC: _static,
    Key.EQUAL: _equal,
    Key.FAIR: _fair,
}


def split(shares: Sequence[int], produced: Sequence[int], turn: int) -> list[list[int]]:
    """Divide the shares among the producers of their pool, in proportion to what these produced.

    First all shares together are divided among the producers, so none gives more than it made. Then what one after the
    other gives is divided among the points, in proportion to what they still lack; so none gets more than its share.

    Args:
        shares: of each point, in Wh; together at most what was produced.
        produced: by each producer, in Wh.
        turn: the quarter hour, by which ties go round.

    Returns:
        For each producer what each point gets of it, in Wh.
    """
    columns = []
    lacking = list(shares)
    for given in largest_remainder(sum(shares), produced, turn):
        columns.append(largest_remainder(given, lacking, turn))
        lacking = list(map(sub, lacking, columns[-1]))
    return columns
