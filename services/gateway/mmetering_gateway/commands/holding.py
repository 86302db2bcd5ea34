"""The holding registers that commands use: SDM630-Modbus V2 protocol, V1.8, section 1.3; other models have the same.

Pure. Each holds a float32, unless a line says otherwise.
"""

import struct
from collections.abc import Mapping, Sequence

from mmetering_gateway.bus.speed import FORMATS, Speed
from mmetering_gateway.models.own import CODES
from mmetering_gateway.models.registers import floats

CURRENT = 0x0008  # A; of the transformers' primary side, or what the input is made for
SYSTEM = 0x000A
LOCK = 0x000E  # 0 locked, 1 unlocked; newer models take their password here ("KPPA")
FORMAT = 0x0012  # parity and stop bits
ADDRESS = 0x0014
PASSWORD = 0x0018
BAUD = 0x001C
OLD_SERIAL = 0x002A  # its upper half, the lower one in the next two registers (SDM630 protocol V2.0, page 6)
ORDER = 0x0028  # 2141.0 in the order of words that the meter has
SERIAL = 0xFC00  # uint32 in two registers
CODE = 0xFC02  # one register; the version of the software in the next one
SYSTEMS: Mapping[float, str] = {1: "1p2w", 2: "3p3w", 3: "3p4w"}
ADDRESSES = range(1, 248)


def words(value: float, *, swapped: bool = False) -> tuple[int, int]:
    """Return a float32 as two registers; `swapped` puts the less significant one first."""
    high, low = struct.unpack(">HH", struct.pack(">f", value))
    return (low, high) if swapped else (high, low)


def number(registers: Sequence[int], *, swapped: bool = False) -> float:
    """Return the float32 that two registers hold."""
    return floats(registers, swapped=swapped)[0]


def is_swapped(address: Sequence[int]) -> bool:
    """Return whether a meter has its words swapped, by its register of its own address, which is one of 1 to 247."""
    return number(address) not in ADDRESSES and number(address, swapped=True) in ADDRESSES


def speed_of(baud: float, form: float) -> Speed | None:
    """Return the speed that two codes stand for; None for codes that no manual knows."""
    if baud not in CODES or form not in FORMATS:
        return None
    return Speed(CODES[int(baud)], *FORMATS[int(form)])
