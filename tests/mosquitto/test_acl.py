"""Who may read and write what: every cell of the table in docs/topics.md, tried by delivery.

What a broker answers to SUBSCRIBE and PUBLISH is no proof: Mosquitto grants subscriptions that it never serves, and
MQTT 3.1.1 has no way to refuse a message. So a write counts when an observer received it, a read when it came.
"""

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
from fix_broker import Broker
from mmetering_contract.topic import Site
from mmetering_demo.checkout import find_program
from mqtt_client import V5, V311, Client, RefusedError
from paho.mqtt.enums import MQTTProtocolVersion
from wait import wait_for

pytestmark = pytest.mark.servers

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs/topics.md"
HOME = "mmetering/v1/home/"
SERVICES = ("ingest", "alerter", "web", "homeassistant", "reader")

# What nobody may touch, least of all by a wildcard.
NOBODYS = (
    "test",
    "mmetering",
    "mmetering/v2/home/gateway/main/status",
    HOME + "gateway/main",
    HOME + "gateway/main/other",
    HOME + "gateway/main/receipt/deeper",
    HOME + "service/web/x/other",
    HOME + "service/other",
    HOME + "alert/x/deeper",
    HOME + "other",
)


@dataclass(frozen=True)
class Row:
    """A topic of the table, with `{gateway}` in it, and the logins that may read and write it."""

    topic: str
    readers: frozenset[str]
    writers: frozenset[str]

    def at(self, gateway: str) -> str:
        """Return the topic of this gateway, with some name in every other place."""
        return re.sub(r"\{\w+\}", "x", self.topic.replace("{gateway}", gateway))


def read_table(text: str) -> list[Row]:
    """Return the rows of the table login x topic."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    (_, *logins), _, *rows = lines
    assert logins == ["gateway", *SERVICES]
    return [
        Row(
            topic=name.strip("`") if name.startswith("`homeassistant/") else HOME + name.strip("`"),
            readers=frozenset(login for login, cell in zip(logins, cells, strict=True) if "r" in cell),
            writers=frozenset(login for login, cell in zip(logins, cells, strict=True) if "w" in cell),
        )
        for name, *cells in rows
    ]


TABLE = read_table(DOCUMENT.read_text(encoding="utf-8"))


def readable(login: str, gateway: str) -> set[str]:
    """Return what a login may read of the topics of one gateway."""
    return {row.at(gateway) for row in TABLE if login in row.readers}


def writable(login: str, gateway: str) -> set[str]:
    """Return what a login may write of the topics of one gateway."""
    return {row.at(gateway) for row in TABLE if login in row.writers}


def topics(gateway: str) -> list[str]:
    """Return every topic of the table, and some that nobody may touch."""
    return [*(row.at(gateway) for row in TABLE), *NOBODYS]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Give a broker with one more login, that sees and may do everything."""
    broker = Broker(tmp_path_factory.mktemp("acl") / "broker")
    command = [sys.executable, str(ROOT / "mosquitto/make_secrets.py"), str(broker.directory), "--gateway", "observer"]
    subprocess.run(command, check=True)
    with (broker.directory / "acl").open("a") as acl:
        acl.write("\nuser observer\ntopic readwrite #\n")
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="module")
def observer(broker: Broker) -> Iterator[Client]:
    """Give the login that sees and may do everything."""
    client = Client(broker, "observer")
    client.subscribe("#")
    yield client
    client.close()


def written(broker: Broker, observer: Client, login: str, gateway: str, version: MQTTProtocolVersion) -> set[str]:
    """Return the topics on which the observer received what this login published."""
    writer = Client(broker, login, version=version)
    mine, end = uuid4().bytes, uuid4().bytes
    for topic in topics(gateway):
        writer.publish(topic, mine)
    writer.close()
    observer.publish("end", end)
    return {message.topic for message in observer.wait_for(end) if message.payload == mine}


def delivered(
    observer: Client, reader: Client, *, end_topic: str, gateway: str, retain: bool, subscription: str
) -> set[str]:
    """Return the topics of which this reader received what the observer published."""
    mine, end = uuid4().bytes, uuid4().bytes
    if not retain:
        reader.subscribe(subscription)
    for topic in topics(gateway):
        observer.publish(topic, mine, retain=retain)
    if retain:
        reader.subscribe(subscription)
    observer.publish(end_topic, end)
    return {message.topic for message in reader.wait_for(end) if message.payload == mine and message.retained == retain}


ROLES = pytest.mark.parametrize("role", ["gateway", *SERVICES])
VERSIONS = pytest.mark.parametrize("version", [V5, V311], ids=["v5", "v3.1.1"])


def login_of(role: str) -> str:
    """Return the login that plays a column of the table."""
    return "main" if role == "gateway" else role


@VERSIONS
@ROLES
def test_writes(broker: Broker, observer: Client, role: str, version: MQTTProtocolVersion) -> None:
    """What a login publishes must arrive where the table has a `w`, and nowhere else."""
    assert written(broker, observer, login_of(role), "main", version) == writable(role, "main")


