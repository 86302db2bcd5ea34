"""The values that all pollers read here: the SDM630's live group, by PDU address of the input register."""

VALUES = {
    "voltage_l1": 0x00,
    "voltage_l2": 0x02,
    "voltage_l3": 0x04,
    "current_l1": 0x06,
    "current_l2": 0x08,
    "current_l3": 0x0A,
    "power_l1": 0x0C,
    "power_l2": 0x0E,
    "power_l3": 0x10,
    "power_total": 0x34,
    "frequency": 0x46,
}
SPAN = max(VALUES.values()) + 2  # registers from the first to the last
