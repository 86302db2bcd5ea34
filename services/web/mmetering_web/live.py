"""The live state: the newest of everything that the broker has told us. Pure.

One thread applies messages, any number of threads read: values are frozen, and whole dictionaries are replaced.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from statistics import median_low
from typing import TypeVar

from mmetering_contract.errors import PayloadError, TopicError
from mmetering_contract.incident import Cause, Incident, decode_incident
from mmetering_contract.label import Label, decode_label
from mmetering_contract.reading import LiveReading, decode_live
from mmetering_contract.state import OFFLINE, ONLINE, MeterInfo, decode_meter_info
from mmetering_contract.topic import Site, levels_after

FIRST_INTERVAL_S = {"live": 10.0}  # until the gateway, or a second reading, tells better
OTHER_INTERVAL_S = 60.0
LONGEST_INTERVAL_S = 900.0  # polls run on slots that divide a quarter hour; anything longer was an outage
GAPS = 5  # so many gaps between readings tell the interval

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Timed:
    """The newest reading of a scan group, when it was taken, and the last gaps between readings (s), oldest first."""

    reading: LiveReading
    at: datetime
    gaps: tuple[float, ...] = ()

    def interval_s(self, told: Mapping[str, int]) -> float:
        """Return how often a reading comes, until the gaps say it, as the gateway told: scan group to seconds."""
        if self.gaps:
            return median_low(self.gaps)
        return told.get(self.reading.group) or FIRST_INTERVAL_S.get(self.reading.group, OTHER_INTERVAL_S)


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a quantity and when it was taken; None where the meter did not give it."""

    value: float | None
    at: datetime
    interval_s: float
    suspect: bool


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter as its gateway tells of it. `online` is None while the gateway has not said."""

    slug: str
    gateway: str
    online: bool | None = None
    info: MeterInfo | None = None
    groups: dict[str, Timed] = field(default_factory=dict)

    @property
    def newest(self) -> datetime | None:
        """When its newest reading was taken."""
        return max((timed.at for timed in self.groups.values()), default=None)

    def value(self, name: str) -> Value | None:
        """Return a quantity out of the newest reading that should hold it, None where there is no such reading."""
        holding = [t for t in self.groups.values() if name in t.reading.values or name in t.reading.missing]
        if not holding:
            return None
        newest = max(holding, key=lambda timed: timed.at)
        reading, interval_s = newest.reading, newest.interval_s(self.info.intervals if self.info else {})
        return Value(reading.values.get(name), newest.at, interval_s, name in reading.suspect)


class Live:
    """The live state of one site."""

    def __init__(self, site: Site) -> None:
        """Begin with nothing."""
        self._site = site
        self._meters: dict[tuple[str, str], Meter] = {}
        self._gateways: dict[str, bool] = {}
        self._labels: dict[str, Label] = {}
        self._incidents: dict[str, Incident] = {}  # those that last, by id

    def apply(self, topic: str, payload: bytes, now: datetime, *, retained: bool = False) -> None:
        """Take in a message that arrived now; an empty payload takes back what its topic said before.

        Raises:
            ContractError: the message is malformed or foreign.
        """
        match levels_after(self._site, topic):
            case ("gateway", gateway, "status"):
                self._gateways = _with(self._gateways, gateway, _online(payload))
            case ("gateway", gateway, "meter", meter, "status"):
                self._put(replace(self._meter(gateway, meter), online=_online(payload)))
            case ("gateway", gateway, "meter", meter, "info"):
                info = decode_meter_info(payload) if payload else None
                self._put(replace(self._meter(gateway, meter), info=info))
            case ("gateway", gateway, "meter", meter, "reading", group):
                self._read(self._meter(gateway, meter), group, payload, now, retained=retained)
            case ("label", meter):
                self._labels = _with(self._labels, meter, decode_label(payload) if payload else None)
            case ("alert", name):
                self._incidents = _with(self._incidents, name, _lasting(payload))
            case _:
                raise TopicError(f"{topic!r} is none that was asked for")

    def meters(self) -> dict[str, Meter]:
        """Return slug to meter; of several gateways that know a slug, the one with the newest reading counts."""
        ordered = sorted(self._meters.values(), key=lambda meter: meter.newest.timestamp() if meter.newest else 0)
        return {meter.slug: meter for meter in ordered}

    def gateway_is_offline(self, gateway: str) -> bool:
        """Whether a gateway, or the broker in its name, said that it is gone."""
        return self._gateways.get(gateway) is False

    def labels(self) -> dict[str, Label]:
        """Return the labels that the broker holds, by meter."""
        return self._labels

    def failures(self, cause: Cause) -> list[Incident]:
        """Return the incidents of a cause that last, the oldest first."""
        found = (incident for incident in self._incidents.values() if incident.cause == cause)
        return sorted(found, key=lambda incident: (incident.since, incident.id))

    def forget_retained(self) -> None:
        """Forget labels and incidents: a new connection brings those that are retained."""
        self._labels, self._incidents = {}, {}

    def _read(self, meter: Meter, group: str, payload: bytes, now: datetime, *, retained: bool) -> None:
        if not payload:
            self._put(replace(meter, groups=_with(meter.groups, group, None)))
            return
        reading = decode_live(payload)
        if (reading.meter, reading.group) != (meter.slug, group):
            raise PayloadError(f"the reading is of {reading.meter!r}, group {reading.group!r}")
        # A clock that runs ahead, or was never set, must not make a value younger or older than its arrival.
        at = now if not reading.clock_synced and not retained else min(reading.ts, now)
        timed = _after(meter.groups.get(group), reading, at)
        self._put(replace(meter, groups=_with(meter.groups, group, timed)))

    def _meter(self, gateway: str, meter: str) -> Meter:
        return self._meters.get((gateway, meter)) or Meter(meter, gateway)

    def _put(self, meter: Meter) -> None:
        gone = meter.online is None and meter.info is None and not meter.groups
        self._meters = _with(self._meters, (meter.gateway, meter.slug), None if gone else meter)


def _online(payload: bytes) -> bool | None:
    if payload in (ONLINE, OFFLINE):
        return payload == ONLINE
    if payload:
        raise PayloadError(f"{payload[:40]!r} is neither online nor offline")
    return None


def _lasting(payload: bytes) -> Incident | None:
    """Return an incident, None where it is over or taken back."""
    incident = decode_incident(payload) if payload else None
    return None if incident is None or incident.resolved else incident


def _after(before: Timed | None, reading: LiveReading, at: datetime) -> Timed:
    gaps = before.gaps if before else ()
    if before and at > before.at:
        gap = (at - before.at).total_seconds()
        gaps = (*gaps, min(gap, LONGEST_INTERVAL_S))[-GAPS:]
    return Timed(reading, at, gaps)


def _with(items: dict[K, V], key: K, value: V | None) -> dict[K, V]:
    rest = {k: v for k, v in items.items() if k != key}
    return rest if value is None else {**rest, key: value}
