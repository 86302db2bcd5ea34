"""Mosquitto under test, with the configuration of the folder mosquitto/."""

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from free_port import free_port
from mmetering_demo.broker import broker_command, password, prepare_broker
from wait import wait_for

GATEWAYS = ("main", "attic")


class Broker:
    """A broker on a port of 127.0.0.1, with all logins and two gateways; it can be killed and started again."""

    host = "127.0.0.1"

    def __init__(self, directory: Path) -> None:
        """Make its directory; start() comes next."""
        self.directory = directory
        self.port = free_port()
        prepare_broker(directory, self.port, GATEWAYS)
        self._process: subprocess.Popen[bytes] | None = None

    def password(self, login: str) -> str:
        """Return the password of a service, of `reader`, `homeassistant` or of a gateway (`main`, `attic`)."""
        return password(self.directory, login)

    def password_file(self, login: str) -> Path:
        """Return the file with that password."""
        return self.directory / f"mqtt-{login}.txt"

    @property
    def log(self) -> str:
        """What the broker has logged since its first start."""
        return (self.directory / "log").read_text()

    def start(self) -> None:
        """Start and wait until it accepts connections."""
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(broker_command(), cwd=self.directory, stdout=log, stderr=subprocess.STDOUT)
        wait_for(self._listens)

    def kill(self) -> None:
        """End it by SIGKILL, as a crash does; nothing is saved."""
        assert self._process
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it by SIGTERM; retained messages are saved."""
        if self._process and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=60)

    def _listens(self) -> bool:
        assert self._process
        assert self._process.poll() is None, f"Mosquitto ended instead of starting:\n{self.log}"
        with socket.socket() as probe:
            return probe.connect_ex((self.host, self.port)) == 0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Give a started broker of this test's own."""
    broker = Broker(tmp_path / "broker")
    broker.start()
    yield broker
    broker.stop()
