"""One connection to the broker: a paho client that a single thread touches. Others leave it work.

paho lets any thread publish, but wakes its own thread for each message, and makes three objects for each of QoS 0 to
tell that it has left: that costs more than to send it. Here the thread is woken once for all that waits.
"""

import select
import socket
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from types import TracebackType
from typing import Self

from paho.mqtt.client import Client
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

SELECT_S = 1.0  # how often the client looks after its keepalive
WAKING_BYTES = 64  # there is one, or a few where threads race


class Connection:
    """A connection from its context's begin to its end. Any thread may `publish`, `acknowledge` and `leave`."""

    def __init__(self, client: Client, answered: Callable[[int, int], None]) -> None:
        """Serve a client; the number of each message that the broker answers goes to `answered`, with the reason."""
        self.client = client
        self._answered = answered
        self._numbers = count(1)
        self._under_way: dict[int, int] = {}  # packet id to number, of QoS 1
        self._work: deque[Callable[[], object]] = deque()
        self._woken, self._waker = socket.socketpair()
        self._is_woken = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._woken.close()
        self._waker.close()

    def publish(self, topic: str, payload: bytes, qos: int, properties: Properties | None, *, retain: bool) -> int:
        """Have a message sent, if the connection stands so long; return its number."""
        number = next(self._numbers)

        def send() -> None:
            packet = self.client.publish(topic, payload, qos=qos, retain=retain, properties=properties).mid
            if qos:
                self._under_way[packet] = number

        self._do(send)
        return number

    def acknowledge(self, packet: int, qos: int) -> None:
        """Have a message acknowledged by its packet id."""
        self._do(lambda: self.client.ack(packet, qos))

    def subscribe(self, topics: list[tuple[str, int]]) -> None:
        """Have topic filters subscribed to, each with its QoS."""
        self._do(lambda: self.client.subscribe(topics))

    def unsubscribe(self, topics: list[str]) -> None:
        """Have topic filters given up."""
        self._do(lambda: self.client.unsubscribe(topics))

    def leave(self, *, with_will: bool = True) -> None:
        """Have the connection ended behind all else; the broker then publishes the will, if it is to."""
        reason = "Disconnect with will message" if with_will else "Normal disconnection"
        self._do(lambda: self.client.disconnect(ReasonCode(PacketTypes.DISCONNECT, reason)))

    def _do(self, work: Callable[[], object]) -> None:
        self._work.append(work)
        if not self._is_woken:
            self._is_woken = True
            with suppress(OSError):  # the connection has ended
                self._waker.send(b"\0")

    # The thread of the client.

    def serve(self) -> None:
        """Send and receive until the connection has ended."""
        while self._turn() == MQTTErrorCode.MQTT_ERR_SUCCESS:
            pass

    def _turn(self) -> MQTTErrorCode:
        """Wait until there is something to do, and do it."""
        link = self.client.socket()
        if link is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        pending = isinstance(link, ssl.SSLSocket) and link.pending() > 0
        writing = [link] if self.client.want_write() else []
        readable, writable, _ = select.select([link, self._woken], writing, [], 0 if pending else SELECT_S)
        if (pending or link in readable) and (error := self._read()):
            return error
        if self._woken in readable:
            self._work_off()
        if writable and (error := self.client.loop_write()):
            return error
        return self.client.loop_misc()

    def _read(self) -> MQTTErrorCode:
        """Take what has come; only now paho is to tell of answers, and of nothing that it writes."""
        self.client.on_publish = self._on_publish
        try:
            return self.client.loop_read()
        finally:
            self.client.on_publish = None

    def _work_off(self) -> None:
        self._woken.recv(WAKING_BYTES)
        self._is_woken = False
        while self._work:
            self._work.popleft()()

    def _on_publish(
        self, _client: Client, _data: object, packet: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        if number := self._under_way.pop(packet, None):
            self._answered(number, reason.value)
