"""From incidents to the mail that tells of them, in words for whoever must get up and look. Pure.

The subject alone, on a locked phone, says what and since when; the text names the meters and where to look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from mmetering_contract.incident import Incident

from mmetering_alerter import words
from mmetering_alerter.world import World, one_line

LINES = 40  # incidents, and meters of one incident, that are listed at most
REASONS = 3  # of a bus or of ingest, at most
LONGEST_REASON = 200  # characters of what the database says

STATES = {"gateway": "offline", "clock": "wrong", "ingest": "at a standstill", "broker": "out of reach"}

ADVICE_ALONE = (
    "Where a meter is alone on its bus, look at the meter and its supply, the line, and the adapter or converter."
)
ADVICE_OTHERS = (
    "Other meters on the same bus still answer. Look at the meter: its display, its two bus wires, its address. "
    "If several are silent, look at the line between them and those that answer."
)
ADVICE = {
    "bus": "Look at what these meters share: the adapter or converter, its supply, and the first metres of the line.",
    "gateway": "Look at the gateway's power and network, then at its service. If it still runs, it goes on reading "
    "and delivers later what it has read.",
    "clock": "Compare it with the clock of the machine where ingest runs: one of them is wrong, and `timedatectl` says "
    "which of them NTP sets. What the gateway reads meanwhile is stored under the wrong time.",
    "ingest": "Look at the database, its disk and its log, then at ingest and its log. Live values go on. Gateways "
    "keep what they read, and deliver it later.",
    "broker": "Look at Mosquitto, its machine, the network, and the alerter's login. Until it is back, nothing can be "
    "said about the meters; gateways that run go on reading and deliver later what they have read.",
}


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail.

    Attributes:
        subject: one line.
        text: plain text.
        key: the same whenever the same is told, so that a repetition can be recognised.
        threads: ids of the incidents; mails that share one belong together.
    """

    subject: str
    text: str
    key: str
    threads: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the mails of a site.

    Attributes:
        zone: local time.
        web_url: address of the dashboard, None where there is none to give.
    """

    zone: ZoneInfo
    web_url: str | None = None

    def write(self, incidents: Sequence[Incident], world: World, now: datetime) -> Letter:
        """Return the mail that tells of these incidents.

        Args:
            incidents: one at least, of one gateway, all resolved or none of them.
            world: where names, places and last readings come from.
            now: when it is written, UTC.
        """
        first = incidents[0]
        headline = self._headline if len(incidents) == 1 else self._headline_of_many
        ends = [self._end(incident, world) for incident in incidents if incident.resolved]
        told = [_cut(ends, "\n\n")] if ends else self._begins(incidents, world)
        text = [*told, self.web_url] if self.web_url else told
        return Letter(
            subject=f"[{world.site.slug}] {headline(incidents, world, now)}",
            text="\n\n".join(text) + "\n",
            key=f"{first.id}.{first.revision}",
            threads=tuple(incident.id for incident in incidents),
        )

    def _headline(self, incidents: Sequence[Incident], world: World, now: datetime) -> str:
        (incident,) = incidents
        what = _what(incident, world)
        if incident.resolved:
            how = _back(incident) if _is_known(incident, world) else "no longer watched"
            return f"{what} {how} after {words.duration(incident.resolved - incident.since)}"
        since = words.short_time(incident.since, now, self.zone)
        extent = f", {len(incident.meters)} meters" if incident.cause == "bus" else ""
        return f"{what} {_state(incident)} since {since}{extent}"

    def _headline_of_many(self, incidents: Sequence[Incident], world: World, now: datetime) -> str:
        first, second, *rest = (_what(incident, world) for incident in incidents)
        more = f" and {len(rest)} more" if rest else ""
        since = words.short_time(min(incident.since for incident in incidents), now, self.zone)
        states = {_state(incident) for incident in incidents}
        state = states.pop() if len(states) == 1 else "failing"
        return f"{first}; {second}{more} {'back' if incidents[0].resolved else f'{state} since {since}'}"

    def _begins(self, incidents: Sequence[Incident], world: World) -> list[str]:
        """Return the paragraphs of failures: what is greater at length, several meters as a list; where to look."""
        meters = [incident for incident in incidents if incident.cause == "meter"]
        text = [self._begin(incident, world) for incident in incidents if incident.cause != "meter" or len(meters) == 1]
        if len(meters) > 1:
            lines = [f"- {self._place(i, world)}, silent since {self._time(i.since)}" for i in meters]
            text.append(f"{len(meters)} meters are silent:\n\n{_cut(lines)}")
        return [*text, *_advice(incidents, world), "Another mail follows when this is over."]

    def _begin(self, incident: Incident, world: World) -> str:
        head = f"{_what(incident, world)} has been {_state(incident)} since {self._time(incident.since)}."
        match incident.cause:
            case "meter":
                last = f"Last reading: {self._last_reading(incident, incident.subject or '', world)}"
                place = f"Meter: {self._place(incident, world)}\nGateway: {incident.gateway}"
                return "\n".join([head, "", place, last, *_reasons(incident, world)])
            case "bus":
                none = f"It belongs to gateway {incident.gateway}. None of its meters answers:"
                return "\n".join([head, none, "", self._list(incident, world), *_reasons(incident, world)])
            case "gateway" if incident.meters:
                return "\n".join([head, "Nothing comes from its meters:", "", self._list(incident, world)])
            case "clock":
                return f"{head}\nIt is {_offset(incident.clock_offset_s or 0)}."
            case "ingest":
                return "\n".join([head, "No reading is stored.", *_refused(world)])
            case _:
                return head

    def _end(self, incident: Incident, world: World) -> str:
        assert incident.resolved
        lasted = words.duration(incident.resolved - incident.since)
        gone = "no longer watched: its gateway does not list it any more"
        how = _back(incident) if _is_known(incident, world) else gone
        return (
            f"{_what(incident, world)} is {how}. It was {_state(incident)} for {lasted},\n"
            f"from {self._time(incident.since)}\n"
            f"until {self._time(incident.resolved)}."
        )

    def _place(self, incident: Incident, world: World) -> str:
        """Return a meter's full name, its bus and its address there."""
        slug = incident.subject or ""
        meter = world.behind(incident.gateway or "").get(slug)
        where = f", bus {meter.info.bus}, address {meter.info.address}" if meter and meter.info else ""
        return _full_name(slug, world) + where

    def _list(self, incident: Incident, world: World) -> str:
        """Return the meters that an incident takes with it, one a line."""
        slugs = incident.meters
        return _cut([f"- {_full_name(s, world)}, last reading {self._last_reading(incident, s, world)}" for s in slugs])

    def _last_reading(self, incident: Incident, slug: str, world: World) -> str:
        meter = world.behind(incident.gateway or "").get(slug)
        return self._time(meter.last) if meter and meter.last else "unknown"

    def _time(self, at: datetime) -> str:
        return words.full_time(at, self.zone)


