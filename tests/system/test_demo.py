"""`make demo`, without its set-up: the whole system from start to end."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from free_port import free_port
from mmetering_demo.ports import VARIABLES
from mmetering_demo.postgres import Postgres, home_for
from wait import wait_for

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

START_S = 240  # four services, a broker, a database and a building at once, perhaps on a small and busy machine
METERS = 11


class Demo:
    """A demo with ports and a folder of its own, and a past of one day."""

    def __init__(self, folder: Path) -> None:
        """Choose the ports; start() comes next."""
        self.folder = folder
        self.ports = {variable: free_port() for variable, _ in VARIABLES.values()}
        self._log = folder.with_suffix(".log")
        self._environment = {
            **os.environ,
            **{variable: str(port) for variable, port in self.ports.items()},
            "MMETERING_DEMO": str(folder),
            "MMETERING_PAST_DAYS": "1",
        }
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it welcomes the person."""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command(), env=self._environment, stdout=log, stderr=log)
        wait_for(self._has_welcomed, START_S, interval=0.5)

    def end(self, number: signal.Signals) -> int:
        """Send it a signal and return its exit status."""
        assert self._process
        self._process.send_signal(number)
        return self._process.wait(timeout=60)

    def forget(self) -> None:
        """Delete its data."""
        subprocess.run(self._command("forget"), env=self._environment, check=True)

    def processes(self) -> list[str]:
        """Return the command lines of all processes that belong to it, whoever their parent is."""
        mark = f"MMETERING_DEMO={self.folder}".encode()
        return [_read(path / "cmdline").decode() for path in _processes() if mark in _read(path / "environ")]

    def count(self, query: str) -> int:
        """Return a number from its database."""
        password = (self.folder / "broker/database-password.txt").read_text().strip()
        conninfo = Postgres(self.folder, self.ports["MMETERING_POSTGRES_PORT"]).conninfo()
        with psycopg.connect(conninfo, password=password) as connection:
            row = connection.execute(query.encode()).fetchone()
        assert row
        return int(row[0])

    def get(self, variable: str) -> str:
        """Return the page on a port."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[variable]}/") as answer:
            return str(answer.read().decode())

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "mmetering_demo", *arguments]

    def _has_welcomed(self) -> bool:
        assert self._process
        log = self._log.read_text()
        assert self._process.poll() is None, log
        return "Ctrl-C ends everything" in log


def _processes() -> Iterator[Path]:
    return (path for path in Path("/proc").iterdir() if path.name.isdigit())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """Give a demo that is not started yet; afterwards nothing of it is left."""
    demo = Demo(tmp_path / "demo")
    yield demo
    demo.end(signal.SIGTERM)
    wait_for(lambda: not demo.processes())
    demo.forget()


def test_the_demo_runs_ends_and_goes_on(demo: Demo) -> None:
    """It shows all meters with a past, leaves no process behind at Ctrl-C, and keeps its data for the next time."""
    demo.start()
    assert "password" in demo.get("MMETERING_WEB_PORT")
    assert "No mail yet" in demo.get("MMETERING_MAILBOX_PORT")
    wait_for(lambda: demo.count("SELECT count(DISTINCT meter_id) FROM reading WHERE span_ms > 0") == METERS, START_S)
    wait_for(lambda: demo.count("SELECT count(*) FROM quarter_hour") >= METERS * 95, START_S)
    assert demo.count("SELECT count(*) FROM point") == METERS
    before = demo.count("SELECT count(*) FROM reading")
    assert demo.processes()

    assert demo.end(signal.SIGINT) == 0
    assert demo.processes() == []

    demo.start()
    assert demo.count("SELECT count(*) FROM reading") >= before
    assert demo.count("SELECT count(*) FROM meter") == METERS


def test_forgetting_leaves_nothing(tmp_path: Path) -> None:
    """After `forget` neither the folder nor the database is there."""
    demo = Demo(tmp_path / "demo")
    demo.folder.mkdir()
    Postgres(home_for(demo.folder / "postgres"), free_port()).create("password")
    demo.forget()
    assert not demo.folder.exists()
    assert not home_for(demo.folder / "postgres").exists()
