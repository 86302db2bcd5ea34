"""How an energy was obtained. The flags rank: a sum is as good as the worst of its parts."""

from enum import IntEnum


class Flag(IntEnum):
    """How an energy was obtained, from best to worst."""

    MEASURED = 0  # between good samples close by
    INTERPOLATED = 1  # a known energy, spread evenly over at most two hours
    SUBSTITUTE = 2  # a known energy, spread like the same weekdays before
    ESTIMATED = 3  # not known; like the same weekdays before, until a person releases it
    CORRECTED = 4  # said by a person
    MISSING = 5  # not known at all; keeps a period open
