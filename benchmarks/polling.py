"""Real gateways in a hall, each on a Modbus TCP bus of simulated meters."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from mmetering_demo.checkout import CHECKOUT

from benchmarks.account import spooled
from benchmarks.hall import Hall
from benchmarks.port import HOST
from benchmarks.process import Process, wait_for
from benchmarks.rig import Meters, plant

LOOK_S = 1.0  # apart: a reading that was under way when the meters ended is in its spool by then


@contextmanager
def polling(hall: Hall, names: Sequence[str], meters: int, intervals: Mapping[str, int]) -> Iterator[dict[str, Path]]:
    """Poll; once each has stored something, give the spools by gateway.

    On leaving, the meters end, the last reading's receipt is awaited, and the gateways end.

    Args:
        hall: where they run; it knows their logins.
        names: of the gateways.
        meters: of each.
        intervals: seconds by scan group.

    Raises:
        TimeoutError: on leaving, where a reading gets no receipt.
    """
    services, spools = [], {}
    with _simulated(len(names), meters) as simulated:
        for name, port in zip(names, simulated.buses, strict=True):
            service, spools[name] = _prepare(hall, name, port, meters, intervals)
            service.start()
            services.append(service)
        wait_for(lambda: len(hall.ask("SELECT FROM gateway_record")) == len(names), "the first readings")
        yield spools
    looks = [[(0, 0)]]
    wait_for(lambda: _at_rest(spools, looks), "the last receipt", interval=LOOK_S)
    for service in services:
        service.stop()


def _at_rest(spools: Mapping[str, Path], looks: list[list[tuple[int, int]]]) -> bool:
    """Return whether no reading waits, and none was added since the look before."""
    looks.append([spooled(spool) for spool in spools.values()])
    return looks[-1] == looks[-2] and not any(waiting for _, waiting in looks[-1])


@contextmanager
def _simulated(buses: int, meters: int) -> Iterator[Meters]:
    command = [sys.executable, "-m", "benchmarks.meters", "tcp", "--meters", *[str(meters)] * buses]
    with subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Meters(process)
        process.terminate()


def _prepare(hall: Hall, name: str, port: int | str, meters: int, intervals: Mapping[str, int]) -> tuple[Process, Path]:
    folder = hall.directory / name
    folder.mkdir()
    text = plant([{"type": "tcp", "host": HOST, "port": port}], [meters], intervals)
    (folder / "plant.toml").write_text(text.replace("bus-0", name))  # a slug is one meter of the whole site
    settings = {
        "MMETERING_MQTT_USERNAME": name,
        "MMETERING_MQTT_PASSWORD": hall.password(name),
        "MMETERING_PLANT": str(folder / "plant.toml"),
        "MMETERING_SPOOL": str(folder / "spool.db"),
        "MMETERING_CLOCK": "trusted",  # there may be no NTP
    }
    return hall.service(name, ["mmetering_gateway"], settings), folder / "spool.db"
