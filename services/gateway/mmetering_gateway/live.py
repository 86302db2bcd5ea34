"""The live state: the newest reading of each meter and whether it is there, retained at the broker.

It promises nothing: without a connection it is not sent, and on the next one the newest of each topic is.
"""

import threading

from mmetering_contract.payload import encode
from mmetering_contract.reading import Reading, live_of
from mmetering_contract.state import OFFLINE, ONLINE, MeterInfo
from mmetering_contract.topic import Site
from mmetering_runtime.mqtt import NotConnectedError, Session


class Live:
    """The retained topics of a gateway's meters. Any thread may call; callers of one topic are kept in order."""

    def __init__(self, session: Session, site: Site, gateway: str, epoch: str) -> None:
        """Publish over this session, for readings of this spool."""
        self._session = session
        self._site = site
        self._gateway = gateway
        self._epoch = epoch
        self._lock = threading.Lock()
        self._newest: dict[str, tuple[bytes, int]] = {}  # topic to payload and QoS

    def reading(self, reading: Reading) -> None:
        """Publish a reading on its live topic."""
        topic = self._site.live(self._gateway, reading.meter, reading.group)
        self._retain(topic, encode(live_of(reading, self._epoch)), qos=0)

    def meter(self, meter: str, info: MeterInfo, *, online: bool) -> None:
        """Publish what a meter is and whether it is there."""
        self._retain(self._site.meter_info(self._gateway, meter), encode(info), qos=1)
        self._retain(self._site.meter_status(self._gateway, meter), ONLINE if online else OFFLINE, qos=1)

    def again(self) -> None:
        """Publish everything once more: the broker may have forgotten it."""
        with self._lock:
            for topic, (payload, qos) in self._newest.items():
                self._publish(topic, payload, qos)

    def _retain(self, topic: str, payload: bytes, qos: int) -> None:
        with self._lock:
            self._newest[topic] = payload, qos
            self._publish(topic, payload, qos)

    def _publish(self, topic: str, payload: bytes, qos: int) -> None:
        try:
            self._session.publish(topic, payload, qos=qos, retain=True)
        except NotConnectedError:
            return
