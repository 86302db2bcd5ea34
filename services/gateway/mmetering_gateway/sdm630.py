"""Eastron SDM630-Modbus V2: input registers (function 04).

Source: "SDM630-Modbus V2 Modbus Protocol Implementation", V1.8, section 1.2.1. The manual allows 80 registers
in one request and its predecessor V1.7 only 60; units in the field have been seen to refuse more than 50.
"""

from mmetering_gateway.registers import Model, Register

SDM630 = Model(
    name="sdm630",
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
        Register(0x0034, "power_total"),
        Register(0x0046, "frequency"),
        Register(0x0048, "energy_import"),
        Register(0x004A, "energy_export"),
        Register(0x004C, "reactive_energy_import"),
        Register(0x004E, "reactive_energy_export"),
        Register(0x0050, "apparent_energy"),
        Register(0x015A, "energy_import_l1"),
        Register(0x015C, "energy_import_l2"),
        Register(0x015E, "energy_import_l3"),
        Register(0x0160, "energy_export_l1"),
        Register(0x0162, "energy_export_l2"),
        Register(0x0164, "energy_export_l3"),
    ),
    serial=0xFC00,  # holding register, uint32
)

MODELS = {model.name: model for model in (SDM630,)}