@VERSIONS
@ROLES
@pytest.mark.parametrize(
    ("subscription", "retain"),
    [("#", False), ("#", True), ("$share/anyone/#", False)],
    ids=["live", "retained", "shared"],
)
def test_reads(
    broker: Broker, observer: Client, role: str, version: MQTTProtocolVersion, subscription: str, *, retain: bool
) -> None:
    """Whoever subscribes to everything, alone or in a share, must get what the table marks `r`, and nothing else."""
    reader = Client(broker, login_of(role), version=version)
    readers = readable(role, "main")
    got = delivered(observer, reader, end_topic=min(readers), gateway="main", retain=retain, subscription=subscription)
    reader.close()
    assert got == readers


@pytest.mark.parametrize("login", ["main", *SERVICES])
def test_no_login_is_another_gateway(broker: Broker, observer: Client, login: str) -> None:
    """A gateway must not reach the topics of another one, nor a service those of a gateway called like itself."""
    gateway = "attic" if login == "main" else login
    role = "gateway" if login == "main" else login
    unbound = {row.at(gateway) for row in TABLE if "{gateway}" not in row.topic}
    assert written(broker, observer, login, gateway, V5) == writable(role, gateway) & unbound
    reader = Client(broker, login)
    end_topic = min(readable(role, "main"))
    got = delivered(observer, reader, end_topic=end_topic, gateway=gateway, retain=False, subscription="#")
    reader.close()
    assert got == readable(role, gateway) & unbound


@pytest.mark.parametrize("topic", [HOME + "gateway/main/status", HOME + "gateway/main/batch", "test"])
def test_a_will_is_no_way_around(broker: Broker, observer: Client, topic: str) -> None:
    """A login must not write by its will what it may not write itself."""
    mine, end = uuid4().bytes, uuid4().bytes
    with suppress(RefusedError):  # as good
        Client(broker, "reader", will=(topic, mine)).close(with_will=True)
    observer.publish("end", end)
    assert mine not in [message.payload for message in observer.wait_for(end)]


@VERSIONS
@pytest.mark.parametrize(
    ("username", "password"),
    [(None, None), ("reader", "wrong"), ("nobody", "wrong"), ("", "x")],
    ids=["anonymous", "wrong password", "unknown login", "empty login"],
)
def test_nobody_gets_in_without_a_password(
    broker: Broker, username: str | None, password: str | None, version: MQTTProtocolVersion
) -> None:
    """The broker must refuse the connection of whoever is not known."""
    with pytest.raises(RefusedError):
        Client(broker, username, password, version=version)


def test_health_sees_the_uptime_and_no_more(broker: Broker, observer: Client) -> None:
    """The health check's login must read that the broker runs, and nothing of anybody's topics."""
    reader = Client(broker, "health")
    for topic in ("#", "$SYS/#"):
        reader.subscribe(topic)
    for topic in topics("main"):
        observer.publish(topic, b"x")
    before = len(reader.received)
    reader.subscribe("$SYS/broker/uptime")  # retained: it comes at once, after whatever else was to come
    wait_for(lambda: len(reader.received) > before)
    assert {message.topic for message in reader.received} == {"$SYS/broker/uptime"}
    reader.close()
    assert not written(broker, observer, "health", "main", V5)
    assert not written(broker, observer, "health", "health", V5)


@ROLES
def test_no_login_sees_the_broker_itself(broker: Broker, observer: Client, role: str) -> None:
    """What the broker says of itself, such as who is connected, must be for nobody but the health check."""
    reader = Client(broker, login_of(role))
    for topic in ("$SYS/#", "$share/anyone/$SYS/#"):
        reader.subscribe(topic)
    end_topic = min(readable(role, "main"))
    delivered(observer, reader, end_topic=end_topic, gateway="main", retain=False, subscription=end_topic)
    assert not [message.topic for message in reader.received if message.topic.startswith("$")]
    reader.close()


def test_the_health_check_of_the_container(broker: Broker) -> None:
    """The command of the container must succeed with its options file, with no secret among its arguments."""
    command = ["mosquitto_sub", "-p", str(broker.port), "-t", "$SYS/broker/uptime", "-C", "1", "-W", "30"]
    environment = {"XDG_CONFIG_HOME": str(broker.directory)}
    result = subprocess.run(
        [find_program(command[0]), *command[1:]], env=environment, capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.endswith("seconds\n")


def test_the_table_has_every_topic_of_the_contract() -> None:
    """A topic that a service can build must stand in the table, so that it is tried above."""
    builders = [function for name, function in vars(Site).items() if inspect.isfunction(function) and name[0] != "_"]
    assert builders
    for build in builders:
        names = list(inspect.signature(build).parameters)[1:]
        topic = build(Site("home"), *("ingest" if name == "service" else "x" for name in names))
        assert topic in topics("x"), f"{build.__name__} is not in the table of {DOCUMENT}"
