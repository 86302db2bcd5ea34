"""What a meter can be told over Modbus: its holding registers, behind password, button and restart.

Pure: a clock is passed in. The unlocking follows SDM630-Modbus V1.8, page 8, and the KPPA of SDM72D-M-V2 V1.1,
page 15. No manual names the exception of a locked parameter: 02 is for what has no address and 05 for what could
not be stored (V1.8, page 21), so ours is 03, and a wrong password's too.
"""

import struct
from collections.abc import Mapping
from typing import Literal

from mmetering_simulator.line import BAUD_CODES, PARITIES, Line
from mmetering_simulator.models.model import (
    BAUD,
    DEMAND_PERIOD,
    DEMAND_TIME,
    LOCK,
    METER_CODE,
    NODE_ADDRESS,
    PARITY_AND_STOP,
    PASSWORD,
    REGISTER_ORDER,
    SERIAL_HIGH,
    SERIAL_LOW,
    SERIAL_NUMBER,
    SOFTWARE_VERSION,
    Lock,
    Model,
)

ILLEGAL_FUNCTION, ILLEGAL_ADDRESS, ILLEGAL_VALUE = 1, 2, 3
MINUTE_S = 60  # how long a password or a pressed button counts
ORDER_MARK = 2141.0  # SDM630 V2.0, page 5: written into 0028 in the order that is wanted from then on
NETWORK = (PARITY_AND_STOP, NODE_ADDRESS, BAUD)
SPEEDS = {code: baud for baud, code in BAUD_CODES.items()}

Order = Literal["big", "little"]


