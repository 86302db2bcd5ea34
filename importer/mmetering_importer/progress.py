"""How far the import is: its share, how many readings that are, and how fast they go."""

import sys
import time

from mmetering_runtime.progress import Progress

EVERY_S = 0.5


class ReadingProgress:
    """A line on standard error, written anew twice a second."""

    def __init__(self) -> None:
        """Begin now."""
        self._line = Progress(sys.stderr)
        self._told_at = self._began_at = time.monotonic()

    def tell(self, share: float, readings: int, what: str) -> None:
        """Show how much of all is done, 0 to 1, and how many readings that is."""
        now = time.monotonic()
        if now - self._told_at < EVERY_S:
            return
        self._told_at = now
        speed = readings / (now - self._began_at)
        self._line.tell(f"{readings:,} readings {what}, {speed:,.0f} a second", share)

    def clear(self) -> None:
        """Take the line away."""
        self._line.clear()
