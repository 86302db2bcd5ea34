"""One MQTT 5 session over paho: it connects by itself, and again, and hands everything that happens to one queue.

Every connection is a new paho client with a clean start: nothing of an old connection survives in it, so a
message never goes out late and an acknowledgement never reaches a broker that did not send the message.
The callbacks only enqueue; what to do is decided by whoever calls `next`. The client is the network thread's alone.
"""

import queue
import random
import threading
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from mmetering_runtime.config import Broker
from mmetering_runtime.connection import Connection
from mmetering_runtime.event import Connected, Disconnected, Event, Message, Published
from mmetering_runtime.log import Log

KEEPALIVE_S = 15  # the broker sends our will at the latest 1.5 times this after the line went dead
BACKOFF_S = (0.5, 30.0)  # first and longest wait between two attempts to connect
QUEUE_LENGTH = 10_000  # events; a message beyond it is dropped and counted
# Messages that wait for who acknowledges them, at most, each counted with MESSAGE_BYTES besides its payload: Mosquitto
# 2.0 sends more than Receive Maximum allows once there is a backlog.
WINDOW_BYTES = 32 * 2**20
MESSAGE_BYTES = 1000
FAREWELL_S = 5.0  # for the broker to take our last word

log = Log("mqtt")


class NotConnectedError(Exception):
    """There is no connection now; publish again after the next `Connected`."""


class SessionDeadError(Exception):
    """The network thread has ended by itself; only a restart of the process helps."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A topic filter and the QoS wanted for it."""

    topic: str
    qos: int = 0


@dataclass(frozen=True, slots=True)
class Presence:
    """A retained topic that tells whether we are there: our will, and our first word on every connect."""

    topic: str
    online: bytes
    offline: bytes
    farewell: bytes | None = None  # our last word when we stop by ourselves, where it is not that of the will


