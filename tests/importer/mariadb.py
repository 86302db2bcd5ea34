"""A MariaDB under test, as Debian packages it: installed, or unpacked into .tools by tools/setup.sh."""

import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from free_port import free_port
from mmetering_demo.checkout import CHECKOUT, find_program
from wait import wait_for

# Where the scripts lie that make the system's tables: of MariaDB 10 as in Debian 12, of 11 as in Debian 13.
SHARES = [
    root / f"usr/share/{name}" for root in (CHECKOUT / ".tools/mariadb", Path("/")) for name in ("mysql", "mariadb")
]
SCRIPTS = ("*_system_tables.sql", "*_system_tables_data.sql")
USER, PASSWORD, DATABASE = "reader", "s:e/c?r@t", "old"
INIT = f"""CREATE USER '{USER}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';
GRANT SELECT ON {DATABASE}.* TO '{USER}'@'127.0.0.1';
"""


class MariaDb:
    """A server on a port of 127.0.0.1 whose database holds what it is made with."""

    def __init__(self, statements: str) -> None:
        """Make its directory; start() comes next. Raises FileNotFoundError where there is no MariaDB."""
        self._program = find_program("mariadbd")
        self._share, self._scripts = _scripts()
        self.home = Path(tempfile.mkdtemp(prefix="mmetering-mariadb-"))
        self.port = free_port()
        self._statements = statements
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it is."""
        return f"mysql://{USER}@127.0.0.1:{self.port}/{DATABASE}"

    def start(self) -> None:
        """Fill it, and start it."""
        (self.home / "data").mkdir()
        self._bootstrap("mysql", "".join(script.read_text() for script in self._scripts))
        self._bootstrap(DATABASE, self._statements)
        (self.home / "init.sql").write_text(INIT)
        with (self.home / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *self._command(),
                    f"--port={self.port}",
                    "--bind-address=127.0.0.1",
                    f"--init-file={self.home}/init.sql",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_for(self._is_ready, timeout=60)

    def remove(self) -> None:
        """Stop it and delete its data."""
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(timeout=60)
        shutil.rmtree(self.home)

    def _command(self) -> list[str]:
        options = {
            "user": "root",
            "datadir": self.home / "data",
            "lc-messages-dir": self._share,
            "socket": self.home / "socket",
            "pid-file": self.home / "pid",
            "character-set-server": "utf8mb4",
        }
        return [self._program, "--no-defaults", *(f"--{name}={value}" for name, value in options.items())]

    def _bootstrap(self, database: str, statements: str) -> None:
        command = [*self._command(), "--bootstrap"]
        stdin = f"CREATE DATABASE {database};\nUSE {database};\n{statements}"
        ended = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=120, check=False)
        assert ended.returncode == 0, ended.stderr[-2000:]

    def _is_ready(self) -> bool:
        assert self._process
        log = (self.home / "log").read_text()
        assert self._process.poll() is None, log
        return "ready for connections" in log


def _scripts() -> tuple[Path, list[Path]]:
    """Return the folder of MariaDB's own files, and the scripts in it that make the system's tables."""
    for share in SHARES:
        if scripts := [path for pattern in SCRIPTS for path in share.glob(pattern)]:
            return share, scripts
    raise FileNotFoundError(f"none of {', '.join(map(str, SHARES))} has MariaDB's system tables")
