"""Mosquitto with the configuration of the folder mosquitto/, in a directory of its own and on a given port.

The same files serve the deployment, the demo and the tests; only the listener is written here.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from mmetering_demo.checkout import CHECKOUT, find_program

SOURCE = CHECKOUT / "mosquitto"


def prepare_broker(directory: Path, port: int, gateways: Sequence[str] = ("main",)) -> None:
    """Make what the broker needs in its directory; passwords and retained messages that are there stay.

    Args:
        directory: the broker must be started in it; also holds the secrets of all services.
        port: where to listen on 127.0.0.1.
        gateways: their logins.
    """
    logins = [argument for gateway in gateways for argument in ("--gateway", gateway)]
    subprocess.run([sys.executable, SOURCE / "make_secrets.py", directory, *logins], check=True)
    for name in ("mosquitto.conf", "acl"):
        shutil.copyfile(SOURCE / name, directory / name)
        (directory / name).chmod(0o600)  # the broker warns of an access list that others may read
    (directory / "data").mkdir(exist_ok=True)
    (directory / "listeners").mkdir(exist_ok=True)
    # Started by root, Mosquitto would become a user who cannot read this directory; on loopback it may stay root.
    (directory / "listeners/loopback.conf").write_text(f"listener {port} 127.0.0.1\nuser root\n")


def broker_command() -> list[str]:
    """Return the command line, to be run in the prepared directory.

    Raises:
        FileNotFoundError: Mosquitto is neither installed nor fetched.
    """
    return [find_program("mosquitto"), "-c", "mosquitto.conf"]


def password(directory: Path, login: str) -> str:
    """Return the password of a login."""
    return (directory / f"mqtt-{login}.txt").read_text(encoding="utf-8").strip()
