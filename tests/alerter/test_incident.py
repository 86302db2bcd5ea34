"""The course of incidents, first by table, then by chance."""

from dataclasses import dataclass, field
from functools import partial

import pytest
from alerter.building import GATEWAY, SITE, at, gateway_is, hear, info, ingest_health, meter_is, reading
from hypothesis import given, settings
from hypothesis import strategies as st
from mmetering_alerter.cause import BROKER, Finding, Sign, Subject, find, sign_of_absent
from mmetering_alerter.incident import Incidents
from mmetering_alerter.world import World
from mmetering_contract.incident import Incident

DELAY = 60
FLATS = [Subject("meter", GATEWAY, f"flat-{number}") for number in range(1, 4)]
BUS = Subject("bus", GATEWAY, "main")
SIGNS = {"F": Sign.FAILING, "W": Sign.WELL, "?": Sign.UNKNOWN}


def step(incidents: Incidents, now: float, *, bus: str = "W", flats: str = "WWW") -> list[Incident]:
    """Take one step with these signs; return what a mail tells of then, and note that it was sent."""
    found = {BUS: Finding(SIGNS[bus], at(now).utc, ("flat-1", "flat-2", "flat-3"))}
    for flat, sign in zip(FLATS, flats, strict=True):
        found[flat] = Finding(SIGNS[sign], at(now).utc, (flat.slug or "",), BUS)
    incidents.step(found, at(now), absent=lambda _: Sign.WELL)
    due = incidents.due()
    incidents.note_mailed(due)
    return due


# Seconds and sign of flat-1 at each step, and what a mail tells of then.
COURSES = {
    "fails for good": [(0, "F", ""), (59, "F", ""), (60, "F", "begin"), (900, "F", "")],
    "recovers inside the delay": [(0, "F", ""), (59, "W", ""), (60, "F", ""), (119, "F", ""), (120, "F", "begin")],
    "is over": [(0, "F", ""), (60, "F", "begin"), (70, "W", ""), (129, "W", ""), (130, "W", "end"), (900, "W", "")],
    "flaps": [(0, "F", ""), (60, "F", "begin"), (70, "W", ""), (100, "F", ""), (140, "W", ""), (199, "F", "")],
    "is unknown before the delay": [(0, "F", ""), (59, "?", ""), (60, "F", ""), (119, "F", "")],
    "is unknown while open": [(0, "F", ""), (60, "F", "begin"), (70, "?", ""), (900, "?", ""), (950, "F", "")],
    "is unknown while it ends": [(0, "F", ""), (60, "F", "begin"), (70, "W", ""), (90, "?", ""), (131, "W", "")],
    "is slow to be asked": [(0, "F", ""), (500, "F", "begin"), (1000, "W", ""), (2000, "W", "end")],
}


@pytest.mark.parametrize("course", COURSES.values(), ids=COURSES)
def test_a_mail_tells_of_what_lasts(course: list[tuple[float, str, str]]) -> None:
    """A failure, and its end, must last the delay without a break; then one mail tells of it."""
    incidents = Incidents(DELAY)
    for now, sign, expected in course:
        due = step(incidents, now, flats=f"{sign}WW")
        assert ["end" if incident.resolved else "begin" for incident in due] == expected.split()


def test_a_silent_bus_covers_its_meters() -> None:
    """All meters of a bus are one incident, and stay so while the first ones are back."""
    incidents = Incidents(DELAY)
    step(incidents, 0, flats="FFW")
    step(incidents, 50, bus="F", flats="FFF")
    assert step(incidents, 109, bus="F", flats="FFF") == []
    assert [incident.cause for incident in step(incidents, 110, bus="F", flats="FFF")] == ["bus"]
    assert step(incidents, 200, flats="WFF") == []
    ended = step(incidents, 260, flats="WWF")
    assert [(i.cause, i.subject, i.resolved and at(200).utc) for i in ended] == [
        ("bus", "main", at(200).utc),
        ("meter", "flat-3", None),
    ]


