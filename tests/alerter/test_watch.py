"""The alerter as it runs, against a real broker and a real mail server."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from alerter.building import (
    GATEWAY,
    SITE,
    Said,
    building,
    gateway_is,
    info,
    ingest_health,
    ingest_is,
    label,
    meter_is,
    reading,
)
from fix_broker import Broker
from fix_postgres import PostgresServer, as_login
from fix_smtp import Mailbox
from ingest_building import batch
from ingest_building import reading as record
from mmetering_contract.incident import Incident, decode_incident
from mmetering_runtime.config import Broker as Login
from mmetering_runtime.event import Message, Published
from mmetering_runtime.mqtt import NotConnectedError, Session, Subscription
from service import Service, mqtt_environment
from wait import wait_for

pytestmark = pytest.mark.servers

PATIENCE_S = 60


class Alerter:
    """The service in a process of its own; what fails for a second is told of."""

    def __init__(self, broker: Broker, mailbox: Mailbox, folder: Path, silence: int) -> None:
        """Prepare its settings; start() comes next."""
        self._log = folder / "alerter.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._settings = {
            "MMETERING_SITE": SITE.slug,
            "MMETERING_MQTT_HOST": broker.host,
            "MMETERING_MQTT_PORT": str(broker.port),
            "MMETERING_MQTT_PASSWORD_FILE": str(broker.password_file("alerter")),
            "MMETERING_SMTP_HOST": mailbox.host,
            "MMETERING_SMTP_PORT": str(mailbox.port),
            "MMETERING_MAIL_FROM": "mmetering <meters@example.org>",
            "MMETERING_MAIL_TO": "caretaker@example.org,tenant@example.org",
            "MMETERING_ALERT_DELAY": "1",
            "MMETERING_ALERT_SILENCE": str(silence),
            "MMETERING_HEARTBEAT": str(folder / "heartbeat"),
        }

    @property
    def log(self) -> str:
        """What it has logged since its first start."""
        return self._log.read_text()

    def start(self) -> None:
        """Start, and return at once."""
        command = [sys.executable, "-m", "mmetering_alerter"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=os.environ | self._settings, stdout=log, stderr=log)

    def end(self, number: int) -> int:
        """Send it a signal; return its exit status."""
        assert self._process
        self._process.send_signal(number)
        return self._process.wait(PATIENCE_S)

    def stop(self) -> None:
        """End it, if it runs."""
        if self._process and self._process.poll() is None:
            self.end(signal.SIGTERM)


class Client:
    """A login at the broker that says things and remembers what it hears."""

    def __init__(self, broker: Broker, login: str, *topics: str) -> None:
        """Connect."""
        account = Login(SITE, broker.host, broker.port, login, broker.password(login))
        self._session = Session(account, f"test-{login}", subscriptions=[Subscription(t, 1) for t in topics])
        self._session.start()
        self.heard: dict[str, bytes] = {}
        self._taken: set[tuple[int, int] | None] = set()

    def say(self, *said: Said) -> None:
        """Publish, retained where that topic is; return when the broker has it."""
        for topic, payload in said:
            token = wait_for(partial(self._publish, topic, payload), PATIENCE_S)
            wait_for(partial(self._is_taken, token), PATIENCE_S)

    def hear(self) -> dict[str, bytes]:
        """Return the last payload of each topic."""
        while event := self._session.next(timeout=0):
            if isinstance(event, Message):
                self.heard[event.topic] = event.payload
            if isinstance(event, Published):
                self._taken.add(event.token)
        return self.heard

    def stop(self) -> None:
        """Disconnect."""
        self._session.stop()

    def _publish(self, topic: str, payload: bytes) -> tuple[int, int] | None:
        try:
            retain = not topic.endswith(("/batch", "/health"))
            return self._session.publish(topic, payload, qos=1, retain=retain)
        except NotConnectedError:
            return None

    def _is_taken(self, token: tuple[int, int] | None) -> bool:
        self.hear()
        return token in self._taken


@pytest.fixture
def make_alerter(broker: Broker, mailbox: Mailbox, tmp_path: Path) -> Iterator[Callable[[int], Alerter]]:
    """Give a function that starts an alerter; it takes the seconds of silence."""
    made: list[Alerter] = []

    def make(silence: int) -> Alerter:
        made.append(Alerter(broker, mailbox, tmp_path, silence))
        made[-1].start()
        return made[-1]

    yield make
    for alerter in made:
        alerter.stop()


@pytest.fixture
def alerter(make_alerter: Callable[[int], Alerter]) -> Alerter:
    """Give a started alerter that does not mind readings far apart."""
    return make_alerter(3600)


@pytest.fixture
def gateway(broker: Broker) -> Iterator[Client]:
    """Give a gateway with two meters on a cable and one on the roof, all of them well."""
    client = Client(broker, GATEWAY)
    client.say(*building({"flat-1": "cable", "flat-2": "cable", "heat": "roof"}))
    yield client
    client.stop()


@pytest.fixture
def web(broker: Broker) -> Iterator[Client]:
    """Give the web, which has named flat 1, and which sees the incidents."""
    client = Client(broker, "web", SITE.alert())
    client.say(label("flat-1", "Flat 1, left"))
    yield client
    client.stop()


@pytest.fixture
def ingest(broker: Broker, crashing_postgres: PostgresServer, tmp_path: Path) -> Iterator[Service]:
    """Give a running ingest whose database can be killed."""
    watcher = Client(broker, "web", SITE.service_status("ingest"))
    settings = {"MMETERING_DATABASE": as_login(crashing_postgres.conninfo(), "ingest"), "MMETERING_COPY": "1"}
    with Service("mmetering-ingest run", settings | mqtt_environment(broker, "ingest"), tmp_path) as service:
        wait_for(lambda: b"online" in watcher.hear().values(), PATIENCE_S)
        watcher.stop()
        yield service


def live(meter: str) -> Said:
    """Return a reading of now."""
    return reading(meter, datetime.now(UTC))


def is_well(meter: str) -> tuple[Said, Said]:
    """Return what a gateway says of a meter that answers again."""
    return meter_is(meter, "online"), live(meter)


def subjects(mailbox: Mailbox, count: int) -> list[str]:
    """Return the mails' subjects once there are so many, without the varying end that says when or how long."""
    mails = mailbox.wait(count, PATIENCE_S)
    return [str(mail["Subject"]).split(" since ")[0].split(" after ")[0] for mail in mails]


