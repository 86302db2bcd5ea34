"""Commands over the broker: what the running gateway answers, in every case once."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from fix_broker import Broker
from mmetering_contract.command import CANCEL, Command, Result, decode_result
from mmetering_contract.payload import encode
from mmetering_contract.topic import Site
from mmetering_gateway.order import MOST
from mmetering_runtime.config import Broker as BrokerConfig
from mmetering_runtime.event import Connected, Message
from mmetering_runtime.mqtt import NotConnectedError, Session, Subscription
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.tcp import TcpBus
from plant import write_plant
from service import Service, mqtt_environment
from wait import wait_for

pytestmark = pytest.mark.servers

SITE = Site("home")
EVERYTHING = {"bus": "bus", "addresses": "1-247"}  # takes a minute: nobody answers but two
QUICK = {"bus": "bus", "addresses": "1-3", "known": True}


class Person:
    """Somebody at the web's login, who sends commands and keeps all results."""

    def __init__(self, broker: Broker) -> None:
        """Connect, and wait until the results are subscribed to."""
        config = BrokerConfig(SITE, broker.host, broker.port, "web", broker.password("web"))
        self.session = Session(config, "test-person", subscriptions=(Subscription(SITE.result("main"), 1),))
        self.results: list[Result] = []
        self.session.start()
        wait_for(lambda: isinstance(self.session.next(1), Connected))

    def send(self, verb: str, arguments: Mapping[str, object], *, name: str = "", lifetime_s: float = 60) -> str:
        """Send a command and return its id."""
        name = name or uuid4().hex
        command = Command(name, datetime.now(UTC) + timedelta(seconds=lifetime_s), dict(arguments))
        self.session.publish(SITE.command("main", verb), encode(command), qos=1)
        return name

    def told(self, name: str) -> list[Result]:
        """Return all results of a command up to now."""
        while event := self.session.next(0):
            if isinstance(event, Message):
                assert not event.retained
                self.results.append(decode_result(event.payload))
        return [result for result in self.results if result.id == name]

    def outcome(self, name: str) -> Result:
        """Wait for the outcome of a command."""
        ended = wait_for(lambda: [result for result in self.told(name) if result.state != "running"])
        return ended[0]

    def is_worked(self, name: str) -> bool:
        """Return whether a command has made its first steps."""
        return any(result.share > 0 for result in self.told(name))


@pytest.fixture
def bus() -> Iterator[TcpBus]:
    """Give a bus with meters at 1 and 2."""
    with TcpBus({1: FixedMeter({0x0000: 231.5}), 2: FixedMeter({0x0000: 229.5}, serial=87654321)}) as bus:
        yield bus


def gateway_on(broker: Broker, port: int, directory: Path) -> Service:
    """Prepare a gateway that reads the meter at 1 of the bus on this port, every second."""
    environment = {
        **mqtt_environment(broker, "main"),
        "MMETERING_PLANT": str(write_plant(directory, port, meters=1, energy_s=1)),
        "MMETERING_SPOOL": str(directory / "spool.db"),
    }
    return Service("mmetering-gateway", environment, directory)


@pytest.fixture
def gateway(broker: Broker, bus: TcpBus, tmp_path: Path) -> Iterator[Service]:
    """Give a running gateway."""
    with gateway_on(broker, bus.port, tmp_path) as service:
        wait_for(lambda: "event=meter_online" in service.log)
        yield service


@pytest.fixture
def person(broker: Broker) -> Iterator[Person]:
    """Give somebody who sends commands."""
    person = Person(broker)
    yield person
    person.session.stop()


def test_a_command_tells_how_far_it_is_and_what_it_found(gateway: Service, person: Person) -> None:
    """A scan must be answered at once, then by progress, then by the meters that answered; polls go on."""
    name = person.send("scan", QUICK)
    outcome = person.outcome(name)
    assert (outcome.state, outcome.error) == ("done", "")
    found = {(meter["address"], meter["serial"], meter.get("slug", "")) for meter in outcome.value}
    assert found == {(1, "12345678", "m-01"), (2, "87654321", "")}
    first, *_ = person.told(name)
    assert (first.state, first.progress) == ("running", "waiting for bus bus")
    assert "meter_offline" not in gateway.log


