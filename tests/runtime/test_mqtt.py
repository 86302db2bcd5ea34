"""One MQTT session: it comes back by itself, keeps nothing of an old connection, and hides nothing."""

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from uuid import uuid4

import mmetering_runtime.mqtt
import pytest
from fix_broker import Broker
from mmetering_contract.record import BATCH_BYTES
from mmetering_contract.topic import Site
from mmetering_runtime import config
from mmetering_runtime.event import Connected, Disconnected, Event, Message, Published
from mmetering_runtime.mqtt import NotConnectedError, Presence, Session, SessionDeadError, Subscription
from mqtt_client import Client
from tls import serve_tls
from wait import wait_for

pytestmark = pytest.mark.servers

SITE = Site("home")
BATCH, ALERT, STATUS = SITE.batch("main"), SITE.alert("x"), SITE.gateway_status("main")
BATCHES_AND_ALERTS = (Subscription(SITE.batch(), 1), Subscription(SITE.alert(), 0))
PRESENCE = Presence(STATUS, b"online", b"offline")


def collect(session: Session, last: Callable[[Event], bool]) -> list[Event]:
    """Return what happens, in order, up to the first event for which `last` is true, and with it."""
    events: list[Event] = []
    while not events or not last(events[-1]):
        event = session.next(30)
        assert event is not None, f"nothing more came after {events}"
        events.append(event)
    return events


def take(session: Session, number: int) -> list[Message]:
    """Return the next messages."""
    events = [collect(session, lambda event: isinstance(event, Message))[-1] for _ in range(number)]
    return [event for event in events if isinstance(event, Message)]


def before(session: Session, payload: bytes) -> list[bytes]:
    """Return the payloads of all messages that came before this one."""
    events = collect(session, lambda event: isinstance(event, Message) and event.payload == payload)
    return [event.payload for event in events[:-1] if isinstance(event, Message)]


def answer(session: Session, token: tuple[int, int]) -> int:
    """Return the reason code with which the broker answers a publication."""
    event = collect(session, lambda event: isinstance(event, Published) and event.token == token)[-1]
    assert isinstance(event, Published)
    return event.reason


def settle(session: Session) -> list[Event]:
    """Return what happens until the broker has dealt with all that the session sent up to now."""
    token = session.publish("nobody/may", b"", qos=1)  # refused, but in its turn
    return collect(session, lambda event: isinstance(event, Published) and event.token == token)[:-1]


def await_connection(session: Session, generation: int) -> list[Event]:
    """Return what happens until a connection stands and the broker has seen the subscriptions."""
    events = collect(session, lambda event: event == Connected(generation))
    settle(session)
    return events


def is_refused(session: Session, payload: bytes) -> bool:
    """Publish, and return whether that was refused."""
    try:
        session.publish(BATCH, payload, qos=1)
    except NotConnectedError:
        return True
    return False


class Start:
    """Starts sessions and waits for their first connection."""

    def __init__(self, broker: Broker) -> None:
        """Start them at this broker."""
        self._broker = broker
        self.sessions: list[Session] = []

    def __call__(
        self,
        login: str,
        *,
        subscriptions: tuple[Subscription, ...] = (),
        presence: Presence | None = None,
        receive_maximum: int | None = None,
        port: int | None = None,
        ca_file: str | None = None,
    ) -> Session:
        """Return a session that is connected; its retained messages have been passed over."""
        broker = self._broker
        session = Session(
            config.Broker(SITE, broker.host, port or broker.port, login, broker.password(login), ca_file),
            f"test-{login}-{uuid4().hex[:8]}",
            subscriptions=subscriptions,
            presence=presence,
            receive_maximum=receive_maximum,
        )
        self.sessions.append(session)
        session.start()
        assert await_connection(session, 1) == [Connected(1)]
        return session


@pytest.fixture
def start(broker: Broker) -> Iterator[Start]:
    """Give what starts sessions; in the end they are stopped."""
    start = Start(broker)
    yield start
    for session in start.sessions:
        session.stop()


@pytest.fixture
def alerter(broker: Broker) -> Iterator[Client]:
    """Give a login that publishes alerts."""
    client = Client(broker, "alerter")
    yield client
    client.close()


@pytest.fixture
def reader(broker: Broker) -> Iterator[Client]:
    """Give a login that watches the gateway's status."""
    client = Client(broker, "reader")
    client.subscribe(STATUS)
    yield client
    client.close()


