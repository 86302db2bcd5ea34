"""The whole: from a register of a meter to the browser and to the mailbox, and to third parties."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from fix_broker import Broker
from fix_postgres import as_login
from fix_smtp import Mailbox
from free_port import free_port
from mmetering_demo.checkout import find_program
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.tcp import TcpBus
from playwright.sync_api import Page, expect
from service import Service, mqtt_environment
from wait import wait_for

pytestmark = pytest.mark.system

VOLTAGE, POWER, IMPORT = 0x0000, 0x0034, 0x0048
PASSWORD = "correct horse"
SECONDS = 60_000  # ms; a busy machine may take its time


class House:
    """One flat and all services around it."""

    def __init__(self, broker: Broker, database: str, mailbox: Mailbox, directory: Path) -> None:
        """Prepare everything; nothing runs yet."""
        self.broker = broker
        self.meter = FixedMeter({VOLTAGE: 231.5, POWER: 742.0, IMPORT: 4711.25}, serial=23040107)
        self.bus = TcpBus({7: self.meter})
        self.port = free_port()
        self._directory = directory
        self._web_database = {"MMETERING_DATABASE": as_login(database, "web")}
        self._services = {
            "mmetering-ingest run": ("ingest", {"MMETERING_DATABASE": as_login(database, "ingest")}),
            "mmetering-gateway": ("main", self._gateway()),
            "mmetering-alerter": ("alerter", self._alerter(mailbox)),
            "mmetering-web serve": ("web", {**self._web_database, **self._web()}),
        }

    def _gateway(self) -> dict[str, str]:
        plant = self._directory / "plant.toml"
        plant.write_text(
            "[intervals]\nlive = 1\nenergy = 5\n"
            f'[[bus]]\nname = "cellar"\ntype = "tcp"\nhost = "127.0.0.1"\nport = {self.bus.port}\n'
            '[[meter]]\nslug = "flat-07"\nbus = "cellar"\naddress = 7\nlabel = "Flat 7, left"\n'
        )
        return {"MMETERING_PLANT": str(plant), "MMETERING_SPOOL": str(self._directory / "spool.db")}

    def _alerter(self, mailbox: Mailbox) -> dict[str, str]:
        return {
            "MMETERING_SMTP_HOST": mailbox.host,
            "MMETERING_SMTP_PORT": str(mailbox.port),
            "MMETERING_MAIL_TO": "caretaker@example.org",
            "MMETERING_MAIL_FROM": "mmetering <meters@example.org>",
            "MMETERING_ALERT_DELAY": "1",
            "MMETERING_ALERT_SILENCE": "20",
        }

    def _web(self) -> dict[str, str]:
        return {"MMETERING_WEB_PORT": str(self.port), "MMETERING_WEB_SECRET_KEY": "0123456789abcdef" * 4}

    def run(self, stack: ExitStack) -> None:
        """Start everything, with one person who may look."""
        stack.enter_context(self.bus)
        for command, (login, environment) in self._services.items():
            variables = {**mqtt_environment(self.broker, login), **environment}
            stack.enter_context(Service(command, variables, self._directory))
        secret = self._directory / "password"
        secret.write_text(PASSWORD)
        add = f"mmetering-web person add anna --role administrator --password-file {secret}"
        with Service(add, self._web_database, self._directory) as adding:
            assert adding.wait() == 0


@pytest.fixture
def house(broker: Broker, database: str, mailbox: Mailbox, tmp_path: Path) -> Iterator[House]:
    """Give a running house."""
    with ExitStack() as stack:
        house = House(broker, database, mailbox, tmp_path)
        house.run(stack)
        yield house


def log_in(page: Page, house: House) -> None:
    """Open the dashboard as anna."""
    wait_for(lambda: _answers(page, f"http://127.0.0.1:{house.port}/healthz"), timeout=60, interval=0.2)
    page.goto(f"http://127.0.0.1:{house.port}/")
    page.get_by_label("Name").fill("anna")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def _answers(page: Page, url: str) -> bool:
    try:
        return page.request.get(url).status < 500
    except Exception:  # noqa: BLE001 Playwright's error for a refused connection has no class of its own
        return False


def test_a_register_is_seen_in_the_browser_and_a_dead_meter_in_the_mailbox(
    house: House, mailbox: Mailbox, page: Page
) -> None:
    """What a meter says is on the page, moves with it, and a mail tells when it falls silent and when it is back."""
    log_in(page, house)
    tile = page.locator("[data-meter=flat-07]")
    expect(tile.locator("[data-field=power]")).to_have_text("742", timeout=SECONDS)
    house.meter.set(POWER, 355.0)
    expect(tile.locator("[data-field=power]")).to_have_text("355", timeout=SECONDS)
    tile.click()
    expect(page.locator("[data-quantity=voltage_l1]")).to_have_text("231.5", timeout=SECONDS)
    expect(page.locator("[data-quantity=energy_import]")).to_have_text("4,711.25", timeout=SECONDS)

    house.bus.unplug(7)
    (failed,) = mailbox.wait(1, timeout=60)
    assert "Flat 7, left" in failed["Subject"]
    assert failed["To"] == "caretaker@example.org"
    expect(page.locator("#meter")).to_have_attribute("data-state", "offline", timeout=SECONDS)

    house.bus.plug(7)
    _, back = mailbox.wait(2, timeout=60)
    assert "Flat 7, left" in back["Subject"]
    assert back["Subject"] != failed["Subject"]
    assert len(mailbox.messages) == 2


def test_mbpoll_reads_what_mosquitto_sub_shows(house: House) -> None:
    """Third parties see the same value, on the bus and on the topic."""
    mbpoll = shutil.which("mbpoll")
    assert mbpoll, "tools/setup.sh test installs it"
    # -B: most significant register first; -r counts from 1; -t 3 is an input register, read as float.
    options = [
        "-m",
        "tcp",
        "-p",
        str(house.bus.port),
        "-a",
        "7",
        "-t",
        "3:float",
        "-B",
        "-r",
        str(POWER + 1),
        "-1",
        "-q",
    ]
    polled = subprocess.run([mbpoll, *options, "127.0.0.1"], capture_output=True, text=True, check=True, timeout=60)
    assert "742" in polled.stdout
    heard = listen(house.broker, "mmetering/v1/home/gateway/+/meter/+/reading/live")
    assert '"power_total":742.0' in heard.stdout
    assert heard.stdout.startswith("mmetering/v1/home/gateway/main/meter/flat-07/reading/live ")


def test_a_reader_cannot_publish(house: House) -> None:
    """A retained message from the login `reader` reaches nobody; what it may not read it does not get."""
    topic = "mmetering/v1/home/gateway/main/meter/flat-07/reading/forged"
    forged = ["-t", topic, "-m", "forged", "-r", "-q", "1", "-V", "5"]
    publish = [find_program("mosquitto_pub"), *connection(house.broker), *forged]
    published = subprocess.run(publish, capture_output=True, text=True, check=False, timeout=60)
    assert "Not authorized" in published.stderr
    live = "mmetering/v1/home/gateway/+/meter/+/reading/live"
    wait_for(lambda: '"voltage_l1":231.5' in listen(house.broker, live).stdout)
    assert listen(house.broker, topic).stdout == ""
    assert listen(house.broker, "mmetering/v1/home/gateway/+/batch").stdout == ""


def connection(broker: Broker) -> list[str]:
    """Return the options with which Mosquitto's clients log in as `reader`."""
    return ["-h", broker.host, "-p", str(broker.port), "-u", "reader", "-P", broker.password("reader")]


def listen(broker: Broker, topic: str) -> subprocess.CompletedProcess[str]:
    """Return what mosquitto_sub says of the first message on a topic, or of none within some seconds."""
    command = [find_program("mosquitto_sub"), *connection(broker), "-v", "-t", topic, "-C", "1", "-W", "5"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
