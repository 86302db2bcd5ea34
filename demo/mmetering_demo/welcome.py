"""Says what hangs on which meter as soon as the meters are known, and then to the person where to look."""

import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping

from mmetering_demo.checkout import CHECKOUT
from mmetering_demo.folder import PERSON, Folder
from mmetering_demo.ports import Ports

BUILDING = CHECKOUT / "simulator/mmetering_simulator/building.toml"
# What a meter of each kind in the building measures: the kind of the point, and the counter that counts.
POINTS = {
    "flat": ("flat", "import"),
    "common": ("common", "import"),
    "pv": ("producer", "export"),
    "chp": ("producer", "export"),
}
WAIT_S = 300  # for a meter's first reading; a slow machine has much to do at the start


def add_points(environment: Mapping[str, str]) -> None:
    """Put every meter of the building onto its point, as a person would; a person's later changes stay.

    Raises:
        subprocess.CalledProcessError: the dashboard's command refuses; it says why.
    """
    meters = tomllib.loads(BUILDING.read_text(encoding="utf-8"))["meter"]
    for slug, meter in meters.items():
        kind, counter = POINTS[meter["kind"]]
        command = ["mmetering-web", "point", "add", meter["label"], "--meter", slug, "--kind", kind]
        subprocess.run(
            [*command, "--counter", counter, "--if-missing", "--wait", str(WAIT_S)], env=environment, check=True
        )


def text(folder: Folder, ports: Ports) -> str:
    """Return where to look, and with which logins."""
    return f"""
    Dashboard  http://127.0.0.1:{ports.web}   log in as {PERSON} with {folder.person_password.read_text().strip()}
    Mails      http://127.0.0.1:{ports.mailbox}
    MQTT       127.0.0.1:{ports.mqtt}, login reader, password in {folder.broker / "mqtt-reader.txt"}
    PostgreSQL 127.0.0.1:{ports.postgres}, login reader, password in {folder.database_password_of("reader")}
    Modbus     127.0.0.1:{ports.modbus}, units 1 to 8; {folder.building / "cellar"}, 9600 baud, units 11 to 13

    Pull a meter off its bus, and a mail comes; with plug in place of unplug another one:
        {CHECKOUT / ".venv/bin/mmetering-simulator"} unplug flat-03 --state {folder.building}
    Ctrl-C ends everything; the data stay until make demo-clean.
"""


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def welcome(folder: Folder, ports: Ports) -> None:
    """Add the points, show the text once the dashboard is there, and wait: the runner ends all when one ends."""
    made = folder.path / "points-made"
    if not made.exists():
        add_points(folder.with_login(folder.environment(ports), "web"))
        made.touch()
    while not _is_open(ports.web):
        time.sleep(0.2)
    sys.stdout.write(text(folder, ports))
    sys.stdout.flush()
    signal.sigwait({signal.SIGTERM, signal.SIGINT})