def test_a_session_receives(start: Start) -> None:
    """A message must arrive with topic, payload and user properties."""
    ingest, gateway = start("ingest", subscriptions=BATCHES_AND_ALERTS), start("main")
    properties = (("epoch", "e"), ("seqs", "1-2"))
    gateway.publish(BATCH, b"new", qos=1, properties=properties)
    (message,) = take(ingest, 1)
    assert (message.topic, message.payload, message.qos, message.properties) == (BATCH, b"new", 1, properties)
    assert (message.retained, message.generation) == (False, 1)


def test_a_session_receives_what_was_retained(broker: Broker, start: Start, alerter: Client) -> None:
    """On every connect the retained messages must come, and be known as such."""
    ingest = start("ingest", subscriptions=BATCHES_AND_ALERTS)
    alerter.publish(ALERT, b"old", retain=True)
    assert not take(ingest, 1)[0].retained
    broker.stop()  # saves it
    broker.start()
    (message,) = take(ingest, 1)
    assert (message.topic, message.payload, message.retained) == (ALERT, b"old", True)
    assert (message.qos, message.generation, message.properties) == (0, 2, ())


def test_the_answer_of_the_broker(start: Start) -> None:
    """A publication must be told apart as taken, as wanted by nobody (0x10), and as refused by the ACL (0x87)."""
    gateway = start("main")
    assert answer(gateway, gateway.publish(BATCH, b"x", qos=1)) == 0x10
    ingest = start("ingest", subscriptions=BATCHES_AND_ALERTS)
    wait_for(lambda: answer(gateway, gateway.publish(BATCH, b"x", qos=1)) == 0)
    assert take(ingest, 1)
    assert answer(gateway, gateway.publish(SITE.receipt("main"), b"x", qos=1)) == 0x87


def test_of_qos_0_nothing_is_told(start: Start) -> None:
    """Only what the broker answers is told of; a message of QoS 0 arrives all the same."""
    ingest, gateway = start("ingest", subscriptions=BATCHES_AND_ALERTS), start("main")
    gateway.publish(BATCH, b"x")
    assert settle(gateway) == []
    assert take(ingest, 1)[0].payload == b"x"


def test_what_was_published_goes_out_before_the_end(start: Start) -> None:
    """All that was handed over is sent, in its order, before the session says good-bye."""
    ingest, gateway = start("ingest", subscriptions=BATCHES_AND_ALERTS), start("main")
    sent = [str(number).encode() for number in range(100)]
    for payload in sent:
        gateway.publish(BATCH, payload)
    gateway.stop()
    assert [message.payload for message in take(ingest, len(sent))] == sent


def test_presence_while_it_runs_and_after_it_stops(broker: Broker, start: Start, reader: Client) -> None:
    """The status must be `online` while the session stands, and `offline` as soon as it is stopped."""
    gateway = start("main", presence=PRESENCE)
    reader.wait_for(b"online")
    gateway.stop()
    assert [message.payload for message in reader.wait_for(b"offline")] == [b"online", b"offline"]
    assert not gateway.connected
    newcomer = Client(broker, "reader")
    newcomer.subscribe(STATUS)
    assert newcomer.wait_for(b"offline")[0].retained
    newcomer.close()


def test_presence_after_a_kill(broker: Broker, reader: Client) -> None:
    """When a process dies without a word, the broker must say `offline` for it."""
    program = f"""
        import threading
        from mmetering_contract.topic import Site
        from mmetering_runtime.config import Broker
        from mmetering_runtime.mqtt import Presence, Session
        password = open({str(broker.password_file("main"))!r}).read().strip()
        broker = Broker(Site("home"), {broker.host!r}, {broker.port}, "main", password)
        Session(broker, "killed", presence=Presence({STATUS!r}, b"online", b"offline")).start()
        threading.Event().wait()
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)]) as process:
        try:
            reader.wait_for(b"online")
        finally:
            process.kill()
    reader.wait_for(b"offline")


def test_stopped_before_it_is_connected(broker: Broker, reader: Client) -> None:
    """A session that is stopped while it connects must not stay behind and say that it is there."""
    settings = config.Broker(SITE, broker.host, broker.port, "main", broker.password("main"))
    for number in range(20):
        session = Session(settings, f"short-{number}", presence=PRESENCE)
        session.start()
        session.stop()
        assert f"mqtt-short-{number}" not in [thread.name for thread in threading.enumerate()]
        assert not session.connected
    wait_for(lambda: [message.payload for message in reader.received][-1:] in ([], [b"offline"]))


def test_it_comes_back_after_the_broker_crashed(broker: Broker, start: Start) -> None:
    """After the broker's death the session must be back by itself, in a new generation, with all it subscribed to."""
    ingest = start("ingest", subscriptions=BATCHES_AND_ALERTS)
    gateway = start("main", presence=PRESENCE)
    broker.kill()
    assert collect(ingest, lambda event: event == Disconnected(1)) == [Disconnected(1)]
    assert not ingest.connected
    broker.start()
    assert await_connection(ingest, 2) == [Connected(2)]
    await_connection(gateway, 2)
    token = gateway.publish(BATCH, b"again", qos=1)
    assert token[0] == 2
    assert answer(gateway, token) == 0
    (message,) = take(ingest, 1)
    assert (message.payload, message.generation) == (b"again", 2)
    reader = Client(broker, "reader")
    reader.subscribe(STATUS)
    reader.wait_for(b"online")
    reader.close()