def test_polls_go_on_under_a_long_command(gateway: Service, person: Person, bus: TcpBus) -> None:
    """The meter of the plant must be read every second while all addresses are asked, nearly all of them in vain."""
    name = person.send("scan", EVERYTHING)
    wait_for(lambda: person.is_worked(name))
    before = bus.asked[1]
    wait_for(lambda: bus.asked[1] > before + 6)  # three slots
    assert person.told(name)[-1].state == "running"
    assert "meter_offline" not in gateway.log


@pytest.mark.parametrize(
    ("verb", "arguments", "lifetime_s", "error"),
    [
        ("scan", QUICK, -1, "it has expired at "),
        ("explode", QUICK, 60, "there is no command explode; there are scan, identify"),
        ("scan", {"bus": "attic"}, 60, "there is no bus attic; there are bus"),
        ("scan", {}, 60, "the arguments of scan are wrong: Object missing required field `bus`"),
        ("identify", {"bus": "bus", "address": 300}, 60, "the arguments of identify are wrong: Expected `int` <= 247"),
        ("identify", {"bus": "bus", "adress": 3}, 60, "the arguments of identify are wrong: Object contains unknown"),
        ("scan", {"bus": "bus", "addresses": "some"}, 60, "the arguments of scan are wrong: "),
        ("identify", {"bus": "bus", "address": 9}, 60, ""),
    ],
)
@pytest.mark.usefixtures("gateway")
def test_a_command_that_cannot_be_done_says_why(
    person: Person, verb: str, arguments: dict[str, object], lifetime_s: float, error: str
) -> None:
    """It must be answered by one failure with a plain reason."""
    outcome = person.outcome(person.send(verb, arguments, lifetime_s=lifetime_s))
    assert outcome.state == "failed"
    assert outcome.error.startswith(error)
    assert outcome.error


def test_a_command_that_cannot_be_read_is_answered_by_its_id(gateway: Service, person: Person) -> None:
    """What has an id is answered; what has none is logged; neither ends the gateway."""
    for payload in (b"no json", b'{"expires": 1}', b'{"id": "x/y"}', b""):
        person.session.publish(SITE.command("main", "scan"), payload, qos=1)
    person.session.publish(SITE.command("main", "scan"), b'{"id": "abc", "expires": "tomorrow"}', qos=1)
    assert person.outcome("abc").error.startswith("the command cannot be read: ")
    assert gateway.log.count("event=command_malformed") == 5
    assert {result.id for result in person.results} == {"abc"}


def test_a_command_that_comes_twice_is_worked_once(gateway: Service, person: Person, bus: TcpBus) -> None:
    """The second one must bring the same outcome again, and no question on the bus."""
    name = person.send("identify", {"bus": "bus", "address": 2})
    first = person.outcome(name)
    asked, told = bus.asked[2], len(person.told(name))
    assert asked
    person.send("identify", {"bus": "bus", "address": 2}, name=name)
    wait_for(lambda: len(person.told(name)) > told)
    assert person.told(name)[told:] == [first]
    assert bus.asked[2] == asked
    assert gateway.log.count(f"event=command verb=identify id={name}") == 1


@pytest.mark.usefixtures("gateway")
def test_one_command_is_worked_after_the_other(person: Person) -> None:
    """Of two commands for one bus the second must begin when the first has ended."""
    first, second = person.send("scan", QUICK), person.send("identify", {"bus": "bus", "address": 2})
    assert person.outcome(second).state == "done"
    order = [(result.id, result.state) for result in person.results if result.progress != "waiting for bus bus"]
    assert order.index((first, "done")) < min(at for at, (name, _) in enumerate(order) if name == second)


