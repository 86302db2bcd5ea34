"""How bytes go over a serial line: speed, parity, stop bits, and how meters number them. Pure."""

from dataclasses import dataclass
from typing import Literal

Parity = Literal["N", "E", "O"]  # none, even, odd

# What is written into a meter's register for its speed: SDM630-Modbus V1.8, page 7; 5 from SDM72D-M V1.5, page 16.
BAUD_CODES = {2400: 0, 4800: 1, 9600: 2, 19200: 3, 38400: 4, 1200: 5}


@dataclass(frozen=True, slots=True)
class Line:
    """The settings of one end of a serial line; two ends understand each other when theirs are equal."""

    baud: int = 9600
    parity: Parity = "N"
    stop_bits: Literal[1, 2] = 1

    @property
    def byte_s(self) -> float:
        """How long a byte takes, in s: a start bit, eight of data, the parity, the stop bits."""
        return (1 + 8 + (self.parity != "N") + self.stop_bits) / self.baud


# By the code in a meter's register: SDM630-Modbus V1.8, page 6.
PARITIES: tuple[tuple[Parity, Literal[1, 2]], ...] = (("N", 1), ("E", 1), ("O", 1), ("N", 2))
