"""Messages that are not what their topic promises: all are counted, each kind is logged once. Pure."""

KINDS = 1000  # kept at most, so that a sender of ever new nonsense cannot fill the memory; the rest is only counted


class Refusals:
    """The count of refused messages by topic and reason."""

    def __init__(self) -> None:
        """Begin with none."""
        self.total = 0
        self._kinds: set[tuple[str, str]] = set()

    def count(self, topic: str, reason: str) -> bool:
        """Count a message; return whether it is the first of its kind."""
        self.total += 1
        kind = (topic, reason)
        if kind in self._kinds or len(self._kinds) >= KINDS:
            return False
        self._kinds.add(kind)
        return True