class RefusedError(Exception):
    """The meter refuses; it answers with this exception code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"exception {code}")
        self.code = code


def float_words(value: float, order: Order) -> bytes:
    """Return a float32 as two registers, the most significant one first or last."""
    data = struct.pack(">f", value)
    return data if order == "big" else data[2:] + data[:2]


class Settings:
    """The holding registers of one meter.

    Args:
        model: what they are on such a meter.
        serial: serial number.
        unit: address on the bus.
        line: its end of the line; None takes the model's first speed, 8N1.

    Attributes:
        unit: the address that it answers at, which may lag behind what is written until a restart.
        line: likewise.
        order: of the two registers of a float.
    """

    unit: int
    line: Line

    def __init__(self, model: Model, *, serial: int, unit: int = 1, line: Line | None = None) -> None:
        self.model = model
        self.serial = serial
        self.order: Order = "big"
        self._values = {address: parameter.default for address, parameter in model.holding.items()}
        self._values[PASSWORD] = model.password
        self._unlocked_until = self._button_until = self._silent_until = float("-inf")
        self.fit(unit, line or Line(model.bauds[0]))

    def fit(self, unit: int, line: Line) -> None:
        """Give the meter an address and a line by hand, as its display can; they act at once.

        Raises:
            ValueError: the model does not know that speed.
        """
        if line.baud not in self.model.bauds:
            raise ValueError(f"{self.model.name} knows no {line.baud} baud")
        self._values[NODE_ADDRESS] = unit
        self._values[BAUD] = BAUD_CODES[line.baud]
        self._values[PARITY_AND_STOP] = PARITIES.index((line.parity, line.stop_bits))
        self._take_effect()

    def press_button(self, now: float) -> None:
        """Hold the button until the meter is in its setup mode; it stays there for a minute from POSIX time `now`."""
        self._button_until = now + MINUTE_S

    def restart(self, now: float, silent_s: float = 0.0) -> None:
        """Take the power away and give it back: what waits acts, the password is forgotten, then silence for a time."""
        self._take_effect()
        self._unlocked_until = self._button_until = float("-inf")
        self._silent_until = now + silent_s

    def awake(self, now: float) -> bool:
        """Return whether the meter answers, which it does not while it restarts."""
        return now >= self._silent_until

    def value(self, address: int) -> float:
        """Return what was last written into a float register; 0.0 where the model has none."""
        return self._values.get(address, 0.0)

    def read(self, addresses: range, now: float) -> Mapping[int, float]:
        """Return the float registers; whoever reads lock or password gets another minute."""
        keys = (LOCK, PASSWORD) if self.model.lock is Lock.PASSWORD else (LOCK,)
        if self._unlocked(now) and any(key in addresses for key in keys):
            self._unlock(now)
        return self.peek(now)

    def write(self, address: int, data: bytes, now: float) -> None:
        """Take one parameter.

        Args:
            address: of its first register.
            data: of its two registers.
            now: POSIX time in s.

        Raises:
            RefusedError: there is no such parameter, it is locked, or the value is none of its own.
        """
        if address not in self.model.holding or len(data) != 4:  # noqa: PLR2004 - V1.8, page 20: one float
            raise RefusedError(ILLEGAL_ADDRESS)
        if address == REGISTER_ORDER:
            self.order = _order_of(data)
            return
        value: float = struct.unpack(">f", data if self.order == "big" else data[2:] + data[:2])[0]
        if address == self.model.key:
            self._say(value, now)
        elif address == LOCK:
            self._unlocked_until = now  # V1.8, page 8: writing any value locks
        else:
            self._set(address, value, now)

    def identity(self) -> dict[int, int]:
        """Return the registers that hold no float: serial number, meter code, software version."""
        registers = {SERIAL_NUMBER: self.serial >> 16, SERIAL_NUMBER + 1: self.serial & 0xFFFF}
        rest = {METER_CODE: self.model.code, SOFTWARE_VERSION: self.model.version}
        known = {address: word for address, word in rest.items() if word is not None}
        return (registers if self.model.has_serial else {}) | known

    def peek(self, now: float) -> dict[int, float]:
        """Return the float registers at POSIX time `now`, in s, without touching the lock."""
        minutes = self._values.get(DEMAND_PERIOD, 0.0)
        changing = {
            DEMAND_TIME: now / 60 % minutes if minutes else 0.0,
            LOCK: float(self._unlocked(now)),
            SERIAL_HIGH: self.serial >> 16,
            SERIAL_LOW: self.serial & 0xFFFF,
            REGISTER_ORDER: ORDER_MARK,
        }
        if self.model.lock is Lock.PASSWORD:
            changing[PASSWORD] = 0.0  # V2.0, page 5: "read zero"
        return {address: changing.get(address, self._values[address]) for address in self.model.holding}

    def _say(self, password: float, now: float) -> None:
        """Unlock, or lock where the password is wrong."""
        self._unlocked_until = now
        if password != self._values[PASSWORD]:
            raise RefusedError(ILLEGAL_VALUE)
        self._unlock(now)

    def _set(self, address: int, value: float, now: float) -> None:
        parameter = self.model.holding[address]
        locked = parameter.protected and not self._unlocked(now)
        unpressed = address == NODE_ADDRESS and self.model.needs_button and now >= self._button_until
        if locked or unpressed or value not in parameter.allowed:
            raise RefusedError(ILLEGAL_VALUE)
        self._values[address] = value
        if address in NETWORK and not self.model.needs_restart:
            self._take_effect()

    def _take_effect(self) -> None:
        self.unit = int(self._values[NODE_ADDRESS])
        parity, stop_bits = PARITIES[int(self._values[PARITY_AND_STOP])]
        self.line = Line(SPEEDS[int(self._values[BAUD])], parity, stop_bits)

    def _unlocked(self, now: float) -> bool:
        return now < self._unlocked_until

    def _unlock(self, now: float) -> None:
        self._unlocked_until = now + MINUTE_S


def _order_of(data: bytes) -> Order:
    """Return the order in which the mark was written."""
    orders: tuple[Order, ...] = ("big", "little")
    for order in orders:
        if data == float_words(ORDER_MARK, order):
            return order
    raise RefusedError(ILLEGAL_VALUE)