def test_nothing_goes_out_late(broker: Broker, start: Start) -> None:
    """What is published while the broker is away must be refused or lost, but never arrive afterwards."""
    gateway = start("main")
    broker.kill()
    wait_for(lambda: is_refused(gateway, b"late"), interval=0)  # until it sees the end, the session takes messages
    broker.start()
    ingest = start("ingest", subscriptions=BATCHES_AND_ALERTS)
    events = await_connection(gateway, 2)
    assert not [event for event in events if isinstance(event, Published)]
    assert answer(gateway, gateway.publish(BATCH, b"in time", qos=1)) == 0
    assert before(ingest, b"in time") == []


def test_without_a_broker_publishing_is_refused(broker: Broker, start: Start) -> None:
    """Between two connections every publication must be refused at once."""
    gateway = start("main")
    broker.kill()
    collect(gateway, lambda event: event == Disconnected(1))
    assert is_refused(gateway, b"x")


def test_a_window_bounds_what_is_under_way(start: Start) -> None:
    """Unacknowledged, only receive_maximum messages must come, and no other; acknowledged, all, in order, each once."""
    ingest = start("ingest", subscriptions=BATCHES_AND_ALERTS, receive_maximum=5)
    gateway = start("main")
    sent = [str(number).encode() for number in range(40)]
    tokens = [gateway.publish(BATCH, payload, qos=1) for payload in sent]
    assert answer(gateway, tokens[-1]) == 0
    messages = take(ingest, 5)
    assert settle(ingest) == []
    for number in range(5, len(sent)):
        ingest.acknowledge(messages[number - 5])
        messages += take(ingest, 1)
    assert [message.payload for message in messages] == sent


