"""The input registers of all simulated meters by name: a model has some of them (see `models`).

Addresses and units: SDM630-Modbus V2, Modbus protocol V1.8 (Eastron), unless a line says otherwise. On purpose not
the gateway's table: two tables written down apart from the same manual catch each other's slips.
"""

import struct
from collections.abc import Mapping

from mmetering_simulator.chance import Numbers

# One value for each phase: the address of L1; L2 and L3 follow at +2 and +4.
BY_PHASE = {
    "voltage": 0x0000,  # V to neutral
    "current": 0x0006,  # A
    "active_power": 0x000C,  # W
    "apparent_power": 0x0012,  # VA
    "reactive_power": 0x0018,  # var
    "power_factor": 0x001E,  # its sign is the power's
    "phase_angle": 0x0024,  # degrees
    "voltage_between_lines": 0x00C8,  # V: L1-L2, L2-L3, L3-L1
    "voltage_distortion": 0x00EA,  # %
    "current_distortion": 0x00F0,  # %
    "current_demand": 0x0102,  # A
    "current_demand_maximum": 0x0108,  # A
    "voltage_distortion_between_lines": 0x014E,  # %: L1-L2, L2-L3, L3-L1
    "active_import": 0x015A,  # kWh
    "active_export": 0x0160,  # kWh
    "active_energy": 0x0166,  # kWh, import + export
    "reactive_import": 0x016C,  # kvarh
    "reactive_export": 0x0172,  # kvarh
    "reactive_energy": 0x0178,  # kvarh, import + export
}
# One value for the whole meter.
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
    "charge": 0x0052,  # Ah
    "power_demand": 0x0054,  # W, import - export
    "power_demand_maximum": 0x0056,  # W
    "import_demand": 0x0058,  # W: SDM120M V2.5
    "import_demand_maximum": 0x005A,  # W: likewise
    "export_demand": 0x005C,  # W: likewise
    "export_demand_maximum": 0x005E,  # W: likewise
    "apparent_demand": 0x0064,  # VA
    "apparent_demand_maximum": 0x0066,  # VA
    "neutral_demand": 0x0068,  # A
    "neutral_demand_maximum": 0x006A,  # A
    "average_voltage_between_lines": 0x00CE,  # V
    "neutral_current": 0x00E0,  # A
    "average_voltage_distortion": 0x00F8,  # %
    "average_current_distortion": 0x00FA,  # %
    "power_factor_inverse": 0x00FE,  # SDM630 V2.0, page 4, note 5: the power factor with the other sign
    "average_voltage_distortion_between_lines": 0x0154,  # %
    "active_energy": 0x0156,  # kWh, import + export
    "reactive_energy": 0x0158,  # kvarh, import + export
    "resettable_energy": 0x0180,  # kWh: SDM72D-M V1.5; never reset here, nor are the next three
    "resettable_reactive": 0x0182,  # kvarh: SDM230-2T V1.1
    "resettable_import": 0x0184,  # kWh: likewise
    "resettable_export": 0x0186,  # kWh: likewise
    "net_energy": 0x018C,  # kWh, import - export: SDM72D-M-V2 V1.1
    "import_power": 0x0500,  # W: SDM72D-M V1.5
    "export_power": 0x0502,  # W: likewise
}
INPUT_END = 0x017E  # one behind the last input register of an SDM630
HOLDING_END = 0x005A  # one behind the last of the float holding registers that are kept together

Registers = Mapping[int, int]


def float_registers(values: Mapping[int, float], end: int) -> dict[int, int]:
    """Return the registers 0 to `end`, holding each value as float32 at its even address and 0.0 elsewhere."""
    image = bytearray(2 * end)
    for address, value in values.items():
        struct.pack_into(">f", image, 2 * address, value)
    return dict(enumerate(struct.unpack(f">{end}H", image)))


def values_by_address(by_phase: Mapping[str, Numbers], in_total: Mapping[str, float]) -> dict[int, float]:
    """Return address to value, from values by the names of the tables above."""
    phases = {
        BY_PHASE[name] + 2 * phase: value
        for name, values in by_phase.items()
        for phase, value in enumerate(values.tolist())
    }
    return phases | {IN_TOTAL[name]: value for name, value in in_total.items()}
