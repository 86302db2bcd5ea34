"""A service of ours under test, as the process that it is in a deployment."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from fix_broker import Broker


class Service:
    """A console script with an environment of its own; it can be killed and started again. Use it as a context."""

    def __init__(self, command: str, environment: Mapping[str, str], directory: Path) -> None:
        """Prepare `command` with its arguments; its log goes into the directory."""
        script, *arguments = command.split()
        self._command = [str(Path(sys.executable).with_name(script)), *arguments]
        # The computer of a test may have no NTP.
        self._environment = {"PATH": os.environ["PATH"], "MMETERING_CLOCK": "trusted", **environment}
        self._log = directory / f"{script}-{id(self)}.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What it has written since its first start."""
        return self._log.read_text()

    def start(self) -> None:
        """Start it."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, env=self._environment, stdout=log, stderr=subprocess.STDOUT)

    def kill(self) -> None:
        """End it by SIGKILL."""
        assert self._process
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """End it by SIGTERM and return its exit status."""
        assert self._process
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(timeout=60)

    def wait(self) -> int:
        """Wait until it ends by itself and return its exit status."""
        assert self._process
        return self._process.wait(timeout=60)

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.running:
            self.kill()
        if error:
            sys.stderr.write(f"--- {' '.join(self._command)}\n{self.log[-8000:]}\n")


def mqtt_environment(broker: Broker, login: str) -> dict[str, str]:
    """Return the variables with which a service finds the broker."""
    return {
        "MMETERING_MQTT_HOST": broker.host,
        "MMETERING_MQTT_PORT": str(broker.port),
        "MMETERING_MQTT_USERNAME": login,
        "MMETERING_MQTT_PASSWORD_FILE": str(broker.password_file(login)),
    }
