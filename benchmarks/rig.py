"""What a measurement needs: a broker, simulated meters and gateways, each a process on loopback, in one folder.

`Rig` starts them as they are asked for; leaving its context ends them all and removes the folder.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from mmetering_demo.checkout import CHECKOUT, find_program

from benchmarks.listener import Listener
from benchmarks.port import free_port, listens

START_S = 60.0  # at most, for anything
BROKER = "listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 10000\n"


class Meters:
    """Simulated meters of some buses; the module `meters` is the process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        """Wait until the process listens."""
        self._process = process
        self.buses: list[int | str] = json.loads(self._line())  # the port or path of each

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def carried(self) -> list[tuple[int, int]]:
        """Return (requests, bytes) that went over each bus so far."""
        assert self._process.stdin
        self._process.stdin.write("?\n")
        self._process.stdin.flush()
        return [(requests, carried) for requests, carried in json.loads(self._line())]

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()


class Rig:
    """A broker that lets everybody in, a listener to it, and whatever is started beside them."""

    def __init__(self) -> None:
        """Prepare a folder; entering the context starts the broker."""
        self._stack = ExitStack()
        self.directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="mmetering-benchmark-")))
        self.port = free_port()
        self.listener = Listener(self.port)

    def __enter__(self) -> Self:
        configuration = self.directory / "mosquitto.conf"
        configuration.write_text(BROKER.format(port=self.port))
        self.start([find_program("mosquitto"), "-c", str(configuration)])
        wait_for(lambda: listens(self.port), "the broker")
        self._stack.enter_context(self.listener)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def start(self, command: Sequence[str], environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a process that ends with the context; what it logs goes into the folder."""
        log = self._stack.enter_context((self.directory / f"{Path(command[0]).name}-{id(command)}.log").open("wb"))
        process = subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            text=True,
        )
        self._stack.callback(_end, process)
        return process

    @staticmethod
    def end(process: subprocess.Popen[str]) -> None:
        """End a process and wait for it."""
        process.terminate()
        process.wait(START_S)

    def meters(self, kind: str, counts: Sequence[int], *options: str) -> Meters:
        """Start simulated meters, so many on each bus."""
        command = [sys.executable, "-m", "benchmarks.meters", kind, "--meters", *map(str, counts), *options]
        process = subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._stack.callback(_end, process)
        return Meters(process)

    def gateway(self, plant: str, name: str = "main") -> int:
        """Start a gateway, wait until it publishes, and return its process id."""
        directory = self.directory / name
        directory.mkdir()
        (directory / "plant.toml").write_text(plant)
        environment = {
            "MMETERING_MQTT_PORT": str(self.port),
            "MMETERING_MQTT_USERNAME": name,
            "MMETERING_MQTT_PASSWORD": "anybody",
            "MMETERING_PLANT": str(directory / "plant.toml"),
            "MMETERING_SPOOL": str(directory / "spool.db"),
            "MMETERING_CLOCK": "trusted",  # there may be no NTP
        }
        process = self.start([sys.executable, "-m", "mmetering_gateway"], environment)
        wait_for(lambda: self.listener.recorded[name], f"the gateway {name}", process)
        return process.pid


def plant(buses: Sequence[Mapping[str, str | int]], counts: Sequence[int], intervals: Mapping[str, int]) -> str:
    """Return a plant as TOML.

    Args:
        buses: the keys of each; `name` is set here.
        counts: meters on each bus, at the addresses from 1 on.
        intervals: seconds by scan group; none leaves the gateway's own.
    """
    tables = [_table("[intervals]", intervals)] if intervals else []
    for number, (bus, count) in enumerate(zip(buses, counts, strict=True)):
        tables.append(_table("[[bus]]", {"name": f"bus-{number}", **bus}))
        for unit in range(1, count + 1):
            slug = f"bus-{number}-meter-{unit}"
            tables.append(_table("[[meter]]", {"slug": slug, "bus": f"bus-{number}", "address": unit}))
    return "".join(tables)


def _table(header: str, values: Mapping[str, str | int]) -> str:
    """Return a table; JSON writes strings and integers as TOML does."""
    return "\n".join((header, *(f"{key} = {json.dumps(value)}" for key, value in values.items()), ""))


def wait_for(condition: Callable[[], object], what: str, process: subprocess.Popen[str] | None = None) -> None:
    """Wait until a condition is true.

    Raises:
        TimeoutError: it does not become so, or its process has ended.
    """
    deadline = time.monotonic() + START_S
    while not condition():
        if time.monotonic() > deadline or (process and process.poll() is not None):
            raise TimeoutError(f"{what} does not start")
        time.sleep(0.05)


def _end(process: subprocess.Popen[str]) -> None:
    Rig.end(process)
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
