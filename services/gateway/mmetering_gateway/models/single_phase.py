"""Eastron SDM120, SDM220 and SDM230: one phase. Input registers (function 04), float32 each.

Sources: "SDM120M User Manual", V2.9, pages 8 to 11; "SDM220Modbus User Manual", V1.0 (2014), whose registers are taken
as reaper7's SDM.h has them; "SDM230Modbus Protocol", V1.4; "SDM230-2T Smart Meter Modbus Protocol Implementation",
V1.1. What is measured on the one phase stands for the whole meter, so it bears the name of the total.
"""

from dataclasses import replace

from mmetering_gateway.models.registers import Model, Register, Writing

MEASURED = (
    Register(0x0000, "voltage_l1"),
    Register(0x0006, "current_l1"),
    Register(0x000C, "power_total"),
    Register(0x0012, "apparent_power_total"),
    Register(0x0018, "reactive_power_total"),
    Register(0x001E, "power_factor_total"),
)
ANGLE = Register(0x0024, "phase_angle_total")
COUNTED = (
    Register(0x0046, "frequency"),
    Register(0x0048, "energy_import"),
    Register(0x004A, "energy_export"),
    Register(0x004C, "reactive_energy_import"),
    Register(0x004E, "reactive_energy_export"),
)
DEMAND = (
    Register(0x0054, "power_demand"),
    Register(0x0056, "power_demand_maximum"),
    Register(0x0058, "power_import_demand"),
    Register(0x005A, "power_import_demand_maximum"),
    Register(0x005C, "power_export_demand"),
    Register(0x005E, "power_export_demand_maximum"),
    Register(0x0102, "current_demand_l1"),
    Register(0x0108, "current_demand_maximum_l1"),
)
TOTAL = (  # import and export together, or as holding register 0xF920 says
    Register(0x0156, "energy_total"),
    Register(0x0158, "reactive_energy_total"),
)

SDM120 = Model(
    name="sdm120",
    title="SDM120-Modbus",
    limit=80,  # an older protocol; the manual says nothing
    registers=(*MEASURED, *COUNTED, *DEMAND, *TOTAL),
    codes=(0x0020,),
    rated_current_a=45.0,
    phases=1,
    bauds={0: 2400, 1: 4800, 2: 9600, 5: 1200},
    baud=2400,  # some documents say 9600
    # "SDM120C User Manual", section 5.1: three seconds on the button, until the display shows -SET-.
    writing=Writing(password=None, restart=True, button=True),
)

SDM220 = replace(
    SDM120,
    name="sdm220",
    title="SDM220-Modbus",
    registers=(*MEASURED, ANGLE, *COUNTED, *TOTAL),
    codes=(),
    rated_current_a=80.0,
    baud=9600,  # as its drivers assume; the manual could not be seen
)

SDM230 = Model(
    name="sdm230",
    title="SDM230-Modbus",
    limit=80,
    registers=(*MEASURED, ANGLE, *COUNTED, *DEMAND, *TOTAL),
    codes=(0x002B,),  # Victron's dbus-modbus-client; in no manual
    phases=1,
    writing=Writing(password=None, restart=True),
)

SDM230_2T = replace(  # left out: its two tariffs, 0x130C and the following
    SDM230,
    name="sdm230-2t",
    title="SDM230-2T",
    limit=60,  # 30 values; it also says 40
    registers=(
        *SDM230.registers,
        Register(0x0180, "energy_resettable"),
        Register(0x0182, "reactive_energy_resettable"),
    ),
    codes=(),
    bauds={0: 2400, 1: 4800, 2: 9600, 5: 1200},
)
