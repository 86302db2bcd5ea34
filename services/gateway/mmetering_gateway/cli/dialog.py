"""Questions to a person over two text streams."""

from typing import TextIO


class EndError(Exception):
    """The person has said that it is enough."""


class Dialog:
    """Who asks on one stream and hears on the other."""

    def __init__(self, hears: TextIO, says: TextIO) -> None:
        """Talk over these streams."""
        self._hears = hears
        self._says = says

    def say(self, text: str) -> None:
        """Tell something."""
        self._says.write(f"{text}\n")
        self._says.flush()

    def ask(self, question: str, proposal: str = "") -> str:
        """Return the answer, which is the proposal where it is empty.

        Raises:
            EndError: there is nobody, or the answer is `q`.
        """
        self._says.write(f"{question} [{proposal}]: " if proposal else f"{question}: ")
        self._says.flush()
        line = self._hears.readline()
        if not line or line.strip() == "q":
            raise EndError
        return line.strip() or proposal
