"""The questions of one slot: who was heard, who was silent, and whom to ask once more. Pure.

A silent meter is asked no more in its round, and after the loss of the whole bus nobody is. Whoever was well before
gets its unread groups again in a second round, so that one disturbed frame loses nothing.
"""

from collections.abc import Container

from mmetering_contract.quantity import Group

Turn = tuple[str, Group]  # slug of a meter, and what to read of it


class Round:
    """What one slot brought so far.

    Attributes:
        unread: turns that brought no reply, in their order.
        heard: slugs of the meters that gave a reading.
        reasons: by slug, why a meter gave none.
    """

    def __init__(self) -> None:
        """Begin a slot."""
        self.unread: list[Turn] = []
        self.heard: set[str] = set()
        self.reasons: dict[str, str] = {}
        self._silent: set[str] = set()
        self._dead = ""

    def passes(self, slug: str, group: Group) -> bool:
        """Return whether a turn is better not taken; it is unread then."""
        if not self._dead and slug not in self._silent:
            return False
        self.unread.append((slug, group))
        self.reasons.setdefault(slug, self._dead)
        return True

    def silent(self, slug: str, group: Group, reason: str) -> None:
        """Take in that a meter did not answer."""
        self.unread.append((slug, group))
        self.reasons[slug] = reason
        self._silent.add(slug)

    @property
    def is_dead(self) -> bool:
        """Whether the bus is away."""
        return bool(self._dead)

    def dead(self, slug: str, group: Group, reason: str) -> None:
        """Take in that the bus is away."""
        self.silent(slug, group, reason)
        self._dead = reason

    def again(self, well: Container[str]) -> list[Turn]:
        """Begin a second round; return its turns, of the meters that were well before this slot."""
        turns = [(slug, group) for slug, group in self.unread if slug in well]
        self.unread, self._silent, self._dead = [], set(), ""
        return turns
