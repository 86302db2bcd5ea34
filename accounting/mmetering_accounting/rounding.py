"""How whole numbers are divided: once rounded half up, or into parts that add up."""

from collections.abc import Sequence


def half_up(numerator: int, denominator: int) -> int:
    """Return the nearest whole number to a fraction; a half goes up."""
    return (2 * numerator + denominator) // (2 * denominator)


def largest_remainder(amount: int, weights: Sequence[int], turn: int) -> list[int]:
    """Divide an amount in proportion to weights, into whole numbers that add up to it.

    Each part is the fraction rounded down, and one more goes to those that lost most by it. None gets more than its
    fraction rounded up. Of equals the first wins in turn 0, the second in turn 1, and so on, round and round.

    Args:
        amount: at least 0.
        weights: at least 0 each; with none above 0, only 0 can be divided.
        turn: any whole number.
    """
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    parts = [amount * weight // whole for weight in weights]
    rest = amount - sum(parts)
    if rest:
        lost = [amount * weight % whole for weight in weights]
        first = turn % len(weights)
        order = [*range(first, len(weights)), *range(first)]
        order.sort(key=lost.__getitem__, reverse=True)  # stable, so equals stay in their turn
        for index in order[:rest]:
            parts[index] += 1
    return parts
