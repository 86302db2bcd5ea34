"""The registers of a simulated meter, as SDM630-Modbus V2, Modbus protocol V1.8 (Eastron) lists them.

On purpose not the gateway's table: two tables written down apart from the same manual catch each
other's slips. Values are float32 in two registers, most significant register first.
"""

import struct
from collections.abc import Mapping
from typing import Protocol

from mmetering_simulator.chance import Numbers

# Input registers, one value for each phase: the address of L1; L2 and L3 follow at +2 and +4.
BY_PHASE = {
    "voltage": 0x0000,  # V to neutral
    "current": 0x0006,  # A
    "active_power": 0x000C,  # W
    "apparent_power": 0x0012,  # VA
    "reactive_power": 0x0018,  # var
    "power_factor": 0x001E,  # its sign is the power's
    "phase_angle": 0x0024,  # degrees
    "voltage_between_lines": 0x00C8,  # V: L1-L2, L2-L3, L3-L1
    "active_import": 0x015A,  # kWh
    "active_export": 0x0160,  # kWh
    "active_energy": 0x0166,  # kWh, import + export
    "reactive_import": 0x016C,  # kvarh
    "reactive_export": 0x0172,  # kvarh
    "reactive_energy": 0x0178,  # kvarh, import + export
}
# Input registers, one value for the whole meter.
IN_TOTAL = {
    "average_voltage": 0x002A,  # V
    "average_current": 0x002E,  # A
    "sum_of_currents": 0x0030,  # A
    "active_power": 0x0034,  # W
    "apparent_power": 0x0038,  # VA
    "reactive_power": 0x003C,  # var
    "power_factor": 0x003E,
    "phase_angle": 0x0042,  # degrees
    "frequency": 0x0046,  # Hz
    "active_import": 0x0048,  # kWh
    "active_export": 0x004A,  # kWh
    "reactive_import": 0x004C,  # kvarh
    "reactive_export": 0x004E,  # kvarh
    "apparent_energy": 0x0050,  # kVAh
    "average_voltage_between_lines": 0x00CE,  # V
    "neutral_current": 0x00E0,  # A
    "active_energy": 0x0156,  # kWh, import + export
    "reactive_energy": 0x0158,  # kvarh, import + export
}
INPUT_END = 0x017E  # one behind the last input register
# Holding registers.
NODE_ADDRESS = 0x0014  # float, 1 to 247
BAUD_CODE = 0x001C  # float, see BAUD_CODES
HOLDING_END = 0x005A  # one behind the last of the float holding registers that are kept together
SERIAL_NUMBER = 0xFC00  # uint32 in two registers
METER_CODE = 0xFC02  # one register; the number is made up, since no manual of the SDM630 tells its own
SOFTWARE_VERSION = 0xFC03  # one register

BAUD_CODES = {2400: 0, 4800: 1, 9600: 2, 19200: 3, 38400: 4}

Registers = Mapping[int, int]


class Meter(Protocol):
    """What answers at a unit id."""

    def input_registers(self, now: float) -> Registers:
        """Return address to 16-bit register at POSIX time `now`, in s. What is absent does not exist."""

    def holding_registers(self, now: float) -> Registers:
        """Return address to 16-bit register at POSIX time `now`, in s. What is absent does not exist."""


def float_registers(values: Mapping[int, float], end: int) -> dict[int, int]:
    """Return the registers 0 to `end`, holding each value as float32 at its even address and 0.0 elsewhere."""
    image = bytearray(2 * end)
    for address, value in values.items():
        struct.pack_into(">f", image, 2 * address, value)
    return dict(enumerate(struct.unpack(f">{end}H", image)))


def holding_registers(unit: int, baud: int, serial: int) -> dict[int, int]:
    """Return the holding registers of an SDM630 that has this unit id, speed in baud, and serial number."""
    settings = float_registers({NODE_ADDRESS: unit, BAUD_CODE: BAUD_CODES[baud]}, HOLDING_END)
    identity = {SERIAL_NUMBER: serial >> 16, SERIAL_NUMBER + 1: serial & 0xFFFF}
    return settings | identity | {METER_CODE: 0x0070, SOFTWARE_VERSION: 0x0108}


def values_by_address(by_phase: Mapping[str, Numbers], in_total: Mapping[str, float]) -> dict[int, float]:
    """Return address to value, from values by the names of the tables above."""
    phases = {
        BY_PHASE[name] + 2 * phase: value
        for name, values in by_phase.items()
        for phase, value in enumerate(values.tolist())
    }
    return phases | {IN_TOTAL[name]: value for name, value in in_total.items()}
