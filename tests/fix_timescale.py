"""A real TimescaleDB under test.

The one that MMETERING_TEST_TIMESCALE_DSN names; else one in a container, where a Docker engine answers; else the
WebAssembly build under Node, which is one session behind a socket: no COPY, no prepared statements, no concurrency.
"""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import docker
import psycopg
import pytest
from docker.errors import DockerException, ImageNotFound
from mmetering_ingest.schema.migrate import migrate
from node import node
from psycopg import sql
from psycopg.conninfo import make_conninfo

IMAGE = os.environ.get("TIMESCALEDB_IMAGE", "timescale/timescaledb:2.29.0-pg17")
HERE = Path(__file__).parent


@dataclass(frozen=True)
class Timescale:
    """A database with the extension, of one test's own."""

    conninfo: str
    source: str  # "dsn", "container" or "webassembly"

    def connect(self) -> psycopg.Connection:
        """Return a connection that works with every source; it commits by itself."""
        return psycopg.connect(self.conninfo, autocommit=True, prepare_threshold=None)

    @property
    def edition(self) -> str:
        """`timescale` for the full edition, `apache` for the one without columnstore, aggregates and policies."""
        if self.source == "webassembly":
            return "apache"  # it says otherwise, and has nothing of that
        with self.connect() as connection:
            row = connection.execute("SELECT current_setting('timescaledb.license')").fetchone()
        assert row
        return str(row[0])


FreshDatabase = Callable[[], Timescale]


@pytest.fixture(scope="session")
def timescale_server() -> Iterator[FreshDatabase]:
    """Give what makes a fresh database, which lasts until the next one is made."""
    with ExitStack() as stack:
        dsn = os.environ.get("MMETERING_TEST_TIMESCALE_DSN")
        if dsn:
            yield stack.enter_context(_on_server(dsn, "dsn"))
        elif _engine_answers() and _image_is_here():
            yield stack.enter_context(_on_server(stack.enter_context(_container()), "container"))
        else:
            yield stack.enter_context(_web_assembly())


@pytest.fixture
def empty_timescale(timescale_server: FreshDatabase) -> Timescale:
    """Give a TimescaleDB without any table of ours."""
    return timescale_server()


@pytest.fixture
def timescale(empty_timescale: Timescale) -> Timescale:
    """Give a migrated TimescaleDB."""
    migrate(empty_timescale.conninfo)
    return empty_timescale


@pytest.fixture
def full_timescale(timescale: Timescale) -> Timescale:
    """Give a migrated TimescaleDB of the full edition; a machine without one leaves the test out."""
    if timescale.edition != "timescale":
        pytest.skip("wants TimescaleDB's full edition, such as MMETERING_TEST_TIMESCALE_DSN may name")
    return timescale


@contextmanager
def _on_server(dsn: str, source: str) -> Iterator[FreshDatabase]:
    made: list[str] = []

    def fresh() -> Timescale:
        made.append(f"test_{secrets.token_hex(6)}")
        # Not template1: TimescaleDB's own workers may be in it, and then it cannot be copied.
        _execute(dsn, "CREATE DATABASE {} TEMPLATE template0", made[-1])
        database = Timescale(make_conninfo(dsn, dbname=made[-1]), source)
        with database.connect() as connection:
            connection.execute("CREATE EXTENSION timescaledb")
        return database

    yield fresh
    for name in made:
        _execute(dsn, "DROP DATABASE {} WITH (FORCE)", name)


def _execute(dsn: str, statement: str, name: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


def _engine_answers() -> bool:
    host = urlsplit(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    if host.scheme != "unix":
        return True
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(host.path) == 0


def _image_is_here() -> bool:
    """Return whether the Docker engine has, or can pull, the image; say why not."""
    with closing(docker.from_env(timeout=300)) as client:
        try:
            client.images.get(IMAGE)
        except ImageNotFound:
            try:
                client.images.pull(IMAGE)
            except DockerException as error:
                sys.stderr.write(f"Docker is here but not {IMAGE} ({error}); taking TimescaleDB's WebAssembly build\n")
                return False
    return True


@contextmanager
def _container() -> Iterator[str]:
    # Its reaper is an image too; the container is removed here.
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415 reads the environment on import

    password = secrets.token_urlsafe()
    with PostgresContainer(IMAGE, username="test", password=password, dbname="test", driver=None) as container:
        yield container.get_connection_url()


@contextmanager
def _web_assembly() -> Iterator[FreshDatabase]:
    with subprocess.Popen(
        [node(), HERE / "timescale.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin
        assert stdout

        def fresh() -> Timescale:
            stdin.write("fresh\n")
            stdin.flush()
            port = int(stdout.readline())
            # It knows no TLS, takes any password, and has this one database.
            return Timescale(f"host=127.0.0.1 port={port} user=postgres password=any sslmode=disable", "webassembly")

        yield fresh
        stdin.close()
