"""The gateway's command line under test, as the process that a person starts: with a bus of its own or a gateway's."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from wait import wait_for

SCRIPT = str(Path(sys.executable).with_name("mmetering-gateway"))


class CommandLine:
    """Somebody at a shell with these environment variables."""

    def __init__(self, environment: Mapping[str, str], directory: Path) -> None:
        """Sit down."""
        self.environment = {"PATH": os.environ["PATH"], "COLUMNS": "120", **environment}
        self.directory = directory

    def __call__(self, line: str, *, status: int = 0) -> str:
        """Run a command with this exit status, and return what it printed: its errors where it failed."""
        ended = subprocess.run(
            [SCRIPT, *line.split()],
            env=self.environment,
            cwd=self.directory,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
            check=False,
        )
        assert ended.returncode == status, (line, ended.returncode, ended.stdout, ended.stderr)
        assert "Traceback" not in ended.stderr
        if status == 0:
            assert not ended.stderr
        return ended.stdout if not ended.stderr else ended.stderr

    def talk(self, line: str) -> "Talk":
        """Start a command that asks, or that goes on until it is ended. Use it as a context."""
        return Talk([SCRIPT, *line.split()], self.environment, self.directory)


class Talk:
    """A running command, what it has said so far, and answers to it."""

    def __init__(self, command: list[str], environment: Mapping[str, str], directory: Path) -> None:
        """Prepare it."""
        self._command = command
        self._environment = environment
        self._directory = directory
        self._files = {name: directory / f"talk-{id(self)}-{name}" for name in ("out", "errors")}
        self._heard = 0

    @property
    def out(self) -> str:
        """All that was printed."""
        return self._files["out"].read_text()

    @property
    def errors(self) -> str:
        """All that was said on the other stream."""
        return self._files["errors"].read_text()

    def until(self, words: str) -> None:
        """Wait until it says this, behind what was waited for before."""
        wait_for(lambda: words in self.errors[self._heard :], timeout=60)
        self._heard = self.errors.index(words, self._heard) + len(words)

    def answer(self, line: str) -> None:
        """Type a line."""
        assert self._process.stdin
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def interrupt(self) -> int:
        """Type Ctrl-C, and return the exit status."""
        self._process.send_signal(signal.SIGINT)
        return self.end()

    def end(self) -> int:
        """Wait until it ends, and return the exit status."""
        return self._process.wait(timeout=60)

    def __enter__(self) -> Self:
        with self._files["out"].open("w") as out, self._files["errors"].open("w") as errors:
            self._process = subprocess.Popen(
                self._command,
                env=self._environment,
                cwd=self._directory,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=errors,
                text=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        assert self._process.stdin
        self._process.stdin.close()
        if error:
            sys.stderr.write(f"--- {' '.join(self._command)}\n{self.out}{self.errors}\n")
