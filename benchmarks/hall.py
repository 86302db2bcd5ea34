"""The way from topic to table: Mosquitto as we configure it, a PostgreSQL that keeps what it commits, copies of ingest.

Each is a process on loopback that can be killed and started again. Leaving the context ends them all and removes the
folder.
"""

import secrets
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from mmetering_demo.broker import broker_command, password, prepare_broker
from mmetering_demo.postgres import Postgres
from mmetering_ingest.schema.logins import make_logins
from mmetering_ingest.schema.migrate import migrate
from psycopg.conninfo import make_conninfo

from benchmarks.port import free_port, listens
from benchmarks.process import Process


class Hall:
    """Broker and migrated database, started on entering; services are prepared as they are asked for."""

    def __init__(self, gateways: Sequence[str], settings: Mapping[str, str] | None = None) -> None:
        """Prepare the servers.

        Args:
            gateways: their logins at the broker.
            settings: of PostgreSQL, beyond its own, with which a commit has reached the disk.
        """
        self._stack = ExitStack()
        self._processes: list[Process] = []
        self.directory = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="mmetering-hall-")))
        self.directory.chmod(0o755)  # PostgreSQL does not run as root, and its user must be able to go there
        self.mqtt_port = free_port()
        self._secrets = self.directory / "broker"
        self._secrets.mkdir(mode=0o700)
        prepare_broker(self._secrets, self.mqtt_port, gateways)
        log = self._secrets / "log"
        self.broker = self._add(Process("broker", broker_command(), log, ready=lambda: listens(self.mqtt_port)))
        postgres = Postgres(self.directory / "postgres", free_port(), {"log_min_messages": "fatal", **(settings or {})})
        self._password = secrets.token_urlsafe()
        postgres.create(self._password)
        self.conninfo = f"{postgres.conninfo()} password={self._password}"  # the owner's
        log = self.directory / "postgres.log"
        self.database = self._add(Process("database", postgres.command(), log, ready=self._answers))

    def __enter__(self) -> Self:
        self.broker.start()
        self.database.start()
        migrate(self.conninfo)
        make_logins(self.conninfo, {"ingest": self._password})
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error:
            for process in self._processes:
                print(f"--- {process.name}\n{process.log[-2000:]}")
        self._stack.close()

    def password(self, login: str) -> str:
        """Return the password of a login at the broker."""
        return password(self._secrets, login)

    def service(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> Process:
        """Prepare a program in Python; the caller starts it.

        Args:
            name: what people call it.
            command: its module and arguments.
            environment: the variables that it needs besides the broker's port.
        """
        folder = self.directory / name
        folder.mkdir(exist_ok=True)
        variables = {"MMETERING_MQTT_PORT": str(self.mqtt_port), **environment}
        return self._add(Process(name, [sys.executable, "-m", *command], folder / "log", variables))

    def ingest(self, copy: str) -> Process:
        """Prepare a copy of ingest; the caller starts it."""
        settings = {
            "MMETERING_COPY": copy,
            "MMETERING_MQTT_PASSWORD": self.password("ingest"),
            "MMETERING_DATABASE": make_conninfo(self.conninfo, user="ingest"),
        }
        return self.service(f"ingest {copy}", ["mmetering_ingest", "run"], settings)

    def ask(self, query: str) -> list[tuple[object, ...]]:
        """Return what the database answers; nothing while it is away."""
        try:
            with psycopg.connect(self.conninfo) as connection:
                return connection.execute(query).fetchall()
        except psycopg.OperationalError:
            return []

    def _add(self, process: Process) -> Process:
        self._processes.append(process)
        self._stack.callback(process.stop)
        return process

    def _answers(self) -> bool:
        return bool(self.ask("SELECT 1"))