def test_a_broker_that_sends_too_much_is_left_until_there_is_room(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory must stay bounded, what waits must not be lost, and the rest must come when it is sent again."""
    monkeypatch.setattr(mmetering_runtime.mqtt, "WINDOW_BYTES", 20_000)
    ingest = start("ingest", subscriptions=BATCHES_AND_ALERTS, receive_maximum=1000)
    gateway = start("main")
    tokens = [gateway.publish(BATCH, str(number).encode().ljust(1000), qos=1) for number in range(40)]
    wait_for(lambda: ingest.overruns == 1)
    answer(gateway, tokens[-1])
    assert not ingest.connected
    messages = take(ingest, 5)
    assert ingest.waiting_bytes > 20_000 / 2
    assert not ingest.connected
    events = collect(ingest, lambda event: event == Connected(2))
    messages += [event for event in events if isinstance(event, Message)]
    assert [int(message.payload) for message in messages] == list(range(len(messages)))
    assert len(messages) == 11
    assert ingest.waiting_bytes == 0
    settle(ingest)
    gateway.publish(BATCH, b"again", qos=1)
    (again,) = take(ingest, 1)
    assert again.generation == 2


def test_while_paused_the_broker_says_that_nobody_is_there(start: Start) -> None:
    """Others must get the messages, or their sender be told; resumed, it must get them again."""
    ingest = start("ingest", subscriptions=BATCHES_AND_ALERTS)
    gateway = start("main")
    ingest.pause()
    settle(ingest)
    assert answer(gateway, gateway.publish(BATCH, b"nobody", qos=1)) == 0x10
    ingest.resume()
    settle(ingest)
    assert answer(gateway, gateway.publish(BATCH, b"somebody", qos=1)) == 0
    assert take(ingest, 1)[0].payload == b"somebody"


def test_paused_it_stays_so_over_a_new_connection(broker: Broker, start: Start) -> None:
    """A session that comes back must not ask for messages before it is resumed."""
    ingest, gateway = start("ingest", subscriptions=BATCHES_AND_ALERTS), start("main")
    ingest.pause()
    broker.kill()
    broker.start()
    for session in (ingest, gateway):
        await_connection(session, 2)
    assert answer(gateway, gateway.publish(BATCH, b"nobody", qos=1)) == 0x10
    ingest.resume()
    settle(ingest)
    assert answer(gateway, gateway.publish(BATCH, b"somebody", qos=1)) == 0


def test_a_farewell_takes_the_place_of_the_will(start: Start, reader: Client) -> None:
    """Who stops by himself may take his status away instead."""
    gateway = start("main", presence=Presence(STATUS, b"online", b"offline", farewell=b""))
    reader.wait_for(b"online")
    gateway.stop()
    assert [message.payload for message in reader.wait_for(b"")] == [b"online", b""]


def test_an_old_acknowledgement_is_void(broker: Broker, start: Start) -> None:
    """A message of a lost connection must not be acknowledged on the next one: its number means another there."""
    ingest = start("ingest", subscriptions=BATCHES_AND_ALERTS, receive_maximum=1)
    gateway = start("main")
    gateway.publish(BATCH, b"lost", qos=1)
    (old,) = take(ingest, 1)
    broker.kill()
    broker.start()
    for session in (ingest, gateway):
        await_connection(session, 2)
    for payload in (b"first", b"second"):
        assert answer(gateway, gateway.publish(BATCH, payload, qos=1)) == 0
    (first,) = take(ingest, 1)
    assert (first.payload, first.mid) == (b"first", old.mid)
    ingest.acknowledge(old)
    assert settle(ingest) == []
    ingest.acknowledge(first)
    assert take(ingest, 1)[0].payload == b"second"


def test_threads_do_not_mix_their_messages(start: Start) -> None:
    """Large messages that several threads publish at once must arrive whole, each once."""
    ingest, gateway = start("ingest", subscriptions=BATCHES_AND_ALERTS), start("main")

    def publish(name: int) -> None:
        for number in range(60):
            gateway.publish(BATCH, f"{name} {number} ".encode().ljust(BATCH_BYTES, b"."))  # QoS 0 waits for nobody

    threads = [threading.Thread(target=publish, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    payloads = [message.payload for message in take(ingest, 4 * 60)]
    for thread in threads:
        thread.join()
    expected = {f"{name} {number} ".encode().ljust(BATCH_BYTES, b".") for name in range(4) for number in range(60)}
    assert len(payloads) == len(expected)
    assert set(payloads) == expected


def test_a_dead_network_thread_is_told(
    start: Start, alerter: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An exception where nobody expects one must end in SessionDeadError and a log line, not in silence."""
    ingest = start("ingest", subscriptions=BATCHES_AND_ALERTS)

    def broken(*_: object) -> None:
        raise LookupError("no more memory for messages")

    monkeypatch.setattr(mmetering_runtime.mqtt, "_size", broken)
    alerter.publish(ALERT, b"x")
    assert collect(ingest, lambda event: event == Disconnected(1)) == [Disconnected(1)]
    with pytest.raises(SessionDeadError):
        wait_for(lambda: ingest.next(0.1))
    assert not ingest.connected
    assert is_refused(ingest, b"x")
    (record,) = [record for record in caplog.records if record.getMessage() == "mqtt_died"]
    assert record.exc_info
    assert record.exc_info[0] is LookupError


def test_a_full_queue_drops_and_counts(start: Start, alerter: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """When nobody takes the messages, memory must stay bounded and every loss be counted."""
    ingest = start("ingest", subscriptions=BATCHES_AND_ALERTS)
    monkeypatch.setattr(mmetering_runtime.mqtt, "QUEUE_LENGTH", 3)
    for number in range(10):
        alerter.publish(ALERT, str(number).encode())
    wait_for(lambda: ingest.dropped == 7)
    assert [message.payload for message in take(ingest, 3)] == [b"0", b"1", b"2"]
    alerter.publish(ALERT, b"end")
    assert before(ingest, b"end") == []


def test_a_wrong_password_is_logged_and_tried_again(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    """A refused login must be visible, without the password, and not end the session: a person may mend it."""
    session = Session(config.Broker(SITE, broker.host, broker.port, "main", "wrong-one"), "refused")
    session.start()
    wait_for(lambda: [record.getMessage() for record in caplog.records].count("mqtt_refused") >= 2)
    assert not session.connected
    session.stop()
    assert "wrong-one" not in caplog.text
    assert session.next(0) is None


def test_a_session_with_tls(broker: Broker, start: Start) -> None:
    """With the authority's file the session must connect to the TLS listener."""
    port = serve_tls(broker)
    gateway = start("main", port=port, ca_file=str(broker.directory / "tls/ca.crt"))
    assert answer(gateway, gateway.publish(BATCH, b"x", qos=1)) == 0x10