def incidents(web: Client) -> list[Incident]:
    """Return what stands on the alert topics, the oldest first."""
    return [decode_incident(payload) for topic, payload in sorted(web.hear().items()) if payload]


def said_live(gateway: Client, alerter: Alerter, meter: str) -> None:
    """Let a meter be read once the alerter watches; before that a reading is no sign of life."""
    wait_for(lambda: "event=watching" in alerter.log, PATIENCE_S)
    gateway.say(live(meter))


def test_a_meter_that_goes_offline_and_comes_back_makes_two_mails(
    alerter: Alerter, gateway: Client, web: Client, mailbox: Mailbox
) -> None:
    """The first mail names the meter and where it hangs, the second says that it is back, in the same thread."""
    said_live(gateway, alerter, "flat-2")
    gateway.say(info("flat-1", "cable", address=7, reason="no reply"), meter_is("flat-1", "offline"))
    assert subjects(mailbox, 1) == ["[home] Flat 1, left silent"]
    text = mailbox.messages[0].get_content()
    assert f"Gateway: {GATEWAY}" in text
    assert "Meter: Flat 1, left (flat-1), bus cable, address 7" in text
    assert "The gateway says: no reply" in text
    gateway.say(*is_well("flat-1"))
    assert subjects(mailbox, 2) == ["[home] Flat 1, left silent", "[home] Flat 1, left back"]
    first, second = mailbox.messages
    assert {to.addr_spec for to in first["To"].addresses} == {"caretaker@example.org", "tenant@example.org"}
    assert first["References"] == second["References"]
    assert first["Message-ID"] != second["Message-ID"]
    (incident,) = wait_for(lambda: [i for i in incidents(web) if i.resolved and i.mailed == i.revision], PATIENCE_S)
    assert (incident.cause, incident.gateway, incident.subject) == ("meter", GATEWAY, "flat-1")


def test_meters_whose_readings_stop_are_silent_although_their_status_says_online(
    make_alerter: Callable[[int], Alerter], gateway: Client, mailbox: Mailbox
) -> None:
    """Silence itself means dead, all that fall silent together share a mail, and new readings end it."""
    alerter = make_alerter(4)
    assert subjects(mailbox, 1) == ["[home] Bus cable; heat silent"]

    def is_back() -> bool:
        gateway.say(live("flat-1"), live("flat-2"), live("heat"))
        return any(" back" in mail["Subject"] for mail in mailbox.messages)

    wait_for(is_back, PATIENCE_S)
    assert "event=step_failed" not in alerter.log


