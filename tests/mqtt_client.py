"""A plain MQTT client for tests: any login and any MQTT version, and it remembers what it received."""

from dataclasses import dataclass
from threading import Event

from fix_broker import Broker
from paho.mqtt.client import Client as PahoClient
from paho.mqtt.client import MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from wait import wait_for

V5, V311 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311


class RefusedError(Exception):
    """The broker has refused the connection."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it came."""

    topic: str
    payload: bytes
    retained: bool


class Client:
    """A connection which stands once it is made, until `close`."""

    def __init__(
        self,
        broker: Broker,
        username: str | None,
        password: str | None = None,
        *,
        version: MQTTProtocolVersion = V5,
        port: int | None = None,
        ca_file: str | None = None,
        will: tuple[str, bytes] | None = None,
    ) -> None:
        """Connect; with a username and no password by the login's own password. Raises RefusedError."""
        self.received: list[Received] = []
        self.maximum_packet_size: int | None = None  # bytes, as the broker says to a client of MQTT 5
        self._answer: ReasonCode | None = None
        self._subscribed = Event()
        self._client = PahoClient(CallbackAPIVersion.VERSION2, protocol=version, reconnect_on_failure=False)
        if username:
            self._client.username_pw_set(username, password or broker.password(username))
        if ca_file:
            self._client.tls_set(ca_file)
        if will:
            self._client.will_set(*will, qos=1)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._on_message
        self._client.connect(broker.host, port or broker.port)
        self._client.loop_start()
        self._await_answer()

    def _await_answer(self) -> None:
        answer = wait_for(lambda: self._answer)
        assert answer
        if answer.is_failure:
            self.close()
            raise RefusedError(str(answer))

    def _on_connect(
        self, _client: PahoClient, _data: object, _flags: object, reason: ReasonCode, properties: object
    ) -> None:
        self.maximum_packet_size = getattr(properties, "MaximumPacketSize", None)
        self._answer = reason

    def _on_message(self, _client: PahoClient, _data: object, message: MQTTMessage) -> None:
        self.received.append(Received(message.topic, bytes(message.payload), message.retain))

    def subscribe(self, topic: str) -> None:
        """Subscribe with QoS 1 and wait for the answer, which grants everything: trust what is delivered."""
        self._subscribed.clear()
        self._client.subscribe(topic, qos=1)
        assert self._subscribed.wait(30)

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish with QoS 1 and wait for the answer; the broker has then passed the message on, or refused it."""
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(30)

    def wait_for(self, payload: bytes) -> list[Received]:
        """Return all that was received up to this payload, once it is there."""
        wait_for(lambda: any(message.payload == payload for message in self.received))
        return list(self.received)

    def close(self, *, with_will: bool = False) -> None:
        """Disconnect; with MQTT 5 one may ask the broker to publish the will all the same."""
        name = "Disconnect with will message" if with_will else "Normal disconnection"
        self._client.disconnect(reasoncode=ReasonCode(PacketTypes.DISCONNECT, name))
        self._client.loop_stop()
