"""The course of incidents: pending -> open -> ending -> resolved. Pure; the topics `alert/…` are its memory.

A failure must last `delay` before it is told of, and so must its end: what flaps is one incident. Failures of one
gateway that begin together are opened together, and none is opened while a greater one explains it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from hashlib import blake2b

from mmetering_contract.incident import Incident
from msgspec.structs import replace

from mmetering_alerter.cause import Finding, Sign, Subject
from mmetering_alerter.moment import Moment


class State(Enum):
    """How far a failure has come."""

    PENDING = auto()  # it fails, but not yet for long
    OPEN = auto()  # there is an incident
    ENDING = auto()  # it is well again, but not yet for long


AT_ONCE: dict[tuple[State | None, Sign], State | None] = {
    # from            when          to; None: nothing is wrong, and nothing kept. What is not here stays.
    (None, Sign.FAILING): State.PENDING,
    (State.PENDING, Sign.WELL): None,
    (State.PENDING, Sign.UNKNOWN): None,
    (State.OPEN, Sign.WELL): State.ENDING,
    (State.ENDING, Sign.FAILING): State.OPEN,
    (State.ENDING, Sign.UNKNOWN): State.OPEN,
}
AFTER_DELAY: dict[State, State | None] = {
    State.PENDING: State.OPEN,  # an incident begins
    State.ENDING: None,  # it is resolved
}

KEPT = timedelta(days=7)  # so long a resolved incident stays on its topic
PATIENCE = 3  # delays, at most, that a failure waits for others of its gateway which have just begun


@dataclass(frozen=True, slots=True)
class Track:
    """The state of one subject, and since when."""

    state: State
    entered: Moment


class Incidents:
    """All incidents, and what is about to become one."""

    def __init__(self, delay: float) -> None:
        """Begin with none; what is told of must have lasted `delay` seconds."""
        self._delay = delay
        self._tracks: dict[Subject, Track] = {}
        self.book: dict[str, Incident] = {}  # by id

    def adopt(self, incident: Incident, now: Moment) -> None:
        """Take over an incident that the broker holds, unless ours is as new."""
        ours = self.book.get(incident.id)
        if ours and ours.revision >= incident.revision:
            return
        self.book[incident.id] = incident
        subject = _subject(incident)
        if incident.resolved and not self._open(subject):
            self._tracks.pop(subject, None)
        elif not incident.resolved:
            self._tracks[subject] = Track(State.OPEN, now)

    def step(self, found: Mapping[Subject, Finding], now: Moment, *, absent: Callable[[Subject], Sign]) -> None:
        """Take every subject one step further.

        Args:
            found: how the subjects stand.
            now: when that was so.
            absent: how those stand that are not among them.
        """
        for subject in [*found, *(self._tracks.keys() - found.keys())]:
            finding = found.get(subject) or Finding(absent(subject), now.utc)
            track = self._tracks.get(subject)
            before = track.state if track else None
            self._enter(subject, AT_ONCE.get((before, finding.sign), before), now)
        # First what ends: a failure that has been hidden by a greater one comes to light with its end.
        for subject in self._ripe(State.ENDING, now):
            self._resolve(subject)
        for subject in self._ripe(State.PENDING, now):
            if not self._covered(found[subject].cover, found):
                self._begin(subject, found[subject], now)

    def due(self) -> list[Incident]:
        """Return the incidents that a mail must still tell of, the oldest first."""
        due = (i for i in self.book.values() if i.mailed == 0 or (i.resolved and i.mailed < i.revision))
        return sorted(due, key=lambda incident: (incident.since, incident.id))

    def note_mailed(self, incidents: Iterable[Incident]) -> None:
        """Remember that a mail told of these."""
        for incident in incidents:
            revision = incident.revision + 1
            self.book[incident.id] = replace(incident, revision=revision, mailed=revision)

    def forget(self, name: str) -> None:
        """Forget an incident whose topic somebody has cleared; if it lasts, it begins anew."""
        incident = self.book.pop(name, None)
        if incident and not incident.resolved and not self._open(_subject(incident)):
            self._tracks.pop(_subject(incident), None)

    def forget_old(self, now: datetime) -> list[str]:
        """Forget what was resolved long ago and told of; return the ids."""
        old = [i.id for i in self.book.values() if i.resolved and i.mailed == i.revision and now - i.resolved > KEPT]
        for name in old:
            del self.book[name]
        return old

    def _enter(self, subject: Subject, state: State | None, now: Moment) -> None:
        track = self._tracks.get(subject)
        if state is None:
            self._tracks.pop(subject, None)
        elif not track or track.state is not state:
            self._tracks[subject] = Track(state, now)

    def _ripe(self, state: State, now: Moment) -> list[Subject]:
        """Return the subjects that have been in a state for long enough, those of one gateway together."""
        age = {s: now.steady - track.entered.steady for s, track in self._tracks.items() if track.state is state}
        waiting = {subject.gateway for subject in age if age[subject] < self._delay}
        needed = {s: self._delay * (PATIENCE if s.gateway in waiting else 1) for s in age}
        return [subject for subject in age if age[subject] >= needed[subject]]

    def _covered(self, cover: Subject | None, found: Mapping[Subject, Finding]) -> bool:
        """Tell whether a greater failure stands, or has not yet ended for good."""
        if cover is None:
            return False
        track = self._tracks.get(cover)
        return found[cover].sign is Sign.FAILING or (track is not None and track.state is not State.PENDING)

    def _begin(self, subject: Subject, finding: Finding, now: Moment) -> None:
        state = AFTER_DELAY[State.PENDING]
        self._enter(subject, state, now)
        name = f"{now.utc:%Y%m%d-%H%M%S}-{_digest(subject)}"
        self.book[name] = Incident(
            id=name,
            revision=1,
            cause=subject.cause,
            since=finding.since,
            gateway=subject.gateway,
            subject=subject.slug,
            meters=finding.meters,
            clock_offset_s=finding.clock_offset_s,
        )

    def _resolve(self, subject: Subject) -> None:
        ended = self._tracks[subject].entered.utc
        self._enter(subject, AFTER_DELAY[State.ENDING], self._tracks[subject].entered)
        for incident in self._open(subject):
            resolved = max(ended, incident.since)
            self.book[incident.id] = replace(incident, revision=incident.revision + 1, resolved=resolved)

    def _open(self, subject: Subject) -> list[Incident]:
        return [i for i in self.book.values() if not i.resolved and _subject(i) == subject]


def _subject(incident: Incident) -> Subject:
    return Subject(incident.cause, incident.gateway, incident.subject)


def _digest(subject: Subject) -> str:
    """Return 8 characters that tell apart the incidents of one second."""
    text = f"{subject.cause}/{subject.gateway}/{subject.slug}"
    return blake2b(text.encode(), digest_size=4).hexdigest()
