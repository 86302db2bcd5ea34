"""Why a question to a meter brought nothing.

ModbusError
├── LinkError          the bus itself is away: adapter unplugged, converter unreachable; its other meters are, too
├── NoReplyError       this meter did not answer in time, or not with what was asked
│   ├── GarbledError       bytes came that are no frame: noise, a damaged reply, two meters at once
│   └── WrongReplyError    a sound reply came, of another unit, function or length
└── RefusedError       the meter answered with an exception code; asking the same again brings the same
"""


class ModbusError(Exception):
    """A question that brought nothing."""


class LinkError(ModbusError):
    """The bus is away."""


class NoReplyError(ModbusError):
    """The meter did not answer."""


class GarbledError(NoReplyError):
    """Bytes came that are no frame."""

    def __init__(self, heard: bytes) -> None:
        """Keep what came."""
        super().__init__(f"{len(heard)} bytes came that are no reply")
        self.heard = heard


class WrongReplyError(NoReplyError):
    """A sound reply came, and not to this question."""


class RefusedError(ModbusError):
    """The meter answered with an exception code."""

    def __init__(self, code: int) -> None:
        """Keep the code: 1 function, 2 address, 3 value, 5 other (SDM630 protocol V1.8, section 3.7)."""
        super().__init__(f"exception code {code}")
        self.code = code
