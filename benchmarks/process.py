"""A program as a process that can be killed and started again."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from benchmarks.measure import Usage

START_S = 120.0  # at most, for anything to start or to end


class Process:
    """A program that can be started more than once; what it logs goes into one file."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        environment: Mapping[str, str] | None = None,
        ready: Callable[[], bool] = lambda: True,
    ) -> None:
        """Prepare it.

        Args:
            name: what people call it.
            command: the program and its arguments, to be run in the folder of the log.
            log: what it writes is appended there.
            environment: variables besides our own.
            ready: whether it serves, asked until it does.
        """
        self.name = name
        self._command = command
        self._log = log
        self._environment = {**os.environ, **(environment or {})}
        self._ready = ready
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process that runs now."""
        assert self._process
        return self._process.pid

    @property
    def log(self) -> str:
        """What it has written since its first start."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and wait until it serves; one that ends instead, as after a crash it may, is started again.

        Raises:
            TimeoutError: with the end of its log.
        """
        self._launch()
        try:
            wait_for(self._serves, self.name)
        except TimeoutError as error:
            raise TimeoutError(f"{error}\n{self.log[-4000:]}") from None

    def _serves(self) -> bool:
        if not self.running:
            self._launch()
        return self._ready()

    def _launch(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._log.parent, env=self._environment, stdout=log, stderr=log
            )

    def kill(self) -> None:
        """End it with its children by SIGKILL, as a crash does."""
        assert self._process
        family = [self.pid, *self._children()]
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait()
        wait_for(lambda: not any(_lives(pid) for pid in family), f"the end of {self.name}")

    def stop(self) -> None:
        """End it by SIGINT, if it runs."""
        if self._process and self.running:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(START_S)

    def processor_s(self) -> float:
        """Return the processor time in seconds that it and its children have used."""
        total = 0.0
        for pid in (self.pid, *self._children()):
            with suppress(FileNotFoundError, ProcessLookupError):  # a child has ended: its parent has its time
                total += Usage.of(pid).processor_s
        return total

    def _children(self) -> list[int]:
        text = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
        return [int(pid) for pid in text.split()]


def wait_for(condition: Callable[[], object], what: str, timeout: float = START_S, interval: float = 0.1) -> None:
    """Wait until a condition is true.

    Args:
        condition: asked again and again.
        what: for people.
        timeout: seconds until the wait fails.
        interval: seconds between two askings.

    Raises:
        TimeoutError: the condition did not become true in time.
    """
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} does not come")
        time.sleep(interval)


def _lives(pid: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
