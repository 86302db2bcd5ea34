"""SDM72D-M: three phases, small.

Sources: SDM72D-M user manual V1.5, pages 14 to 16; SDM72D-M-V2 user manual V1.1, pages 13 to 16.
"""

from mmetering_simulator.models.model import (
    LOCK,
    PASSWORD,
    PULSE_DIVISOR,
    PULSE_ENERGY,
    PULSE_WIDTH,
    SYSTEM_TYPE,
    Lock,
    Model,
    Parameter,
    network,
)

PASSWORDS = range(10000)
BAUDS = (9600, 1200, 2400, 4800)
BAUDS_V2 = (9600, 1200, 2400, 4800, 19200)
INPUTS = frozenset(  # no volts, no amps
    (
        *(0x0034, 0x0048, 0x004A, 0x0156),  # W, kWh in, out, both
        *(0x0180, 0x0184, 0x0186),  # resettable kWh: both, in, out
        *(0x0500, 0x0502),  # W in, out
    )
)
INPUTS_V2 = frozenset(
    (
        *range(0x0000, 0x0024, 2),  # volts, amps, watts, VA, var, power factor by phase
        *(0x002A, 0x002E, 0x0030, 0x0034, 0x0038, 0x003C, 0x003E),  # averages, sum of amps; W, VA, var, factor
        *(0x0046, 0x0048, 0x004A),  # Hz, kWh in, out
        *(0x00C8, 0x00CA, 0x00CC, 0x00CE, 0x00E0),  # volts between lines, and average; neutral current
        *(0x0156, 0x0158),  # kWh, kvarh
        *(0x0180, 0x0184, 0x0186, 0x018C),  # resettable kWh: both, in, out; net
        *(0x0500, 0x0502),  # W in, out
    )
)

SDM72D_M = Model(
    name="sdm72d-m",
    inputs=INPUTS,
    holding={PASSWORD: Parameter(), **network(BAUDS, protected=True)},
    bauds=BAUDS,
    limit=60,
    lock=Lock.PASSWORD,  # the Modbus protocol V1.1 of this model; the manual calls 0018 "change password"
)
SDM72D_M_V2 = Model(
    name="sdm72d-m-v2",
    inputs=INPUTS_V2,
    holding={
        SYSTEM_TYPE: Parameter(3, (1, 3), protected=True),
        PULSE_WIDTH: Parameter(100, (60, 100, 200)),
        LOCK: Parameter(),
        PULSE_DIVISOR: Parameter(0, range(4)),
        PASSWORD: Parameter(0, PASSWORDS, protected=True),
        PULSE_ENERGY: Parameter(4, (1, 2, 4)),
        **network(BAUDS_V2, protected=True),
    },
    bauds=BAUDS_V2,
    limit=60,
    lock=Lock.KPPA,
    has_serial=True,
    code=0x0089,
)
