"""Speed and character format of a serial line, and the codes that meters keep them by. Pure."""

from dataclasses import dataclass
from typing import Literal

Parity = Literal["N", "E", "O"]
StopBits = Literal[1, 2]


@dataclass(frozen=True, slots=True)
class Speed:
    """Baud, parity and stop bits; 8 data bits always. Written as `9600 8N1`."""

    baud: int = 9600
    parity: Parity = "N"
    stop_bits: StopBits = 1

    def __str__(self) -> str:
        return f"{self.baud} 8{self.parity}{self.stop_bits}"

    def changed(self, baud: int, parity: Parity) -> "Speed":
        """Return another speed; the stop bits are kept with the parity, and are 1 with another one."""
        return Speed(baud, parity, self.stop_bits if parity == self.parity else 1)


# Holding register 0x0012 (SDM630 protocol V1.8, section 1.3).
FORMATS: dict[int, tuple[Parity, StopBits]] = {0: ("N", 1), 1: ("E", 1), 2: ("O", 1), 3: ("N", 2)}
