"""The loop of the alerter: hear the topics, judge, keep the incidents on the broker, send mails.

Nothing is judged before everything that the broker retains has been heard, our own incidents among it. The broker
itself fails while there is no connection to it; meanwhile nothing else is judged. A mail counts as sent once the
server took it, and that is kept on the broker: killed in between, the alerter sends it once more.
"""

from collections.abc import Callable
from functools import partial
from itertools import groupby

from mmetering_contract.errors import ContractError, PayloadError
from mmetering_contract.incident import Incident, decode_incident
from mmetering_contract.topic import levels_after
from mmetering_runtime.event import Connected, Disconnected, Message
from mmetering_runtime.log import Log
from mmetering_runtime.mqtt import QUEUE_LENGTH, Session

from mmetering_alerter.cause import BROKER, Finding, Sign, find, sign_of_absent
from mmetering_alerter.config import Config
from mmetering_alerter.incident import Incidents
from mmetering_alerter.letter import Writer
from mmetering_alerter.mail import MailError, Postman
from mmetering_alerter.moment import Moment
from mmetering_alerter.mqtt import Shelf
from mmetering_alerter.refusals import Refusals
from mmetering_alerter.retry import Backoff
from mmetering_alerter.world import World

TURN_S = 0.2  # so long one turn waits for a message
SETTLED_S = 30.0  # a broker that has not sent us our own status by then never will, and has told what it retains

log = Log("alerter")


class Watch:
    """Everything that the alerter knows, and the one thread that works on it."""

    def __init__(self, config: Config, session: Session, postman: Postman, clock: Callable[[], Moment]) -> None:
        """Begin without a connection and without knowledge."""
        self._site = config.broker.site
        self._own_status = self._site.service_status("alerter", config.copy)
        self._silence = config.silence
        self._session = session
        self._postman = postman
        self._clock = clock
        self._away: Moment | None = clock()  # since when there is no connection
        self._connected = clock()
        self._coming: World | None = None  # fills with what the broker retains, then it is the world
        self._world = World(self._site)
        self._incidents = Incidents(config.delay)
        self._shelf = Shelf(session, self._site)
        self._writer = Writer(config.time_zone, config.web_url)
        self._backoff = Backoff()
        self._refusals = Refusals()
        self._dropped = 0

    def step(self) -> None:
        """Hear what has come, and act on it."""
        self._hear()
        if self._session.dropped > self._dropped:
            self._dropped = self._session.dropped
            log.warning("messages_dropped", dropped=self._dropped)
        now = self._clock()
        if self._coming and now.steady - self._connected.steady >= SETTLED_S:
            log.warning("own_status_unheard", topic=self._own_status)
            self._settle()
        self._judge(now)
        if not self._coming:
            self._mail(now)

    def _hear(self) -> None:
        """Take in all that waits, so that a judgement never rests on half of it."""
        timeout = TURN_S
        for _ in range(QUEUE_LENGTH):
            match self._session.next(timeout):
                case None:
                    return
                case Connected():
                    self._begin(self._clock())
                case Disconnected():
                    self._away = self._away or self._clock()
                    self._coming = None
                case Message() as message:
                    self._read(message, self._clock())
            timeout = 0

    def _begin(self, now: Moment) -> None:
        self._away = None
        self._connected = now
        self._coming = World(self._site)
        self._shelf.forget_all()

    def _settle(self) -> None:
        if self._coming:
            self._world, self._coming = self._coming, None
            log.info("watching", gateways=len(self._world.gateways), meters=len(self._world.meters))

    def _read(self, message: Message, now: Moment) -> None:
        try:
            if message.topic == self._own_status:
                if not message.retained:
                    self._settle()
            elif self._incident_of(message.topic):
                self._read_incident(message, now)
            else:
                (self._coming or self._world).apply(message.topic, message.payload, now, retained=message.retained)
        except ContractError as error:
            if self._refusals.count(message.topic, str(error)):
                log.warning("message_refused", topic=message.topic, reason=error, refused=self._refusals.total)

    def _read_incident(self, message: Message, now: Moment) -> None:
        """Learn what the broker holds; what comes live is our own word, or somebody cleared the topic."""
        name = self._incident_of(message.topic)
        if not message.payload:
            self._shelf.forget(name)
            self._incidents.forget(name)
            return
        incident = decode_incident(message.payload)
        if incident.id != name:
            raise PayloadError(f"the incident is {incident.id!r}")
        if message.retained:
            self._shelf.note(incident)
        self._incidents.adopt(incident, now)

    def _incident_of(self, topic: str) -> str:
        match levels_after(self._site, topic):
            case ("alert", name):
                return name
        return ""

    def _judge(self, now: Moment) -> None:
        broker = {BROKER: Finding(Sign.FAILING if self._away else Sign.WELL, (self._away or now).utc)}
        if self._away or self._coming:
            self._incidents.step(broker, now, absent=lambda _: Sign.UNKNOWN)
            return
        found = find(self._world, now, self._silence)
        self._incidents.step(broker | found, now, absent=partial(sign_of_absent, self._world))
        self._shelf.clear(self._incidents.forget_old(now.utc))
        self._shelf.put(self._incidents.book.values())

    def _mail(self, now: Moment) -> None:
        """Send what is due, one mail for each gateway and kind of news."""
        due = sorted(self._incidents.due(), key=_news)
        for _, news in groupby(due, key=_news):
            if not self._backoff.ready(now.steady):
                return
            self._send(list(news), now)

    def _send(self, incidents: list[Incident], now: Moment) -> None:
        letter = self._writer.write(incidents, self._world, now.utc)
        try:
            self._postman.send(letter)
        except MailError as error:
            wait = self._backoff.failed(self._clock().steady, permanent=error.permanent)
            log.error("mail_failed", subject=letter.subject, reason=error, permanent=error.permanent, again_in_s=wait)
            return
        self._backoff.succeeded()
        self._incidents.note_mailed(incidents)
        self._shelf.put(self._incidents.book.values())
        log.info("mail_sent", subject=letter.subject, incidents=",".join(letter.threads))


def _news(incident: Incident) -> tuple[str, bool]:
    return incident.gateway or "", incident.resolved is not None
