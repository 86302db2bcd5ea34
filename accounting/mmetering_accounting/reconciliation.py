"""The building as a whole: what was produced and used, and what does not add up shown as its own line."""

from collections.abc import Mapping
from dataclasses import dataclass

from mmetering_accounting.distribution import Distribution
from mmetering_accounting.profile import Profile


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The energies of a building over some time, in Wh.

    Attributes:
        produced: by all producers.
        shared: of that, what points got.
        feed_in: of that, what nobody got; produced = shared + feed_in.
        points: used by all points.
        drawn: from the grid, by its own meter; None without one.
        delivered: to the grid, by its own meter; None without one.
    """

    produced: int
    shared: int
    feed_in: int
    points: int
    drawn: int | None = None
    delivered: int | None = None

    @property
    def building(self) -> int | None:
        """What the building used by the meter at the grid: produced + drawn - delivered."""
        if self.drawn is None or self.delivered is None:
            return None
        return self.produced + self.drawn - self.delivered

    @property
    def rest(self) -> int | None:
        """What the building used and no point has counted; negative when points have counted more."""
        return None if self.building is None else self.building - self.points


def reconcile(
    used: Mapping[str, Profile],
    produced: Mapping[str, Profile],
    distribution: Distribution,
    drawn: Profile | None = None,
    delivered: Profile | None = None,
) -> Reconciliation:
    """Add up what a building produced, shared and used.

    Args:
        used: by point.
        produced: by producer.
        distribution: who got what of it.
        drawn: what the meter at the grid imported.
        delivered: what it exported.
    """
    return Reconciliation(
        sum(profile.sum.wh for profile in produced.values()),
        sum(sum(row) for rows in distribution.own.values() for row in rows.values()),
        sum(sum(row) for row in distribution.feed_in.values()),
        sum(profile.sum.wh for profile in used.values()),
        None if drawn is None else drawn.sum.wh,
        None if delivered is None else delivered.sum.wh,
    )
