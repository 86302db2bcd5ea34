"""After some failed logins one has to wait: per person and address a few, per address some more. Pure."""

from collections.abc import Hashable

WINDOW_S = 300.0  # a failure counts for so long
KEYS = 10_000  # so many are remembered; then the oldest are forgotten


class Throttle:
    """Failures by key, in memory. Callers hold no lock: a race costs one try more."""

    def __init__(self, limit: int) -> None:
        """Allow `limit` failures within the window."""
        self._limit = limit
        self._failures: dict[Hashable, tuple[float, ...]] = {}

    def wait(self, key: Hashable, now: float) -> float:
        """Return the seconds until the next try is allowed, 0 when it is allowed now.

        Args:
            key: who tries.
            now: seconds on any clock that does not go back.
        """
        recent = self._recent(key, now)
        return recent[-self._limit] + WINDOW_S - now if len(recent) >= self._limit else 0.0

    def failed(self, key: Hashable, now: float) -> None:
        """Count a failure."""
        recent = self._recent(key, now)
        self._failures.pop(key, None)
        self._failures[key] = (*recent, now)[-self._limit :]
        while len(self._failures) > KEYS:
            self._failures.pop(next(iter(self._failures)), None)

    def succeeded(self, key: Hashable) -> None:
        """Forget the failures of a key."""
        self._failures.pop(key, None)

    def _recent(self, key: Hashable, now: float) -> tuple[float, ...]:
        return tuple(at for at in self._failures.get(key, ()) if now - at < WINDOW_S)
