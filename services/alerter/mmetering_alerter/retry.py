"""When to try again what failed: soon at first, then ever more rarely. Pure."""

FIRST_S = 5.0
LONGEST_S = 300.0


class Backoff:
    """The wait between two attempts. Times are steady seconds."""

    def __init__(self) -> None:
        """Begin ready."""
        self._wait = FIRST_S
        self._next = float("-inf")

    def ready(self, now: float) -> bool:
        """Tell whether it is time to try."""
        return now >= self._next

    def failed(self, now: float, *, permanent: bool) -> float:
        """Wait longer than the last time, or longest at once if only a person can help; return the seconds."""
        wait = LONGEST_S if permanent else self._wait
        self._next = now + wait
        self._wait = min(wait * 2, LONGEST_S)
        return wait

    def succeeded(self) -> None:
        """Begin anew."""
        self._wait = FIRST_S
