"""modpoll, a poller from the package index: fetched into a folder of its own, and told to read what we read."""

import subprocess
import sys
from pathlib import Path

from benchmarks.live import SPAN, VALUES
from benchmarks.port import HOST

REQUIREMENT = "modpoll==1.6.0"


def install(directory: Path) -> Path | None:
    """Return the program, installed into a new virtual environment; None where it cannot be had."""
    folder = directory / "modpoll"
    steps = (
        [sys.executable, "-m", "venv", str(folder)],
        [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", REQUIREMENT],
    )
    done = all(subprocess.run(step, capture_output=True, check=False).returncode == 0 for step in steps)
    return folder / "bin/modpoll" if done else None


def command(program: Path, modbus: int, mqtt: int, meters: int) -> list[str]:
    """Return the command line that polls as fast as modpoll can: one request for each meter, without a pause.

    Args:
        program: modpoll.
        modbus: port of the meters.
        mqtt: port of the broker.
        meters: how many, at the addresses from 1 on.
    """
    configuration = program.with_name(f"{meters}-meters.csv")
    configuration.write_text("".join(_meter(unit) for unit in range(1, meters + 1)))
    where = {"--tcp": HOST, "--tcp-port": modbus, "--mqtt-host": HOST, "--mqtt-port": mqtt}
    how = {"--config": configuration, "--rate": 0, "--interval": 0, "--loglevel": "ERROR", "--mqtt-version": "5.0"}
    options = (str(part) for option in (where | how).items() for part in option)
    return [str(program), "--daemon", *options]


def _meter(unit: int) -> str:
    values = (f"ref,{name},{address},float32,r\n" for name, address in VALUES.items())
    return "".join((f"device,{unit},{unit}\npoll,input_register,0,{SPAN},BE_BE\n", *values))