@pytest.mark.usefixtures("gateway")
def test_no_more_commands_wait_than_fit(person: Person) -> None:
    """One more must be refused at once; those that wait are not touched."""
    names = [person.send("scan", EVERYTHING) for _ in range(MOST)]
    refused = person.outcome(person.send("scan", EVERYTHING))
    assert refused.error == f"{MOST} commands already wait for bus bus; ask again later"
    assert all(result.state == "running" for name in names for result in person.told(name))


@pytest.mark.usefixtures("gateway")
def test_a_command_can_be_cancelled(person: Person) -> None:
    """The one at work and the one that waits must end, and the next one has its turn."""
    works, waits = person.send("scan", EVERYTHING), person.send("scan", EVERYTHING)
    wait_for(lambda: person.is_worked(works))
    person.send(CANCEL, {}, name=waits)
    person.send(CANCEL, {}, name=works)
    assert person.outcome(works).error == person.outcome(waits).error == "it was cancelled"
    assert person.outcome(person.send("identify", {"bus": "bus", "address": 2})).state == "done"


@pytest.mark.usefixtures("gateway")
def test_a_command_is_looked_at_when_its_turn_comes(person: Person) -> None:
    """A command that expires while it waits must not be begun."""
    works = person.send("scan", EVERYTHING)
    waits = person.send("identify", {"bus": "bus", "address": 2}, lifetime_s=2)
    wait_for(lambda: person.told(waits))
    expires = datetime.now(UTC) + timedelta(seconds=2)
    wait_for(lambda: datetime.now(UTC) > expires)
    person.send(CANCEL, {}, name=works)
    assert person.outcome(waits).error.startswith("it has expired at ")


def test_a_gateway_that_stops_says_so(gateway: Service, person: Person) -> None:
    """Commands at work and in wait must fail when the gateway is stopped."""
    works, waits = person.send("scan", EVERYTHING), person.send("scan", EVERYTHING)
    wait_for(lambda: person.is_worked(works))
    assert gateway.stop() == 0
    for name in (works, waits):
        assert person.outcome(name).error == "the gateway was stopped before it was done"


def test_a_bus_that_is_away_is_the_reason(broker: Broker, person: Person, tmp_path: Path) -> None:
    """A command on a bus that cannot be opened must fail with that, and the gateway goes on."""
    with TcpBus({}) as bus:
        port = bus.port
    with gateway_on(broker, port, tmp_path) as gateway:
        wait_for(lambda: "event=meter_offline" in gateway.log)
        for _ in range(2):
            outcome = person.outcome(person.send("identify", {"bus": "bus", "address": 2}))
            assert outcome.error.startswith("bus bus is away: ")


def test_an_outcome_outlives_the_connection(broker: Broker, gateway: Service, person: Person) -> None:
    """Whoever asks again with the same id after the broker's restart must be told the outcome of the first time."""
    name = person.send("scan", {"bus": "bus", "addresses": "3-8"})
    wait_for(lambda: person.is_worked(name))
    broker.kill()
    wait_for(lambda: f"event=command_ended id={name} state=done" in gateway.log)
    broker.start()

    def told_again() -> bool:
        try:
            person.send("scan", {"bus": "bus", "addresses": "3-8"}, name=name)
        except NotConnectedError:
            return False
        return any(result.state == "done" for result in person.told(name))

    wait_for(told_again, interval=0.5)
    assert gateway.log.count(f"event=command verb=scan id={name}") == 1


def test_a_password_is_never_logged(gateway: Service, person: Person) -> None:
    """Neither a command that is worked nor one with wrong arguments may show its password in the log."""
    arguments = {"bus": "bus", "address": 2, "to": 5, "password": 7391}
    person.outcome(person.send("set-address", arguments))
    person.outcome(person.send("set-address", {**arguments, "to": 500}))
    person.outcome(person.send("set-address", {**arguments, "password": "7391"}))
    assert "7391" not in gateway.log
    assert "7391" not in json.dumps([result.error for result in person.results])
