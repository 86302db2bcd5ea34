"""PostgreSQL under test: one server per test process, a fresh database per test from a migrated template.

Its owner is who prepares and looks; what a service does is to be done with the login of that service, by `as_login`.
"""

import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import psycopg
import pytest
from free_port import free_port
from mmetering_demo.postgres import DATABASE, Postgres
from mmetering_ingest.schema.logins import ROLES, make_logins
from mmetering_ingest.schema.migrate import migrate
from psycopg import sql
from psycopg.conninfo import make_conninfo
from wait import wait_for

# The processes may be killed at any time; the machine stays up. So the kernel's cache is durable enough, and quicker.
SETTINGS = {"fsync": "off", "full_page_writes": "off", "log_min_messages": "fatal"}
TEMPLATE = "migrated"


class PostgresServer:
    """A server that can be killed and started again over the same data."""

    def __init__(self, settings: Mapping[str, str] = MappingProxyType({})) -> None:
        """Make the data directory where also an unprivileged user can go; start() comes next."""
        self.home = Path(tempfile.mkdtemp(prefix="mmetering-postgres-"))
        self.home.chmod(0o755)
        self._password = secrets.token_urlsafe()
        self._postgres = Postgres(self.home, free_port(), {**SETTINGS, **settings})
        self._postgres.create(self._password)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """The TCP port, the same after every start."""
        return self._postgres.port

    def conninfo(self, database: str = DATABASE) -> str:
        """Return the connection string with the password."""
        return f"{self._postgres.conninfo(database)} password={self._password}"

    def migrate(self, database: str = DATABASE) -> None:
        """Bring a database to this release, with the logins of all services."""
        migrate(self.conninfo(database))
        make_logins(self.conninfo(), dict.fromkeys(ROLES, self._password))

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._process = subprocess.Popen(self._postgres.command(), cwd="/")
        wait_for(self._answers, timeout=60)

    def kill(self) -> None:
        """Kill every process of the server at once, as a crash does."""
        assert self._process
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        subprocess.run(["kill", "-KILL", str(self._process.pid), *children], check=False, stderr=subprocess.DEVNULL)
        self._process.wait()
        wait_for(lambda: not any(_is_alive(child) for child in children))

    def stop(self) -> None:
        """Stop the server, without waiting for its clients."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=60)

    def remove(self) -> None:
        """Stop the server and delete its data."""
        self.stop()
        shutil.rmtree(self.home)

    def create_database(self, template: str = "template1") -> str:
        """Return the name of a new database, a copy of the template."""
        name = f"test_{secrets.token_hex(6)}"
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, template)
        return name

    def drop_database(self, name: str) -> None:
        """Drop a database, also one that is still in use."""
        self._execute("DROP DATABASE {} WITH (FORCE)", name)

    def _execute(self, statement: str, *names: str) -> None:
        query = sql.SQL(statement).format(*map(sql.Identifier, names))
        with psycopg.connect(self.conninfo(), autocommit=True) as connection:
            connection.execute(query)

    def _answers(self) -> bool:
        assert self._process
        assert self._process.poll() is None, "PostgreSQL ended instead of starting"
        try:
            psycopg.connect(self.conninfo()).close()
        except psycopg.OperationalError:
            return False
        return True


def as_login(database: str, name: str) -> str:
    """Return the connection string with which `ingest`, `web` or `reader` logs in; here all have one password."""
    return make_conninfo(database, user=name)


def _is_alive(pid: str) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The server that the tests of this process share; its database `migrated` is the template."""
    server = PostgresServer()
    try:
        server.start()
        name = server.create_database()
        server.migrate(name)
        server._execute("ALTER DATABASE {} RENAME TO {}", name, TEMPLATE)
        yield server
    finally:
        server.remove()


@pytest.fixture
def database(postgres_server: PostgresServer) -> Iterator[str]:
    """Give the connection string of a migrated database of this test's own."""
    name = postgres_server.create_database(TEMPLATE)
    yield postgres_server.conninfo(name)
    postgres_server.drop_database(name)


@pytest.fixture
def empty_database(postgres_server: PostgresServer) -> Iterator[str]:
    """Give the connection string of a database without any table, of this test's own."""
    name = postgres_server.create_database()
    yield postgres_server.conninfo(name)
    postgres_server.drop_database(name)


@pytest.fixture
def crashing_postgres() -> Iterator[PostgresServer]:
    """Give a started and migrated server of this test's own, to be killed; its database is `mmetering`."""
    server = PostgresServer()
    try:
        server.start()
        server.migrate()
        yield server
    finally:
        server.remove()
