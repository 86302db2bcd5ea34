"""Eastron SDM72D-M: three phases, small. Input registers (function 04), float32 each.

Sources: "SDM72D-M User Manual", V1.5, page 15, and "SDM72D-M Modbus Protocol", V1.1; "SDM72D-M-V2 User
Manual", V1.1, page 15. The two share a name and little else.
"""

from mmetering_gateway.models.registers import Model, Register, Writing

SDM72D_M = Model(
    name="sdm72d-m",
    title="SDM72D-M",
    limit=60,
    registers=(  # neither volts nor amps
        Register(0x0034, "power_total"),
        Register(0x0048, "energy_import"),
        Register(0x004A, "energy_export"),
        Register(0x0156, "energy_total"),  # import and export together
        Register(0x0180, "energy_resettable"),
        Register(0x0184, "energy_import_resettable"),
        Register(0x0186, "energy_export_resettable"),
        Register(0x0500, "power_import"),
        Register(0x0502, "power_export"),
    ),
    gaps=False,  # nothing tells what it answers between its few registers
    codes=(0x0084, 0x0200),  # "SDM72D-M-1 User Manual", V1.4; Tinkerforge's firmware
    bauds={0: 2400, 1: 4800, 2: 9600, 5: 1200},
    # Protocol V1.1: 0x0018 opens the protected registers. The manual calls it "change password": to the same, then.
    writing=Writing(default=1000),
)

SDM72D_M_V2 = Model(
    name="sdm72d-m-v2",
    title="SDM72D-M-V2",
    limit=60,
    registers=(  # no phase angle, distortion or demand, no energy by phase
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
        Register(0x001E, "power_factor_l1"),
        Register(0x0020, "power_factor_l2"),
        Register(0x0022, "power_factor_l3"),
        Register(0x002A, "voltage_average"),
        Register(0x002E, "current_average"),
        Register(0x0030, "current_sum"),
        Register(0x0034, "power_total"),
        Register(0x0038, "apparent_power_total"),
        Register(0x003C, "reactive_power_total"),
        Register(0x003E, "power_factor_total"),
        Register(0x0046, "frequency"),
        Register(0x0048, "energy_import"),
        Register(0x004A, "energy_export"),
        Register(0x00C8, "voltage_l1_l2"),
        Register(0x00CA, "voltage_l2_l3"),
        Register(0x00CC, "voltage_l3_l1"),
        Register(0x00CE, "voltage_line_average"),
        Register(0x00E0, "current_neutral"),
        Register(0x0156, "energy_total"),  # import and export together
        Register(0x0158, "reactive_energy_total"),
        Register(0x0180, "energy_resettable"),
        Register(0x0184, "energy_import_resettable"),
        Register(0x0186, "energy_export_resettable"),
        Register(0x018C, "energy_net"),
        Register(0x0500, "power_import"),
        Register(0x0502, "power_export"),
    ),
    codes=(0x0089,),
    bauds={0: 2400, 1: 4800, 2: 9600, 3: 19200, 5: 1200},  # page 3
    writing=Writing(password=0x000E, default=1000),  # "key parameter programming authorization", page 15
)
