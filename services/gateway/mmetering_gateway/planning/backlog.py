"""What is still to be read of the groups that wait for the bus to be free, meter by meter. Pure.

A group's next slot takes the place of its last one; whoever has not had its turn by then comes first. So where time
is short the group is read less often, and of all meters alike.
"""

from collections.abc import Container, Sequence

from mmetering_contract.quantity import Group

from mmetering_gateway.planning.round import Turn
from mmetering_gateway.planning.schedule import WAITING


class Backlog:
    """The turns of one bus that wait."""

    def __init__(self) -> None:
        """Begin with none."""
        self._waiting: dict[Group, list[str]] = {group: [] for group in WAITING}

    def fill(self, group: Group, slugs: Sequence[str]) -> None:
        """Let these meters wait for a turn of a group."""
        late = [slug for slug in self._waiting[group] if slug in slugs]
        self._waiting[group] = late + [slug for slug in slugs if slug not in late]

    def keep(self, slugs: Container[str]) -> None:
        """Take out the turns of all other meters."""
        self._waiting = {group: [s for s in waiting if s in slugs] for group, waiting in self._waiting.items()}

    def waits(self, group: Group, able: Container[str]) -> bool:
        """Return whether a turn of the group waits of a meter that is able to answer."""
        return any(slug in able for slug in self._waiting.get(group, ()))

    def first(self, able: Container[str]) -> Turn | None:
        """Return the turn to take next, of the meters that are able to answer; None if there is none."""
        return next(((slug, group) for group in WAITING for slug in self._waiting[group] if slug in able), None)

    def taken(self, turn: Turn) -> None:
        """Take a turn out."""
        slug, group = turn
        self._waiting[group].remove(slug)
