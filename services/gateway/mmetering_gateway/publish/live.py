"""The live state: the newest reading of each meter, whether it is there and how Home Assistant shows it, all retained.

It promises nothing: without a connection it is not sent, and on the next one the newest of each topic is.
"""

import threading
from functools import cache, partial

from mmetering_contract.payload import encode
from mmetering_contract.quantity import Group
from mmetering_contract.reading import Reading, live_of
from mmetering_contract.state import OFFLINE, ONLINE, MeterInfo
from mmetering_contract.topic import Site
from mmetering_runtime.mqtt import NotConnectedError, Session

from mmetering_gateway.publish.discovery import config_topic, discovery_of


class Live:
    """The retained topics of a gateway's meters. Any thread may call; callers of one topic are kept in order."""

    def __init__(self, session: Session, site: Site, gateway: str, epoch: str) -> None:
        """Publish over this session, for readings of this spool."""
        self._session = session
        self._site = site
        self._gateway = gateway
        self._epoch = epoch
        self._topic = cache(partial(site.live, gateway))
        self._lock = threading.Lock()
        self._newest: dict[str, tuple[bytes, int]] = {}  # topic to payload and QoS
        self._discovery: dict[str, bytes] = {}  # likewise, with QoS 1

    def reading(self, reading: Reading) -> None:
        """Publish a reading on its live topic."""
        self._retain(self._topic(reading.meter, reading.group), encode(live_of(reading, self._epoch)), qos=0)

    def meter(self, meter: str, info: MeterInfo, *, online: bool) -> None:
        """Publish what a meter is and whether it is there."""
        self._retain(self._site.meter_info(self._gateway, meter), encode(info), qos=1)
        self._retain(self._site.meter_status(self._gateway, meter), ONLINE if online else OFFLINE, qos=1)
        self._discover(meter, info)

    def forget(self, meter: str) -> None:
        """Clear all topics of a meter; its info comes last, so that what was interrupted is seen to be so."""
        readings = (self._site.live(self._gateway, meter, group) for group in Group)
        info, status = self._site.meter_info(self._gateway, meter), self._site.meter_status(self._gateway, meter)
        config = config_topic(self._gateway, meter)
        with self._lock:
            self._discovery.pop(config, None)
            for topic in (config, *readings, status, info):
                self._newest.pop(topic, None)
                self._publish(topic, b"", qos=1)

    def again(self) -> None:
        """Publish everything once more: the broker may have forgotten it."""
        with self._lock:
            for topic, (payload, qos) in self._newest.items():
                self._publish(topic, payload, qos)
        self.announce()

    def announce(self) -> None:
        """Tell Home Assistant of every meter once more."""
        with self._lock:
            for topic, payload in self._discovery.items():
                self._publish(topic, payload, qos=1)

    def _discover(self, meter: str, info: MeterInfo) -> None:
        """Publish how Home Assistant shows a meter, unless nothing of that has changed."""
        topic = config_topic(self._gateway, meter)
        payload = encode(discovery_of(self._site, self._gateway, meter, info))
        with self._lock:
            if self._discovery.get(topic) != payload:
                self._discovery[topic] = payload
                self._publish(topic, payload, qos=1)

    def _retain(self, topic: str, payload: bytes, qos: int) -> None:
        with self._lock:
            self._newest[topic] = payload, qos
            self._publish(topic, payload, qos)

    def _publish(self, topic: str, payload: bytes, qos: int) -> None:
        try:
            self._session.publish(topic, payload, qos=qos, retain=True)
        except NotConnectedError:
            return