def test_a_meters_incident_outlasts_that_of_its_bus() -> None:
    """A meter that failed first has its mail; the bus has one of its own, and no meter a second one."""
    incidents = Incidents(DELAY)
    step(incidents, 0, flats="FWW")
    assert [incident.cause for incident in step(incidents, 60, flats="FWW")] == ["meter"]
    step(incidents, 100, bus="F", flats="FFF")
    assert [incident.cause for incident in step(incidents, 160, bus="F", flats="FFF")] == ["bus"]
    step(incidents, 200, flats="FWW")
    assert [incident.cause for incident in step(incidents, 260, flats="FWW")] == ["bus"]
    step(incidents, 300)
    assert [incident.cause for incident in step(incidents, 360)] == ["meter"]


def test_meters_that_fail_together_are_told_of_together() -> None:
    """Half a bus that falls silent one meter after the other is opened at once, so that one mail can tell of it."""
    incidents = Incidents(DELAY)
    step(incidents, 0, flats="FWW")
    step(incidents, 50, flats="FFW")
    assert step(incidents, 100, flats="FFW") == []
    assert {incident.subject for incident in step(incidents, 110, flats="FFW")} == {"flat-1", "flat-2"}


def test_a_meter_that_flaps_holds_up_the_others_for_a_while_only() -> None:
    """A failure waits for its fellows no longer than three delays."""
    incidents = Incidents(DELAY)
    for now in range(0, 180, 20):
        assert step(incidents, now, flats="FFW" if now % 80 < 40 else "FWF") == []
    assert [incident.subject for incident in step(incidents, 180, flats="FFW")] == ["flat-1"]


def test_a_removed_meter_ends_its_incident() -> None:
    """What is no longer watched does not stay open for ever."""
    incidents = Incidents(DELAY)
    step(incidents, 0, flats="FWW")
    (opened,) = step(incidents, 60, flats="FWW")
    for now in (70, 130):
        incidents.step({}, at(now), absent=lambda _: Sign.WELL)
    assert incidents.book[opened.id].resolved == at(70).utc


def test_a_cleared_topic_forgets_its_incident() -> None:
    """Somebody who clears an alert's topic is rid of it; a failure that lasts is told of anew."""
    incidents = Incidents(DELAY)
    step(incidents, 0, flats="FWW")
    (opened,) = step(incidents, 60, flats="FWW")
    incidents.forget(opened.id)
    assert incidents.book == {}
    assert step(incidents, 70, flats="FWW") == []
    assert [incident.subject for incident in step(incidents, 130, flats="FWW")] == ["flat-1"]


def test_an_incident_that_was_read_back_is_not_told_of_again() -> None:
    """A restart goes on where the broker's memory stands, also when the meter is not yet known to be silent."""
    before, after = Incidents(DELAY), Incidents(DELAY)
    step(before, 0, flats="FWW")
    step(before, 60, flats="FWW")
    for incident in before.book.values():
        after.adopt(incident, at(100))
    for now, sign in ((100, "?"), (200, "F"), (300, "F")):
        assert step(after, now, flats=f"{sign}WW") == []
    step(after, 400)
    assert [incident.resolved for incident in step(after, 460)] == [at(400).utc]


def test_an_older_revision_is_not_adopted() -> None:
    """What the broker held before our newest word does not undo it."""
    incidents = Incidents(DELAY)
    step(incidents, 0, flats="FWW")
    (opened,) = step(incidents, 60, flats="FWW")
    incidents.adopt(opened, at(61))
    assert incidents.due() == []


def test_a_resolved_incident_is_kept_for_seven_days() -> None:
    """People find what happened last week; then the topic is cleared, but never before the mail went out."""
    incidents = Incidents(DELAY)
    for now, flats in ((0, "FWW"), (60, "FWW"), (100, "WWW")):
        step(incidents, now, flats=flats)
    incidents.step({}, at(160), absent=lambda _: Sign.WELL)
    week = 7 * 86_400 + 100
    assert incidents.forget_old(at(week + 1).utc) == []
    (ended,) = incidents.due()
    incidents.note_mailed([ended])
    assert incidents.forget_old(at(week).utc) == []
    assert incidents.forget_old(at(week + 1).utc) == [ended.id]
    assert incidents.book == {}


# By chance: a building with two buses, whose parts fail and come back in any order.

METERS = {"flat-1": "main", "flat-2": "main", "flat-3": "main", "heat": "roof"}
SILENCE = 90
TURN_S = 5


