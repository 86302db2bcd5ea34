"""A plant under test, as the gateway reads it."""

from pathlib import Path


def write_plant(directory: Path, port: int, *, meters: int, energy_s: int) -> Path:
    """Write a plant and return its file.

    Args:
        directory: where to.
        port: of the one bus, Modbus TCP on 127.0.0.1.
        meters: how many there are, at the addresses from 1 on; each is read every second.
        energy_s: seconds between two reads of their counters; what else they have is not read.
    """
    tables = "".join(f'[[meter]]\nslug = "m-{n:02}"\nbus = "bus"\naddress = {n}\n' for n in range(1, meters + 1))
    path = directory / "plant.toml"
    path.write_text(
        f"[intervals]\nlive = 1\nenergy = {energy_s}\nquality = 0\ndemand = 0\n"
        f'[[bus]]\nname = "bus"\ntype = "tcp"\nhost = "127.0.0.1"\nport = {port}\n{tables}'
    )
    return path
