"""The ports of the demo on 127.0.0.1. Each can be set by an environment variable; a taken one is named by it."""

import socket
from dataclasses import dataclass, fields
from typing import Self

from mmetering_runtime.config import Environment

VARIABLES = {
    "web": ("MMETERING_WEB_PORT", 8080),
    "mqtt": ("MMETERING_MQTT_PORT", 1883),
    "postgres": ("MMETERING_POSTGRES_PORT", 54320),
    "modbus": ("MMETERING_MODBUS_PORT", 5020),
    "smtp": ("MMETERING_SMTP_PORT", 1025),
    "mailbox": ("MMETERING_MAILBOX_PORT", 8025),
}


class PortTakenError(Exception):
    """Say which ports somebody else listens on, and how to choose others."""


@dataclass(frozen=True)
class Ports:
    """One port for each server of the demo."""

    web: int
    mqtt: int
    postgres: int
    modbus: int
    smtp: int
    mailbox: int

    @classmethod
    def from_env(cls, environment: Environment) -> Self:
        """Read MMETERING_{WEB,MQTT,POSTGRES,MODBUS,SMTP,MAILBOX}_PORT.

        Raises:
            ConfigError: one is no port, with the variable's name.
        """
        return cls(
            **{
                server: environment.integer(variable, default, low=1, high=65535)
                for server, (variable, default) in VARIABLES.items()
            }
        )

    def check_free(self) -> None:
        """See that nobody listens on them.

        Raises:
            PortTakenError: with all that are taken.
        """
        taken = [
            f"{getattr(self, server.name)} ({VARIABLES[server.name][0]})"
            for server in fields(self)
            if not _is_free(getattr(self, server.name))
        ]
        if taken:
            raise PortTakenError(
                f"On 127.0.0.1 somebody else uses port {' and port '.join(taken)};"
                " set the variable in brackets to a free port."
            )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: old connections do not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