def _what(incident: Incident, world: World) -> str:
    match incident.cause:
        case "meter":
            return world.name(incident.subject or "")
        case "bus":
            return f"Bus {incident.subject}"
        case "gateway":
            return f"Gateway {incident.gateway}"
        case "clock":
            return f"The clock of gateway {incident.gateway}"
        case "ingest":
            return "Ingest"
        case "broker":
            return "The broker"


def _state(incident: Incident) -> str:
    return STATES.get(incident.cause, "silent")


def _back(incident: Incident) -> str:
    return "right again" if incident.cause == "clock" else "back"


def _is_known(incident: Incident, world: World) -> bool:
    """Tell whether the topics still speak of what failed."""
    behind = world.behind(incident.gateway or "")
    match incident.cause:
        case "meter":
            return incident.subject in behind
        case "bus":
            return any(meter.info and meter.info.bus == incident.subject for meter in behind.values())
        case "gateway" | "clock":
            return incident.gateway in world.gateways
        case "ingest" | "broker":
            return True


def _full_name(slug: str, world: World) -> str:
    name = world.name(slug)
    return slug if name == slug else f"{name} ({slug})"


def _cut(parts: Sequence[str], between: str = "\n") -> str:
    rest = [f"… and {len(parts) - LINES} more"] if len(parts) > LINES else []
    return between.join([*parts[:LINES], *rest])


def _reasons(incident: Incident, world: World) -> list[str]:
    """Return what the gateway says of the meters, each word once."""
    behind = world.behind(incident.gateway or "")
    meters = (behind[slug] for slug in incident.meters if slug in behind)
    reasons = dict.fromkeys(meter.info.reason for meter in meters if meter.info and meter.online is False)
    said = [f"The gateway says: {reason}" for reason in reasons if reason][:REASONS]
    return ["", *said] if said and incident.cause == "bus" else said


def _refused(world: World) -> list[str]:
    """Return why nothing is stored: what the copies of ingest hear from the database, each word once."""
    copies = world.ingest.copies.values()
    reasons = dict.fromkeys(one_line(copy.away_reason)[:LONGEST_REASON] for copy in copies if copy.away_since)
    said = [f"The database says: {reason}" for reason in reasons if reason][:REASONS]
    return said if copies else ["No copy of ingest is online."]


def _offset(seconds: float) -> str:
    return f"{words.duration(timedelta(seconds=abs(seconds)))} {'ahead' if seconds > 0 else 'behind'}"


def _advice(incidents: Sequence[Incident], world: World) -> list[str]:
    """Return where to look, each advice once."""
    advice = (ADVICE.get(incident.cause) or _advice_on_meter(incident, world) for incident in incidents)
    return list(dict.fromkeys(advice))


def _advice_on_meter(incident: Incident, world: World) -> str:
    behind = world.behind(incident.gateway or "")
    meter = behind.get(incident.subject or "")
    bus = meter.info.bus if meter and meter.info else None
    fellows = [other for other in behind.values() if other.info and other.info.bus == bus]
    return ADVICE_OTHERS if len(fellows) > 1 else ADVICE_ALONE