def test_a_bus_is_one_mail(alerter: Alerter, gateway: Client, mailbox: Mailbox) -> None:
    """All meters of a bus make one mail when they fall silent, and one when they are back."""
    said_live(gateway, alerter, "heat")
    gateway.say(meter_is("flat-1", "offline"), meter_is("flat-2", "offline"))
    assert subjects(mailbox, 1) == ["[home] Bus cable silent"]
    assert "flat-1" in mailbox.messages[0].get_content()
    gateway.say(*is_well("flat-1"), *is_well("flat-2"))
    assert subjects(mailbox, 2)[1:] == ["[home] Bus cable back"]
    gateway.say(meter_is("heat", "offline"))
    assert subjects(mailbox, 3)[2:] == ["[home] heat silent"]
    assert "alone on its bus" in mailbox.messages[2].get_content()


def test_a_killed_gateway_is_one_mail_through_its_will(
    alerter: Alerter, broker: Broker, gateway: Client, web: Client, mailbox: Mailbox
) -> None:
    """The broker says that the gateway is gone; its meters, silent or not, make no mail of their own."""
    said_live(gateway, alerter, "heat")
    assert web
    settings = {
        "MMETERING_MQTT_PORT": str(broker.port),
        "MMETERING_MQTT_USERNAME": GATEWAY,
        "MMETERING_MQTT_PASSWORD_FILE": str(broker.password_file(GATEWAY)),
    }
    command = [sys.executable, str(Path(__file__).with_name("presence.py")), SITE.gateway_status(GATEWAY)]
    with subprocess.Popen(command, env=os.environ | settings, stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"connected\n"
        process.kill()
    gateway.say(meter_is("flat-1", "offline"), meter_is("flat-2", "offline"))
    assert subjects(mailbox, 1) == [f"[home] Gateway {GATEWAY} offline"]
    assert "- Flat 1, left (flat-1), last reading unknown" in mailbox.messages[0].get_content()
    gateway.say(*is_well("flat-1"), *is_well("flat-2"), gateway_is("online"), live("flat-1"))
    assert subjects(mailbox, 2)[1:] == [f"[home] Gateway {GATEWAY} back"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_sends_nothing_again(
    number: int, alerter: Alerter, gateway: Client, web: Client, mailbox: Mailbox
) -> None:
    """What was told of before the restart is not told of after it; its end still is."""
    said_live(gateway, alerter, "flat-2")
    gateway.say(meter_is("flat-1", "offline"))
    assert subjects(mailbox, 1) == ["[home] Flat 1, left silent"]
    wait_for(lambda: any(incident.mailed for incident in incidents(web)), PATIENCE_S)
    assert alerter.end(number) == (0 if number == signal.SIGTERM else -number)
    alerter.start()
    wait_for(lambda: alerter.log.count("event=watching") == 2, PATIENCE_S)
    gateway.say(live("flat-2"), meter_is("heat", "offline"))
    assert subjects(mailbox, 2)[1:] == ["[home] heat silent"]
    gateway.say(*is_well("flat-1"))
    assert subjects(mailbox, 3)[2:] == ["[home] Flat 1, left back"]


def test_a_mail_waits_for_its_server(alerter: Alerter, gateway: Client, web: Client, mailbox: Mailbox) -> None:
    """A mail that cannot be sent is sent once, as soon as the server is back."""
    mailbox.stop()
    said_live(gateway, alerter, "flat-2")
    assert web
    gateway.say(meter_is("flat-1", "offline"))
    wait_for(lambda: "event=mail_failed" in alerter.log, PATIENCE_S)
    mailbox.start()
    assert subjects(mailbox, 1) == ["[home] Flat 1, left silent"]
    gateway.say(*is_well("flat-1"))
    assert subjects(mailbox, 2) == ["[home] Flat 1, left silent", "[home] Flat 1, left back"]


def test_a_mail_that_waits_survives_a_kill(alerter: Alerter, gateway: Client, web: Client, mailbox: Mailbox) -> None:
    """An incident that no mail could tell of is told of by the next process, once."""
    mailbox.stop()
    said_live(gateway, alerter, "flat-2")
    gateway.say(meter_is("flat-1", "offline"))
    wait_for(lambda: "event=mail_failed" in alerter.log, PATIENCE_S)
    wait_for(lambda: incidents(web), PATIENCE_S)
    alerter.end(signal.SIGKILL)
    mailbox.start()
    alerter.start()
    assert subjects(mailbox, 1) == ["[home] Flat 1, left silent"]
    gateway.say(*is_well("flat-1"))
    assert subjects(mailbox, 2) == ["[home] Flat 1, left silent", "[home] Flat 1, left back"]


def test_a_broker_that_was_never_there_is_a_mail(
    make_alerter: Callable[[int], Alerter], broker: Broker, mailbox: Mailbox
) -> None:
    """An alerter that starts without a broker says so, and when it is there."""
    broker.kill()
    make_alerter(3600)
    assert subjects(mailbox, 1) == ["[home] The broker out of reach"]
    broker.start()
    assert subjects(mailbox, 2)[1:] == ["[home] The broker back"]


def test_a_killed_broker_is_a_mail_and_forgets_no_incident(
    alerter: Alerter, broker: Broker, gateway: Client, web: Client, mailbox: Mailbox
) -> None:
    """The alerter tells of the broker by itself, and gives a broker that lost its memory the incidents back."""
    said_live(gateway, alerter, "flat-2")
    gateway.say(meter_is("flat-1", "offline"))
    assert subjects(mailbox, 1) == ["[home] Flat 1, left silent"]
    broker.kill()
    assert subjects(mailbox, 2)[1:] == ["[home] The broker out of reach"]
    web.hear().clear()
    broker.start()
    gateway.say(*building({"flat-1": "cable", "flat-2": "cable"}), meter_is("flat-1", "offline"), live("flat-2"))
    assert subjects(mailbox, 3)[2:] == ["[home] The broker back"]
    wait_for(lambda: {i.cause for i in incidents(web) if i.mailed == i.revision} == {"meter", "broker"}, PATIENCE_S)


def test_an_ingest_that_cannot_store_or_is_killed_is_a_mail(
    alerter: Alerter, crashing_postgres: PostgresServer, ingest: Service, gateway: Client, mailbox: Mailbox
) -> None:
    """A database that is away is one mail, its end another, and an ingest that is killed a third."""
    said_live(gateway, alerter, "flat-2")
    crashing_postgres.kill()

    def is_told() -> bool:
        gateway.say((SITE.batch(GATEWAY), batch(record(1, ts=datetime.now(UTC)))[0]))
        return bool(mailbox.messages)

    wait_for(is_told, PATIENCE_S)
    crashing_postgres.start()
    assert subjects(mailbox, 2) == ["[home] Ingest at a standstill", "[home] Ingest back"]
    assert "The database says: " in mailbox.messages[0].get_content()
    ingest.kill()
    assert subjects(mailbox, 3)[2:] == ["[home] Ingest at a standstill"]
    assert "No copy of ingest is online." in mailbox.messages[2].get_content()


def test_one_copy_of_ingest_is_enough_and_tells_of_a_wrong_clock(
    alerter: Alerter, broker: Broker, gateway: Client, web: Client, mailbox: Mailbox
) -> None:
    """Two copies that cannot store are one mail; a clock is told of while one of them can."""
    said_live(gateway, alerter, "flat-2")
    ingest, now = Client(broker, "ingest"), datetime.now(UTC)
    ingest.say(ingest_is("online", "1"), ingest_is("online", "2"))
    ingest.say(ingest_health(now, away=now, copy="1"), ingest_health(now, offset=42.0, copy="2"))
    assert subjects(mailbox, 1) == [f"[home] The clock of gateway {GATEWAY} wrong"]
    assert "It is 42 s ahead." in mailbox.messages[0].get_content()
    ingest.say(ingest_health(now, offset=-0.8, copy="2"))
    assert subjects(mailbox, 2)[1:] == [f"[home] The clock of gateway {GATEWAY} right again"]
    ingest.say(ingest_health(now, away=now, copy="2"))
    assert subjects(mailbox, 3)[2:] == ["[home] Ingest at a standstill"]
    ingest.say(ingest_is("offline", "1"), ingest_health(now, copy="2"))
    assert subjects(mailbox, 4)[3:] == ["[home] Ingest back"]
    wait_for(lambda: {i.cause for i in incidents(web) if i.mailed == i.revision} == {"clock", "ingest"}, PATIENCE_S)
    ingest.stop()


def test_nonsense_is_logged_once_and_passed_over(alerter: Alerter, gateway: Client, mailbox: Mailbox) -> None:
    """A malformed message of one meter does not keep the mail of another."""
    said_live(gateway, alerter, "flat-2")
    topic, _ = info("flat-2", "cable")
    gateway.say((topic, b"{"), (topic, b"{"), meter_is("flat-1", "offline"))
    assert subjects(mailbox, 1) == ["[home] flat-1 silent"]
    assert alerter.log.count("event=message_refused") == 1
    assert "event=step_failed" not in alerter.log


def test_a_missing_setting_ends_the_start() -> None:
    """The one line on stderr names the variable."""
    command = [sys.executable, "-m", "mmetering_alerter"]
    ended = subprocess.run(command, env={"MMETERING_MQTT_PASSWORD": "x"}, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr == "mmetering-alerter: MMETERING_MAIL_TO is not set\n"
