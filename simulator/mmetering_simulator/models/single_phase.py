"""SDM120, SDM220, SDM230: one phase; none of their manuals knows a password.

Sources: SDM120M protocol V2.5; SDM230 protocol (Eastron Europe). No manual of the SDM220 could be seen: reaper7's
SDM.h has its registers, and gianfrdp's SDM120C sets it up as it does an SDM120.
"""

from dataclasses import replace

from mmetering_simulator.models.model import PULSE_ENERGY, PULSE_WIDTH, Model, Parameter, network

BAUDS = (2400, 1200, 4800, 9600)  # SDM120M V2.5, page 7
BAUDS_220 = (9600, 1200, 2400, 4800)
BAUDS_230 = (9600, 2400, 4800, 19200, 38400)
MEASURED = (0x0000, 0x0006, 0x000C, 0x0012, 0x0018, 0x001E)  # volts, amps, watts, VA, var, power factor
ANGLE = 0x0024
COUNTED = (*range(0x0046, 0x0050, 2), 0x0156, 0x0158)  # frequency; kWh, kvarh in and out; kWh and kvarh in all
DEMAND = (*range(0x0054, 0x0060, 2), 0x0102, 0x0108)  # W in all, in, out, amps, with their maxima

SDM120 = Model(
    name="sdm120",
    inputs=frozenset((*MEASURED, *COUNTED, *DEMAND)),
    holding={
        PULSE_WIDTH: Parameter(100, (60, 100, 200)),
        PULSE_ENERGY: Parameter(4, (1, 2, 4, 5, 6, 8)),
        **network(BAUDS, protected=False),
    },
    bauds=BAUDS,
    limit=80,  # Eastron Europe's protocol, page 2; V2.5 says nothing
    needs_restart=True,  # V2.5, page 7
    needs_button=True,  # users of reaper7's SDM_Energy_Meter, issue 36
    phases=1,
    has_serial=True,
    code=0x0020,
    version=0x0205,  # the manual tells no example
)
SDM220 = replace(
    SDM120,
    name="sdm220",
    inputs=frozenset((*MEASURED, ANGLE, *COUNTED)),
    holding=network(BAUDS_220, protected=False),
    bauds=BAUDS_220,
    has_serial=False,
    code=None,
    version=None,
)
SDM230 = Model(
    name="sdm230",
    inputs=frozenset((*MEASURED, ANGLE, *COUNTED, *DEMAND)),
    holding={0x000A: Parameter(200, (60, 100, 200)), **network(BAUDS_230, protected=False)},  # the pulse width
    bauds=BAUDS_230,
    limit=80,
    needs_restart=True,
    phases=1,
)
