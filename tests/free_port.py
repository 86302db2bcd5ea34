"""TCP ports for servers under test. Several test processes run at once, so a port is also claimed by a file lock."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path
from typing import IO

# Below the range from which Linux takes the ports of outgoing connections (32768 and up).
_LOW, _HIGH = 20_000, 32_000
_claims: list[IO[str]] = []  # open for as long as this process lives; the kernel then drops the locks


def free_port() -> int:
    """Return a port of 127.0.0.1 which is free and which no other test process is given."""
    folder = Path(tempfile.gettempdir()) / f"mmetering-ports-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    while True:
        port = random.randrange(_LOW, _HIGH)
        claim = (folder / str(port)).open("w")
        if _lock(claim) and _can_bind(port):
            _claims.append(claim)
            return port
        claim.close()


def _lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