class Session:
    """A connection to the broker that comes back by itself.

    `publish` may be called from any thread; `next` and `acknowledge` from one.
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        *,
        subscriptions: Sequence[Subscription] = (),
        presence: Presence | None = None,
        receive_maximum: int | None = None,
    ) -> None:
        """Prepare a session; `start` connects.

        Args:
            broker: where to connect and as whom.
            client_id: unique at the broker.
            subscriptions: asked for on every connect.
            presence: the will, if any.
            receive_maximum: with a number, messages of QoS 1 are acknowledged by `acknowledge` only, and
                the broker has at most so many of them under way (Mosquitto 2.0 exceeds that once more are waiting);
                with None they are acknowledged on arrival. Of what comes beyond WINDOW_BYTES nothing is dropped in
                silence: the connection ends, which takes everything back that is not acknowledged, and begins anew
                when what waits has been taken.
        """
        self._broker = broker
        self._client_id = client_id
        self._topics = [(subscription.topic, subscription.qos) for subscription in subscriptions]
        self._presence = presence
        self._receive_maximum = receive_maximum
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._connection: Connection | None = None
        self._generation = 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"mqtt-{client_id}", daemon=True)
        self._paused = False
        self._received_bytes = 0  # counted by the network thread
        self._taken_bytes = 0  # counted by whoever calls `next`
        self.dropped = 0  # messages that found the queue full
        self.overruns = 0  # connections that were ended because too much came

    def start(self) -> None:
        """Begin to connect, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """Disconnect; the broker then publishes our will, unless it has taken our farewell."""
        said_farewell = self._say_farewell()
        self._stopping.set()
        if connection := self._connection:
            connection.leave(with_will=not said_farewell)
        if self._thread.ident:
            self._thread.join(timeout=10)

    @property
    def connected(self) -> bool:
        """Whether a connection stands now."""
        return self._connection is not None

    def next(self, timeout: float) -> Event | None:
        """Return the next thing that happened, or None after `timeout` seconds without one.

        Raises:
            SessionDeadError: the network thread has ended.
        """
        try:
            event = self._events.get(timeout=timeout) if timeout > 0 else self._events.get_nowait()
        except queue.Empty:
            if not self._thread.is_alive() and not self._stopping.is_set():
                raise SessionDeadError(self._client_id) from None
            return None
        if isinstance(event, Message):
            self._taken_bytes += _size(event)
        return event

    @property
    def waiting_bytes(self) -> int:
        """The size of the messages that wait for `next`."""
        return self._received_bytes - self._taken_bytes

    def pause(self) -> None:
        """Take the subscriptions back until `resume`: the broker then gives the messages to others, or says 0x10."""
        self._paused = True
        if connection := self._connection:
            connection.unsubscribe([topic for topic, _ in self._topics])

    def resume(self) -> None:
        """Subscribe again, and say so by the presence, as on every connect."""
        self._paused = False
        if connection := self._connection:
            connection.subscribe(self._topics)
            if self._presence:
                connection.publish(self._presence.topic, self._presence.online, 1, None, retain=True)

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 0,
        retain: bool = False,
        properties: Sequence[tuple[str, str]] = (),
    ) -> tuple[int, int]:
        """Hand a message to the current connection and return its token.

        Raises:
            NotConnectedError: there is none, or it ended just now; the message is not kept.
        """
        generation, connection = self._generation, self._connection
        if connection is None:
            raise NotConnectedError
        return generation, connection.publish(topic, payload, qos, _user_properties(properties), retain=retain)

    def settle(self, tokens: Collection[tuple[int, int]], timeout: float) -> None:
        """Wait until the broker has answered these publications; whatever else happens meanwhile is passed over.

        To be called before `stop`: a socket that is closed while answers lie in it unread is reset, and the broker
        then never sees what it had not read yet.
        """
        left, deadline = set(tokens), time.monotonic() + timeout
        with suppress(SessionDeadError):
            while left and self.connected and (wait := deadline - time.monotonic()) > 0:
                event = self.next(wait)
                if isinstance(event, Published):
                    left.discard(event.token)

    def acknowledge(self, message: Message) -> None:
        """Acknowledge a message, if the connection that brought it still stands; else it is void."""
        connection = self._connection
        if connection and message.qos > 0 and message.generation == self._generation:
            connection.acknowledge(message.mid, message.qos)

    def _say_farewell(self) -> bool:
        """Publish our last word, if there is one, and return whether there was a connection for it."""
        presence = self._presence
        if presence is None or presence.farewell is None:
            return False
        try:
            token = self.publish(presence.topic, presence.farewell, qos=1, retain=True)
        except NotConnectedError:
            return False
        self.settle([token], FAREWELL_S)
        return True

    # The network thread.

    def _run(self) -> None:
        try:
            self._keep_connected()
        except Exception:  # the outermost loop; `next` tells of its end
            log.exception("mqtt_died")

    def _keep_connected(self) -> None:
        wait = BACKOFF_S[0]
        while not self._stopping.is_set():
            before = self._generation
            try:
                self._one_connection()
            except OSError as error:
                log.warning("mqtt_unreachable", host=self._broker.host, port=self._broker.port, reason=error)
            wait = BACKOFF_S[0] if self._generation > before else min(wait * 2, BACKOFF_S[1])
            self._stopping.wait(wait * random.uniform(0.5, 1))  # noqa: S311 spreads reconnects, keeps no secret
            while self._receive_maximum and self.waiting_bytes > WINDOW_BYTES / 2 and not self._stopping.is_set():
                self._stopping.wait(BACKOFF_S[0])

    def _one_connection(self) -> None:
        client = self._new_client()
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]  # paho leaves it untyped
        properties.SessionExpiryInterval = 0
        if self._receive_maximum:
            properties.ReceiveMaximum = self._receive_maximum
        with Connection(client, self._on_answer) as connection:
            client.on_connect = partial(self._on_connect, connection)
            client.connect(self._broker.host, self._broker.port, KEEPALIVE_S, clean_start=True, properties=properties)
            try:
                connection.serve()
            finally:
                if self._connection:
                    self._connection = None
                    self._events.put(Disconnected(self._generation))

    def _new_client(self) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            self._client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            manual_ack=self._receive_maximum is not None,
            reconnect_on_failure=False,
        )
        client.username_pw_set(self._broker.username, self._broker.password)
        client.suppress_exceptions = False
        if self._broker.ca_file:
            client.tls_set(ca_certs=self._broker.ca_file)
        if self._presence:
            client.will_set(self._presence.topic, self._presence.offline, qos=1, retain=True)
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _on_connect(
        self,
        connection: Connection,
        client: Client,
        _data: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            log.error("mqtt_refused", host=self._broker.host, username=self._broker.username, reason=reason)
            return
        self._generation += 1
        was_paused = self._paused
        if self._topics and not was_paused:
            client.subscribe(self._topics)
        if self._presence:
            client.publish(self._presence.topic, self._presence.online, qos=1, retain=True)
        self._connection = connection
        if was_paused and not self._paused:  # `resume` may have looked before `self._connection` was set
            connection.subscribe(self._topics)
        log.info("mqtt_connected", host=self._broker.host, port=self._broker.port)
        self._events.put(Connected(self._generation))
        if self._stopping.is_set():  # `stop` may have looked before `self._connection` was set
            connection.leave()

    def _on_disconnect(
        self,
        _client: Client,
        _data: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if not self._stopping.is_set():
            log.warning("mqtt_disconnected", reason=reason)

    def _on_message(self, _client: Client, _data: object, message: MQTTMessage) -> None:
        event = Message(
            message.topic,
            bytes(message.payload),
            message.retain,
            tuple(getattr(message.properties, "UserProperty", ())),
            message.qos,
            message.mid,
            self._generation,
        )
        if not self._receive_maximum or self.waiting_bytes <= WINDOW_BYTES:
            self._put(event)
        elif connection := self._connection:
            self._connection = None
            self.overruns += 1
            log.warning("mqtt_overrun", waiting_bytes=self.waiting_bytes)
            self._events.put(Disconnected(self._generation))
            connection.leave()

    def _on_answer(self, number: int, reason: int) -> None:
        self._put(Published((self._generation, number), reason))

    def _put(self, event: Message | Published) -> None:
        if self._events.qsize() >= QUEUE_LENGTH and not self._receive_maximum:
            self.dropped += 1
            return
        if isinstance(event, Message):
            self._received_bytes += _size(event)
        self._events.put(event)


def _size(message: Message) -> int:
    return len(message.payload) + MESSAGE_BYTES


def _user_properties(pairs: Sequence[tuple[str, str]]) -> Properties | None:
    if not pairs:
        return None
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho leaves it untyped
    properties.UserProperty = list(pairs)
    return properties