@dataclass
class Site:
    """How things really are, what the broker retains, and what the alerter makes of it."""

    now: float = 0
    mute: set[str] = field(default_factory=set)  # meters that do not answer
    told: bool = True  # whether the gateway says that they are offline
    gateway: bool = True
    ingest: bool = True  # whether it can store
    broker: bool = True
    smtp: bool = True
    retained: dict[str, Incident] = field(default_factory=dict)
    mails: list[Incident] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Start the alerter anew, with the broker there."""
        self.incidents = Incidents(DELAY)
        self.connect()

    def connect(self) -> None:
        """Hear what the broker retains."""
        self.broker = True
        self.world = World(SITE)
        for incident in self.retained.values():
            self.incidents.adopt(incident, at(self.now))
        hear(self.world, *(info(meter, bus) for meter, bus in METERS.items()), now=self.now, retained=True)
        self.say_status(retained=True)

    def say_status(self, *, retained: bool = False) -> None:
        """Let the gateway, or its will, say how it stands."""
        hear(self.world, gateway_is("online" if self.gateway else "offline"), now=self.now, retained=retained)
        for meter in METERS:
            offline = meter in self.mute and self.told
            hear(self.world, meter_is(meter, "offline" if offline else "online"), now=self.now, retained=retained)

    def turn(self) -> None:
        """Let a few seconds pass."""
        self.now += TURN_S
        if self.broker:
            self.say_status()
            away = None if self.ingest else at(self.now).utc
            hear(self.world, ingest_health(at(self.now).utc, away=away), now=self.now)
            if self.gateway:
                alive = METERS.keys() - self.mute
                hear(self.world, *(reading(meter, at(self.now).utc) for meter in alive), now=self.now)
        broker = {BROKER: Finding(Sign.WELL if self.broker else Sign.FAILING, at(self.now).utc)}
        found = find(self.world, at(self.now), SILENCE) if self.broker else {}
        absent = partial(sign_of_absent, self.world) if self.broker else lambda _: Sign.UNKNOWN
        self.incidents.step(broker | found, at(self.now), absent=absent)
        if self.smtp:
            due = self.incidents.due()
            self.mails += due
            self.incidents.note_mailed(due)
        if self.broker:
            self.retained = dict(self.incidents.book)

    def do(self, what: str) -> None:
        """Let something happen."""
        match what:
            case "restart" if self.broker:
                self.restart()
            case "gateway" | "ingest" | "smtp" | "told":
                setattr(self, what, not getattr(self, what))
            case "broker" if self.broker:
                self.broker = False
            case "broker":
                self.connect()
            case meter if meter in METERS:
                self.mute ^= {meter}

    def mend(self) -> None:
        """Put everything in order."""
        self.mute, self.gateway, self.ingest, self.smtp = set(), True, True, True
        if not self.broker:
            self.connect()


EVENTS = st.lists(
    st.tuples(
        st.sampled_from([*METERS, "gateway", "ingest", "broker", "smtp", "told", "restart"]),
        st.sampled_from([1, 3, 12, 13, 20, 60]),
    ),
    max_size=20,
)


@settings(max_examples=150, deadline=None)
@given(EVENTS)
def test_whatever_fails_each_incident_has_its_mails_once_and_ends(events: list[tuple[str, int]]) -> None:
    """Each incident begins with one mail at most, ends with exactly one, and none is left when all is well again."""
    site = Site()
    for what, turns in events:
        site.do(what)
        for _ in range(turns):
            site.turn()
    site.mend()
    for _ in range(4 * (DELAY + SILENCE) // TURN_S):
        site.turn()
    begun = [incident.id for incident in site.mails if not incident.resolved]
    ended = [incident.id for incident in site.mails if incident.resolved]
    assert len(begun) == len(set(begun))
    assert sorted(ended) == sorted(site.incidents.book)
    assert set(begun) <= set(ended)
    assert all(incident.resolved for incident in site.incidents.book.values())


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([*METERS]), st.sampled_from([1, 3, 11])), max_size=30))
def test_what_recovers_inside_the_delay_makes_no_mail(events: list[tuple[str, int]]) -> None:
    """Meters that are offline for less than the delay, one after the other, are nobody's business."""
    site = Site()
    for meter, turns in events:
        site.do(meter)
        for _ in range(turns):
            site.turn()
        site.do(meter)
        site.turn()
    assert site.incidents.book == {}
