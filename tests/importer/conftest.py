"""The servers of the tests of the import: a broker with its login, and the old system's own."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fix_broker import Broker
from importer.mariadb import MariaDb
from mmetering_demo.broker import SOURCE


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """Give a started broker that got the login `import` later, as docs/migration.md says."""
    broker = Broker(tmp_path / "broker")
    subprocess.run([sys.executable, SOURCE / "make_secrets.py", broker.directory, "--gateway", "import"], check=True)
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture
def mariadb() -> Iterator[Callable[[str], MariaDb]]:
    """Give what starts a MariaDB that holds the result of some SQL."""
    servers: list[MariaDb] = []

    def start(statements: str) -> MariaDb:
        try:
            server = MariaDb(statements)
        except FileNotFoundError as error:
            pytest.skip(f"no MariaDB: {error}")
        servers.append(server)
        server.start()
        return server

    yield start
    for server in servers:
        server.remove()
