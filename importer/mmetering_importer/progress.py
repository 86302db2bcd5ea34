"""How far the import is: one line on a terminal, written over again and again; nothing where nobody looks."""

import shutil
import time
from typing import TextIO

CLEAR = "\r\x1b[K"  # to the line's begin, and what stands there away (ECMA-48, 8.3.41)
EVERY_S = 0.5


class Progress:
    """A line on a stream."""

    def __init__(self, stream: TextIO) -> None:
        """Look whether somebody can see it."""
        self._stream = stream
        self._seen = stream.isatty()
        self._told_at = self._began_at = time.monotonic()

    def tell(self, share: float, readings: int, what: str) -> None:
        """Show how much of all is done, 0 to 1, and how many readings that is."""
        now = time.monotonic()
        if not self._seen or now - self._told_at < EVERY_S:
            return
        self._told_at = now
        speed = readings / (now - self._began_at)
        line = f"{share:4.0%}  {readings:,} readings {what}, {speed:,.0f} a second"
        self._stream.write(CLEAR + line[: shutil.get_terminal_size().columns - 1])
        self._stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._seen:
            self._stream.write(CLEAR)
            self._stream.flush()
