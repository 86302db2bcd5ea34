"""How far a command is: one line on a terminal, written over again and again; nothing where nobody looks."""

import shutil
from types import TracebackType
from typing import Self, TextIO

CLEAR = "\r\x1b[K"  # to the line's begin, and what stands there away (ECMA-48, 8.3.41)


class Progress:
    """A line on `stream` that is gone after the context."""

    def __init__(self, stream: TextIO) -> None:
        """Look whether somebody can see it."""
        self._stream = stream
        self._seen = stream.isatty()

    def tell(self, text: str, share: float) -> None:
        """Show what is being done, and how much of all is, 0 to 1."""
        if self._seen and text:
            line = f"{share:4.0%}  {text}"
            self._stream.write(CLEAR + line[: shutil.get_terminal_size().columns - 1])
            self._stream.flush()

    def clear(self) -> None:
        """Take the line away."""
        if self._seen:
            self._stream.write(CLEAR)
            self._stream.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()
