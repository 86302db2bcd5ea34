"""Eastron SDM630: three phases, everything measured. Input registers (function 04), float32 each.

Sources: "SDM630-Modbus V2 Modbus Protocol Implementation", V1.8, sections 1.2.1 and 1.3.1; "SDM630 Modbus Protocol",
V2.0 (2018): the older style of meter, with word order and energy prefix; "SDM630MCT Smart Meter Modbus
Protocol Implementation", V1.7. Where they disagree, it is said beside the line.
"""

from dataclasses import replace

from mmetering_gateway.models.registers import Model, Register, Writing

SDM630 = Model(
    name="sdm630",
    title="SDM630-Modbus V2",
    # V1.8. V1.7 says 60, and units in the field have been seen to refuse more than 50: it is found out.
    limit=80,
    registers=(
        Register(0x0000, "voltage_l1"),
        Register(0x0002, "voltage_l2"),
        Register(0x0004, "voltage_l3"),
        Register(0x0006, "current_l1"),
        Register(0x0008, "current_l2"),
        Register(0x000A, "current_l3"),
        Register(0x000C, "power_l1"),
        Register(0x000E, "power_l2"),
        Register(0x0010, "power_l3"),
        Register(0x0012, "apparent_power_l1"),
        Register(0x0014, "apparent_power_l2"),
        Register(0x0016, "apparent_power_l3"),
        Register(0x0018, "reactive_power_l1"),
        Register(0x001A, "reactive_power_l2"),
        Register(0x001C, "reactive_power_l3"),
        # Its sign tells import from export (V1.8, note 1), or a capacitive load from an inductive one (V2.0).
        Register(0x001E, "power_factor_l1"),
        Register(0x0020, "power_factor_l2"),
        Register(0x0022, "power_factor_l3"),
        Register(0x0024, "phase_angle_l1"),
        Register(0x0026, "phase_angle_l2"),
        Register(0x0028, "phase_angle_l3"),
        Register(0x002A, "voltage_average"),
        Register(0x002E, "current_average"),
        Register(0x0030, "current_sum"),
        Register(0x0034, "power_total"),
        Register(0x0038, "apparent_power_total"),
        Register(0x003C, "reactive_power_total"),
        Register(0x003E, "power_factor_total"),
        Register(0x0042, "phase_angle_total"),
        Register(0x0046, "frequency"),
        Register(0x0048, "energy_import"),
        Register(0x004A, "energy_export"),
        Register(0x004C, "reactive_energy_import"),
        Register(0x004E, "reactive_energy_export"),
        Register(0x0050, "apparent_energy"),
        Register(0x0052, "charge"),
        Register(0x0054, "power_demand"),  # import less export (V1.8, note 2), or import alone (V2.0)
        Register(0x0056, "power_demand_maximum"),
        Register(0x0064, "apparent_power_demand"),
        Register(0x0066, "apparent_power_demand_maximum"),
        Register(0x0068, "current_neutral_demand"),
        Register(0x006A, "current_neutral_demand_maximum"),
        Register(0x00C8, "voltage_l1_l2"),
        Register(0x00CA, "voltage_l2_l3"),
        Register(0x00CC, "voltage_l3_l1"),
        Register(0x00CE, "voltage_line_average"),
        Register(0x00E0, "current_neutral"),
        Register(0x00EA, "voltage_thd_l1"),
        Register(0x00EC, "voltage_thd_l2"),
        Register(0x00EE, "voltage_thd_l3"),
        Register(0x00F0, "current_thd_l1"),
        Register(0x00F2, "current_thd_l2"),
        Register(0x00F4, "current_thd_l3"),
        Register(0x00F8, "voltage_thd_average"),
        Register(0x00FA, "current_thd_average"),
        Register(0x00FE, "power_factor_inverse"),  # V2.0; V1.8 prints "Degrees" beside it
        Register(0x0102, "current_demand_l1"),
        Register(0x0104, "current_demand_l2"),
        Register(0x0106, "current_demand_l3"),
        Register(0x0108, "current_demand_maximum_l1"),
        Register(0x010A, "current_demand_maximum_l2"),
        Register(0x010C, "current_demand_maximum_l3"),
        Register(0x014E, "voltage_thd_l1_l2"),
        Register(0x0150, "voltage_thd_l2_l3"),
        Register(0x0152, "voltage_thd_l3_l1"),
        Register(0x0154, "voltage_thd_line_average"),
        # All totals: import and export together (V1.8, note 3); import less export in the user manual of 2021, V1.6B.
        Register(0x0156, "energy_total"),
        Register(0x0158, "reactive_energy_total"),
        Register(0x015A, "energy_import_l1"),
        Register(0x015C, "energy_import_l2"),
        Register(0x015E, "energy_import_l3"),
        Register(0x0160, "energy_export_l1"),
        Register(0x0162, "energy_export_l2"),
        Register(0x0164, "energy_export_l3"),
        Register(0x0166, "energy_total_l1"),
        Register(0x0168, "energy_total_l2"),
        Register(0x016A, "energy_total_l3"),
        Register(0x016C, "reactive_energy_import_l1"),
        Register(0x016E, "reactive_energy_import_l2"),
        Register(0x0170, "reactive_energy_import_l3"),
        Register(0x0172, "reactive_energy_export_l1"),
        Register(0x0174, "reactive_energy_export_l2"),
        Register(0x0176, "reactive_energy_export_l3"),
        Register(0x0178, "reactive_energy_total_l1"),
        Register(0x017A, "reactive_energy_total_l2"),
        Register(0x017C, "reactive_energy_total_l3"),
    ),
    old_serial=0x002A,  # V2.0; V1.8 has 0xFC00
    codes=(0x0070,),  # in no manual; many drivers read it (Victron's dbus-modbus-client, Tinkerforge's firmware)
    # V1.8: 0000; V2.0 prints 0000 in its table and 1000 in its text.
    writing=Writing(default=0, restart=True),
)

# The same registers, but whoever set it up could choose how its numbers are written.
SDM630_V1 = replace(
    SDM630,
    name="sdm630-v1",
    title="SDM630-Modbus (2018)",
    codes=(),
    prefix=0x001E,
    word_order=0x0028,
    writing=Writing(default=1000, restart=True),
)

# For current transformers. It applies their ratio itself: every driver takes its values as those of the primary side.
# Left out: reactive power demand (0x006C, 0x006E) and resettable reactive energy by direction (0x0188, 0x018A).
SDM630MCT = replace(
    SDM630_V1,
    name="sdm630mct",
    title="SDM630MCT",
    limit=60,  # V1.7, section 1.1: 30 values; section 1.2 and the document of 2014: 40
    registers=(
        *SDM630.registers,
        Register(0x0180, "energy_resettable"),  # V1.7; not in the document of 2014
        Register(0x0182, "reactive_energy_resettable"),
        Register(0x0184, "energy_import_resettable"),
        Register(0x0186, "energy_export_resettable"),
    ),
    codes=(0x0079,),  # V1.7
    rated_current_a=9999.0,  # the most that can be set (V2.0), until the meter or the plant tells its own
    transformer=0x0008,
)
