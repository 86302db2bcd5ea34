"""What the demo keeps: one folder for everything, but for the database where PostgreSQL may not live in it."""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mmetering_demo.checkout import CHECKOUT
from mmetering_demo.ports import VARIABLES, Ports
from mmetering_demo.postgres import DATABASE, ROLE, Postgres, home_for

PERSON = "demo"


class RunningError(Exception):
    """The demo runs already."""


@dataclass(frozen=True)
class Folder:
    """The demo's folder, `.demo` in the checkout."""

    path: Path

    @classmethod
    def from_env(cls, environment: Mapping[str, str]) -> Self:
        """Read MMETERING_DEMO."""
        return cls(Path(environment.get("MMETERING_DEMO") or CHECKOUT / ".demo").absolute())

    @property
    def broker(self) -> Path:
        """Where the broker runs; also has all the passwords, as make_secrets.py makes them."""
        return self.path / "broker"

    @property
    def building(self) -> Path:
        """What the simulator keeps, and the link to its serial line."""
        return self.path / "building"

    @property
    def plant(self) -> Path:
        """What the gateway reads."""
        return self.path / "plant.toml"

    @property
    def spool(self) -> Path:
        """The gateway's spool."""
        return self.path / "spool.db"

    @property
    def mails(self) -> Path:
        """The mails that were caught."""
        return self.path / "mails"

    @property
    def person_password(self) -> Path:
        """The file with the password for the dashboard."""
        return self.path / "dashboard-password.txt"

    @property
    def database_password(self) -> Path:
        """The file with the password of the database's owner."""
        return self.broker / "database-password.txt"

    def database_password_of(self, login: str) -> Path:
        """Return the file with the password of a service's login at the database."""
        return self.broker / f"database-{login}.txt"

    def postgres(self, port: int) -> Postgres:
        """Return the database server."""
        return Postgres(home_for(self.path / "postgres"), port)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder if need be and hold it, so that no second demo uses it.

        Raises:
            RunningError: another one does.
        """
        if not self.path.exists():
            self._forget_database()  # it may outlive a folder that was deleted by hand
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunningError(f"The demo is running already, with {self.path}.") from None
            yield

    def make_person_password(self) -> None:
        """Write the password for the dashboard, unless there is one."""
        if not self.person_password.exists():
            self.person_password.touch(mode=0o600)
            self.person_password.write_text(f"{secrets.token_hex(6)}\n")

    def forget(self) -> None:
        """Delete everything."""
        self._forget_database()
        shutil.rmtree(self.path, ignore_errors=True)

    def environment(self, ports: Ports) -> dict[str, str]:
        """Return the environment of all the programs of the demo; none is logged in at the database."""
        folders = [CHECKOUT / ".venv/bin", CHECKOUT / ".tools/bin", os.environ.get("PATH", os.defpath), "/usr/sbin"]
        return {
            **os.environ,
            **{variable: str(getattr(ports, server)) for server, (variable, _) in VARIABLES.items()},
            "PATH": os.pathsep.join(map(str, folders)),
            "PYTHONUNBUFFERED": "1",
            "MMETERING_DEMO": str(self.path),
            "MMETERING_MQTT_HOST": "127.0.0.1",
            "MMETERING_DATABASE": f"host=127.0.0.1 port={ports.postgres} dbname={DATABASE}",
            "MMETERING_PLANT": str(self.plant),
            "MMETERING_SPOOL": str(self.spool),
            "MMETERING_WEB_SECRET_KEY_FILE": str(self.broker / "web-secret-key.txt"),
            "MMETERING_WEB_URL": f"http://127.0.0.1:{ports.web}",
            "MMETERING_SMTP_HOST": "127.0.0.1",
            "MMETERING_MAIL_FROM": "mmetering <meters@example.org>",
            "MMETERING_MAIL_TO": "caretaker@example.org",
            # Nobody wants to wait in a demo.
            "MMETERING_ALERT_SILENCE": "30",
            "MMETERING_ALERT_DELAY": "5",
        }

    def with_login(self, environment: Mapping[str, str], login: str) -> dict[str, str]:
        """Return the environment of a program that logs in at the database as a service does."""
        return {
            **environment,
            "MMETERING_DATABASE": f"{environment['MMETERING_DATABASE']} user={login}",
            "MMETERING_DATABASE_PASSWORD_FILE": str(self.database_password_of(login)),
        }

    def as_owner(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of who makes the tables and the logins."""
        logins = {
            f"MMETERING_DATABASE_{login.upper()}_PASSWORD_FILE": str(self.database_password_of(login))
            for login in ("ingest", "web", "reader")
        }
        owner = {"MMETERING_DATABASE_PASSWORD_FILE": str(self.database_password)}
        return {**self.with_login(environment, ROLE), **owner, **logins}

    def _forget_database(self) -> None:
        shutil.rmtree(self.postgres(0).home, ignore_errors=True)
