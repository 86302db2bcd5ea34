"""Which samples of a counter to trust. Nothing that a counter cannot do is ever explained away.

One sample that is off and the next one back again: it is rejected and counted. A counter that stays off is a break:
energy stops at the last good sample, until a person says what happened. Nobody assumes that a counter began at 0.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from mmetering_accounting.rating import Rating
from mmetering_accounting.sample import Sample


class Cause(StrEnum):
    """What a person may say about a break."""

    REPLACED = "replaced"  # from then on it is another meter
    RESET = "reset"  # the same meter, its counter set to another value
    IGNORE = "ignore"  # what was read from then on, until then, is nonsense


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a person says about a break; taken back by leaving it out.

    Attributes:
        cause: what happened.
        at: when, in ms: behind the last good sample, and no later than the first one that is off.
        until: with IGNORE, the first instant at which to believe again, in ms.
        before: with the others, what the counter showed at the end, in Wh; None for the last good sample.
        after: what it showed then, in Wh; None for the first sample that is off.
        reason: in the person's words.
    """

    cause: Cause
    at: int
    until: int = 0
    before: int | None = None
    after: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Break:
    """A counter that fell or leapt and stayed there.

    Attributes:
        last: the last good sample.
        first: the first that cannot follow it.
        resolution: what a person says about it; None stops the energy at `last`.
    """

    last: Sample
    first: Sample
    resolution: Resolution | None = None

    @property
    def falls(self) -> bool:
        """Whether the counter fell; else it leapt."""
        return self.first.wh < self.last.wh


@dataclass(frozen=True, slots=True)
class Trusted:
    """The samples of a counter that can be believed.

    Attributes:
        parts: one, and one more for each reset or replacement; within each the counter only grows.
        rejected: single samples that were off.
        breaks: in order of time; only the last can be without a resolution, since nothing is known behind it.
    """

    parts: tuple[tuple[Sample, ...], ...]
    rejected: tuple[Sample, ...] = ()
    breaks: tuple[Break, ...] = ()

    @property
    def stopped(self) -> bool:
        """Whether energy stops before the last sample."""
        return bool(self.breaks) and self.breaks[-1].resolution is None


def trust(samples: Sequence[Sample], rating: Rating, resolutions: Iterable[Resolution] = ()) -> Trusted:
    """Tell which samples of a counter to trust.

    Args:
        samples: in order of time.
        rating: how the meter is built.
        resolutions: what a person has said about its breaks.
    """
    if all(rating.allows(after.wh - before.wh, after.ms - before.ms, before.wh) for before, after in pairwise(samples)):
        return Trusted((tuple(samples),) if samples else ())  # nearly always
    return _Scan(rating, tuple(resolutions)).run(samples)


class _Scan:
    """One way through the samples, from the first to the last."""

    def __init__(self, rating: Rating, resolutions: tuple[Resolution, ...]) -> None:
        self._rating = rating
        self._resolutions = resolutions
        self._parts: list[list[Sample]] = [[]]
        self._rejected: list[Sample] = []
        self._breaks: list[Break] = []

    def run(self, samples: Sequence[Sample]) -> Trusted:
        index = 0
        while index < len(samples):
            sample = samples[index]
            if not self._parts[-1] or self._follows(self._parts[-1][-1], sample):
                self._parts[-1].append(sample)
                index += 1
            elif self._single(sample, samples[index + 1 : index + 2]):
                index += 1
            elif (going_on := self._resolve(sample)) is None:
                break
            else:
                while index < len(samples) and samples[index].ms < going_on:
                    index += 1
        parts = tuple(tuple(part) for part in self._parts if part)
        return Trusted(parts, tuple(self._rejected), tuple(self._breaks))

    def _follows(self, before: Sample, after: Sample) -> bool:
        return self._rating.allows(after.wh - before.wh, after.ms - before.ms, before.wh)

    def _single(self, sample: Sample, following: Sequence[Sample]) -> bool:
        """Reject the one of the last good sample and this one that alone is off; return whether there is such a one."""
        part = self._parts[-1]
        if following and self._follows(part[-1], following[0]):
            self._rejected.append(sample)
            return True
        if len(part) > 1 and self._follows(part[-2], sample) and all(self._follows(sample, one) for one in following):
            self._rejected.append(part.pop())
            part.append(sample)
            return True
        return False

    def _resolve(self, first: Sample) -> int | None:
        """Open a break before this sample; return from which instant to go on, or None to stop here."""
        part = self._parts[-1]
        last = part[-1]
        for resolution in self._resolutions:
            if not last.ms < resolution.at <= first.ms:
                continue
            if resolution.cause is Cause.IGNORE and resolution.until > first.ms:
                self._breaks.append(Break(last, first, resolution))
                return resolution.until
            end = Sample(resolution.at, last.wh if resolution.before is None else resolution.before)
            begin = Sample(resolution.at, first.wh if resolution.after is None else resolution.after)
            if resolution.cause is not Cause.IGNORE and self._follows(last, end) and self._follows(begin, first):
                self._breaks.append(Break(last, first, resolution))
                part += [end] if resolution.before is not None else []
                self._parts.append([begin] if resolution.after is not None else [])
                return first.ms
        self._breaks.append(Break(last, first))
        return None
