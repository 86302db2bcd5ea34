"""What the alerter asks of the broker: the topics to watch, and to keep its incidents, retained."""

from collections.abc import Iterable

from mmetering_contract.incident import Incident
from mmetering_contract.payload import encode
from mmetering_contract.state import OFFLINE, ONLINE
from mmetering_contract.topic import Site
from mmetering_runtime.config import Broker
from mmetering_runtime.mqtt import NotConnectedError, Presence, Session, Subscription


def open_session(broker: Broker, copy: str) -> Session:
    """Return a session, not yet started, that watches everything the alerter decides by.

    It also hears its own status: what the broker retains comes before that, so that then nothing is missing.
    """
    site = broker.site
    of_gateways = (site.gateway_status(), site.meter_status(), site.meter_info())
    watched = (*of_gateways, site.service_status("ingest"), site.label(), site.alert())
    status = site.service_status("alerter", copy)
    return Session(
        broker,
        f"mmetering-alerter-{copy}",
        subscriptions=[
            Subscription(site.live()),
            Subscription(site.service_health("ingest")),
            *(Subscription(topic, qos=1) for topic in watched),
            Subscription(status, qos=1),
        ],
        presence=Presence(status, ONLINE, OFFLINE),
    )


class Shelf:
    """What the broker holds of the incidents: put there what it lacks, take away what is old."""

    def __init__(self, session: Session, site: Site) -> None:
        """Begin with an empty shelf."""
        self._session = session
        self._site = site
        self._held: dict[str, int] = {}  # id to revision, also of what is on its way

    def forget_all(self) -> None:
        """Know nothing: a new connection begins."""
        self._held.clear()

    def forget(self, name: str) -> None:
        """Know that the broker does not hold this incident any more."""
        self._held.pop(name, None)

    def note(self, incident: Incident) -> None:
        """Know that the broker holds this."""
        self._held[incident.id] = incident.revision

    def put(self, incidents: Iterable[Incident]) -> None:
        """Publish what the broker does not hold in its newest revision; without a connection, nothing."""
        for incident in incidents:
            if self._held.get(incident.id) != incident.revision and self._publish(incident.id, encode(incident)):
                self.note(incident)

    def clear(self, names: Iterable[str]) -> None:
        """Take incidents off; one that stays, for want of a connection, is read back and cleared the next time."""
        for name in names:
            self._publish(name, b"")
            self.forget(name)

    def _publish(self, name: str, payload: bytes) -> bool:
        try:
            self._session.publish(self._site.alert(name), payload, qos=1, retain=True)
        except NotConnectedError:
            return False
        return True
