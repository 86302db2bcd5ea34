"""Money in whole cents. An amount is rounded once, half up, where it is printed; sums are of what is printed."""

from decimal import Decimal
from fractions import Fraction

from mmetering_accounting.rounding import half_up

WH_PER_KWH = 1000


def cents(exact: Fraction) -> int:
    """Return an amount in ct as it is printed."""
    return half_up(exact.numerator, exact.denominator)


def for_energy(wh: int, price: Decimal) -> Fraction:
    """Return what an energy costs, in ct, exactly; the price is in ct/kWh."""
    return wh * Fraction(price) / WH_PER_KWH


def vat(net: int, percent: Decimal) -> int:
    """Return the VAT on a net sum, both in ct."""
    return cents(net * Fraction(percent) / 100)


def euros(amount: int) -> Decimal:
    """Return an amount in ct as euros with two digits."""
    return Decimal(amount).scaleb(-2)
