"""A building as a gateway's plant: the TOML that tells a gateway which buses and meters to read."""

import json
from pathlib import Path

from mmetering_simulator.building import Building, BusLine, Pty, Tcp

# Seconds between two reads; somebody is watching.
INTERVALS = "[intervals]\nlive = 5\nenergy = 60\n"


def plant(building: Building, state: Path, host: str) -> str:
    """Return the plant of a building.

    Args:
        building: with the ports that the gateway is to connect to.
        state: the simulator's state directory, where the links to pseudo-terminals lie.
        host: where the gateway finds the TCP buses.
    """
    buses = (_bus(name, line, state, host) for name, line in building.bus.items())
    meters = (
        _table("meter", slug=slug, bus=meter.bus, address=meter.unit, model=meter.model, label=meter.label)
        for slug, meter in building.meter.items()
    )
    return "\n".join((INTERVALS, *buses, *meters))


def _bus(name: str, line: BusLine, state: Path, host: str) -> str:
    if isinstance(line, Pty):
        return _table("bus", name=name, type="rtu", device=str((state / line.path).absolute()), baud=line.baud)
    kind = "tcp" if isinstance(line, Tcp) else "rtu-over-tcp"
    return _table("bus", name=name, type=kind, host=host, port=line.port)


def _table(header: str, **values: str | int) -> str:
    """Return an element of an array of tables; JSON writes strings and integers as TOML does."""
    lines = (f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())
    return "".join((f"[[{header}]]\n", *lines))
