"""What comes over a line after a question: local echo and stray bytes are taken off, silence told from noise. Pure.

Adapters that hear themselves give back what was sent before the reply comes, and line drivers make a byte or two as
they let go. pymodbus takes either, and the begin of a reply for an echo; so it gets replies from their first byte on.
"""

from dataclasses import dataclass

from mmetering_gateway.bus.question import ERROR

STRAY = 4  # bytes before a reply that are passed over at most


@dataclass(slots=True)
class Hearing:
    """One exchange after the other.

    Attributes:
        sent: the last question.
        heard: what came since, without its echo.
        echoed: whether the last question came back before anything else.
    """

    sent: bytes = b""
    heard: bytes = b""
    echoed: bool = False

    def ask(self, question: bytes) -> None:
        """Begin an exchange."""
        self.sent, self.heard, self.echoed = question, b"", False

    def hear(self, data: bytes) -> bytes:
        """Return what pymodbus is to take; it gives all that came and that it has not used yet."""
        data = self._without_echo(data)
        self.heard = data if data.startswith(self.heard) else self.heard + data
        return data[self._begin(data) :]

    def _without_echo(self, data: bytes) -> bytes:
        if data.startswith(self.sent):
            self.echoed = True
            return data[len(self.sent) :]
        # The begin of an echo, or of a reply: what comes next will tell. pymodbus keeps it until it is used.
        return b"" if self.sent.startswith(data) else data

    def _begin(self, data: bytes) -> int:
        """Return where the reply may begin: with the question's unit id and function. Modbus TCP repeats its number."""
        unit, function = self.sent[:2]
        replies = (bytes((unit, function)), bytes((unit, function | ERROR)))
        begins = (at for at in range(min(STRAY, len(data)) + 1) if data[at : at + 2] in replies)
        return next(begins, 0 if len(data) > STRAY else len(data))
