"""SDM630: three phases, everything measured.

Sources: SDM630-Modbus V2, Modbus protocol V1.8; SDM630 protocol V2.0 (2018), which describes the older style
of meter with word order and energy prefix; SDM630MCT (November 2014), of that style, for current transformers. Its
V1.7, which is said to have resettable counters and 30 values in a request, could not be seen.
"""

from dataclasses import replace

from mmetering_simulator.models.model import (
    DEMAND_PERIOD,
    DEMAND_TIME,
    ENERGY_PREFIX,
    LOCK,
    PASSWORD,
    PULSE_DIVISOR,
    PULSE_ENERGY,
    PULSE_WIDTH,
    REGISTER_ORDER,
    SERIAL_HIGH,
    SERIAL_LOW,
    SYSTEM_CURRENT,
    SYSTEM_POWER,
    SYSTEM_TYPE,
    SYSTEM_VOLTS,
    Lock,
    Model,
    Parameter,
    network,
)

BAUDS = (9600, 2400, 4800, 19200, 38400)  # V1.8, page 2 and page 7
MINUTES = (0, 5, 8, 10, 15, 20, 30, 60)  # V1.8, page 5
WIDTHS = (60, 100, 200)  # ms
INPUTS = frozenset(  # V1.8, section 1.2.1; V2.0 lists the same
    (
        *range(0x0000, 0x002C, 2),  # volts, amps, watts, VA, var, power factor, angle by phase; average volts
        *(0x002E, 0x0030, 0x0034, 0x0038, 0x003C, 0x003E, 0x0042),  # amps: average, sum; W, VA, var, factor, angle
        *range(0x0046, 0x0058, 2),  # frequency, kWh, kvarh in and out, kVAh, Ah, power demand and its maximum
        *range(0x0064, 0x006C, 2),  # VA demand, neutral current demand, and their maxima
        *range(0x00C8, 0x00D0, 2),  # volts between lines, and their average
        0x00E0,  # neutral current
        *range(0x00EA, 0x00F6, 2),  # distortion of volts and of amps by phase
        *(0x00F8, 0x00FA, 0x00FE),  # its averages; the power factor with the other sign
        *range(0x0102, 0x010E, 2),  # current demand by phase, and maxima
        *range(0x014E, 0x017E, 2),  # distortion between lines; energy: total, and by phase in, out and both
    )
)

SDM630 = Model(
    name="sdm630",
    inputs=INPUTS,
    holding={
        DEMAND_PERIOD: Parameter(60, MINUTES),
        SYSTEM_TYPE: Parameter(3, (1, 2, 3), protected=True),
        PULSE_WIDTH: Parameter(100, WIDTHS),
        LOCK: Parameter(),
        PULSE_DIVISOR: Parameter(0, range(6)),
        PASSWORD: Parameter(),
        PULSE_ENERGY: Parameter(4, (1, 2, 4, 5, 6, 8)),
        **network(BAUDS, protected=True),
    },
    bauds=BAUDS,
    limit=80,  # V1.8, page 2; V1.7: 60; some units in the field: 50
    lock=Lock.PASSWORD,
    password=0,  # V1.8, page 8: 0000
    needs_restart=True,  # V1.8, page 6
    has_serial=True,
    code=0x0070,  # not in the manual
    version=0x0108,  # not in the manual
)
SDM630_V1 = replace(
    SDM630,
    name="sdm630-v1",
    holding={
        **SDM630.holding,
        DEMAND_TIME: Parameter(),
        SYSTEM_VOLTS: Parameter(230),
        SYSTEM_CURRENT: Parameter(100),
        PULSE_WIDTH: Parameter(200, WIDTHS, protected=True),
        PULSE_DIVISOR: Parameter(3, range(2, 7)),
        ENERGY_PREFIX: Parameter(0, (0, 1)),
        SYSTEM_POWER: Parameter(69000),
        REGISTER_ORDER: Parameter(),
        SERIAL_HIGH: Parameter(),
        SERIAL_LOW: Parameter(),
        PULSE_ENERGY: Parameter(37, (0, 37, 39)),
    },
    password=1000,  # V2.0, page 5, in the text; the table says 0000
    has_serial=False,
    code=None,
    version=None,
)
SDM630MCT = replace(
    SDM630_V1,
    name="sdm630mct",
    inputs=INPUTS | {0x0180, 0x0182, 0x0184, 0x0186},  # resettable kWh, kvarh; kWh in, out
    holding={**SDM630_V1.holding, SYSTEM_CURRENT: Parameter(100, range(1, 10000), protected=True)},
    limit=60,
)
