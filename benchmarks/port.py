"""Ports on loopback, for servers that may be killed and started again."""

import random
import socket

HOST = "127.0.0.1"
PORTS = range(20_000, 32_000)  # below those of outgoing connections, one of which could take that of a killed server


def free_port() -> int:
    """Return a port on which nobody listens."""
    while listens(port := random.choice(PORTS)):
        pass
    return port


def listens(port: int) -> bool:
    """Return whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0
