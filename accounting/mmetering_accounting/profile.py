"""A load profile: the energy of quarter hours in a row, each with how it was obtained."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mmetering_accounting.flag import Flag


class Energy(NamedTuple):
    """An energy over some time.

    Attributes:
        wh: of the quarter hours that are known.
        flag: the worst of its parts.
        unmeasured_wh: how much of it was not measured.
        missing: quarter hours of which nothing is known.
    """

    wh: int
    flag: Flag
    unmeasured_wh: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class Profile:
    """The energy of quarter hours in a row.

    Attributes:
        quarters: which.
        wh: the energy of each, in Wh; None exactly where the flag is MISSING.
        flags: how each was obtained.
    """

    quarters: range
    wh: Sequence[int | None]
    flags: Sequence[Flag]

    def __post_init__(self) -> None:
        if not len(self.quarters) == len(self.wh) == len(self.flags):
            raise ValueError(f"{len(self.quarters)} quarter hours, {len(self.wh)} energies, {len(self.flags)} flags")

    def __iter__(self) -> Iterator[tuple[int, int | None, Flag]]:
        """Give quarter hour, energy and flag of each."""
        return zip(self.quarters, self.wh, self.flags, strict=True)

    def part(self, quarters: range) -> "Profile":
        """Return the profile of some of its quarter hours.

        Raises:
            IndexError: it does not have them all.
        """
        if quarters and not (quarters[0] in self.quarters and quarters[-1] in self.quarters):
            raise IndexError(f"{quarters} is no part of {self.quarters}")
        begin = quarters.start - self.quarters.start
        part = slice(begin, begin + len(quarters))
        return Profile(quarters, self.wh[part], self.flags[part])

    def over(self, quarters: range) -> "Profile":
        """Return the profile over any quarter hours in a row; those that it does not have are missing."""
        known = {quarter: (wh, flag) for quarter, wh, flag in self}
        found = [known.get(quarter, (None, Flag.MISSING)) for quarter in quarters]
        return Profile(quarters, [wh for wh, _ in found], [flag for _, flag in found])

    def corrected(self, said: Mapping[int, int]) -> "Profile":
        """Return the profile with the energies, in Wh by quarter hour, that a person puts in place of some."""
        wh = [said.get(quarter, one) for quarter, one, _ in self]
        return Profile(self.quarters, wh, [Flag.CORRECTED if quarter in said else flag for quarter, _, flag in self])

    @property
    def sum(self) -> Energy:
        """All its energy."""
        unmeasured = sum(wh for wh, flag in zip(self.wh, self.flags, strict=True) if flag and wh)
        total = sum(wh for wh in self.wh if wh)
        return Energy(total, max(self.flags, default=Flag.MEASURED), unmeasured, self.flags.count(Flag.MISSING))
