"""What is asked of a meter, and what answers that and nothing else. Pure.

Function codes and layouts are those of the Modbus Application Protocol V1.1b3, sections 6.3, 6.4, 6.12 and 7.
"""

import struct

import msgspec

from mmetering_gateway.bus.errors import NoReplyError, RefusedError, WrongReplyError
from mmetering_gateway.planning.requests import Request

HOLDING, INPUT, WRITE = 3, 4, 16  # function codes
ERROR = 0x80  # added to the function code of an exception
# A converter says with these codes that the meter behind it is silent.
MUTE = (10, 11)
ASKED = struct.Struct(">BHH")  # function, first register, count


class Question(msgspec.Struct, frozen=True):
    """A read, or a write of `registers`; `patience_s` is for a meter that may not be there."""

    function: int
    address: int
    request: Request
    registers: tuple[int, ...] = ()
    patience_s: float | None = None

    @property
    def length(self) -> int:
        """How many registers a sound reply brings."""
        return 0 if self.function == WRITE else self.request.count

    @property
    def message(self) -> bytes:
        """The question without address and frame."""
        asked = ASKED.pack(self.function, self.request.address, self.request.count)
        written = self.registers
        return asked + struct.pack(f">B{len(written)}H", 2 * len(written), *written) if written else asked

    def answer(self, message: bytes) -> list[int]:
        """Return the registers of a reply without address and frame; none, where they were to be written.

        Raises:
            NoReplyError: it is a reply to something else, or a converter's that the meter is silent.
            RefusedError: the meter refused.
        """
        function = message[0] & ~ERROR
        if function != self.function:
            raise WrongReplyError(f"a reply to function {function} came, not {self.function}")
        if message[0] & ERROR:
            code = message[1] if len(message) > 1 else 0
            raise NoReplyError("no reply, says the converter") if code in MUTE else RefusedError(code)
        if self.function == WRITE:
            if message != ASKED.pack(WRITE, self.request.address, self.request.count):
                raise WrongReplyError("a reply to another write came")
            return []
        count = self.request.count
        if len(message) != 2 + 2 * count or message[1] != 2 * count:
            raise WrongReplyError(f"{len(message) // 2 - 1} registers came instead of {count}")
        return list(struct.unpack_from(f">{count}H", message, 2))
