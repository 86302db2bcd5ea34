"""What the topics say: gateways, meters, labels and ingest. Pure; every message comes with the moment of its arrival.

A retained message tells how things stood when it was published, never that something works now: only a
reading that comes live is a sign of life. A world begins with a connection and is thrown away with it.
"""

from dataclasses import dataclass, field
from datetime import datetime

from mmetering_contract.errors import PayloadError, TopicError
from mmetering_contract.label import Label, decode_label
from mmetering_contract.reading import LiveReading, decode_live
from mmetering_contract.state import OFFLINE, ONLINE, MeterInfo, decode_ingest_health, decode_meter_info
from mmetering_contract.topic import Site, levels_after

from mmetering_alerter.ingest import Ingest
from mmetering_alerter.moment import Moment


@dataclass(slots=True)
class Gateway:
    """A gateway; `since` is when it went offline, None where nobody saw that."""

    online: bool
    noticed: Moment
    since: datetime | None = None


@dataclass(slots=True)
class Meter:
    """A meter.

    Attributes:
        awaited: since when a reading of it could have come.
        heard: when its newest live reading came after that, None before the first.
        online: what its gateway says of it, None before that.
        last: when its newest reading was read, retained or live, UTC; None before the first.
    """

    awaited: Moment
    heard: Moment | None = None
    online: bool | None = None
    info: MeterInfo | None = None
    last: datetime | None = None

    @property
    def failing(self) -> bool:
        """Whether its gateway says so."""
        return self.online is False

    @property
    def listed(self) -> bool:
        """Whether its gateway told of it; a reading alone may be late, of a meter that was removed."""
        return self.online is not None or self.info is not None


@dataclass(slots=True)
class World:
    """The gateways, meters and labels of one site, by slug, a meter by (gateway, meter); and its ingest."""

    site: Site
    gateways: dict[str, Gateway] = field(default_factory=dict)
    meters: dict[tuple[str, str], Meter] = field(default_factory=dict)
    labels: dict[str, Label] = field(default_factory=dict)
    ingest: Ingest = field(default_factory=Ingest)
    removed: set[str] = field(default_factory=set)  # gateways that were taken back before our eyes

    def apply(self, topic: str, payload: bytes, now: Moment, *, retained: bool) -> None:
        """Take in a message; an empty payload takes back what its topic said before.

        Raises:
            ContractError: the message is malformed or foreign.
        """
        match levels_after(self.site, topic):
            case ("gateway", gateway, "status"):
                self._gateway_status(gateway, payload, now, retained=retained)
            case ("gateway", gateway, "meter", meter, "status" | "info") if not payload:
                self.meters.pop((gateway, meter), None)
            case ("gateway", gateway, "meter", meter, "status"):
                online = _online(payload)
                self._meter(gateway, meter, now).online = online
            case ("gateway", gateway, "meter", meter, "info"):
                info = decode_meter_info(payload)
                self._meter(gateway, meter, now).info = info
            case ("gateway", gateway, "meter", meter, "reading", _):
                if payload:
                    self._reading(gateway, meter, decode_live(payload), now, retained=retained)
            case ("service", "ingest", copy, "status"):
                self.ingest.take_status(copy, now, online=bool(payload) and _online(payload))
            case ("service", "ingest", copy, "health"):
                self._ingest_health(copy, payload, now, retained=retained)
            case ("label", meter):
                self._label(meter, payload)
            case _:
                raise TopicError(f"{topic!r} is none that was asked for")

    def name(self, meter: str) -> str:
        """Return what people call a meter: its point, else the gateway's label, else its slug."""
        if meter in self.labels:
            return one_line(self.labels[meter].point) or meter
        infos = (known.info for (_, slug), known in self.meters.items() if slug == meter)
        return next((one_line(info.label) for info in infos if info and one_line(info.label)), meter)

    def behind(self, gateway: str) -> dict[str, Meter]:
        """Return the listed meters of a gateway by slug, in order."""
        return {slug: meter for (of, slug), meter in sorted(self.meters.items()) if of == gateway and meter.listed}

    def _gateway_status(self, gateway: str, payload: bytes, now: Moment, *, retained: bool) -> None:
        if not payload:
            self.gateways.pop(gateway, None)
            self.removed.add(gateway)
            return
        online = _online(payload)
        self.removed.discard(gateway)
        before = self.gateways.get(gateway)
        if before and before.online == online:
            return
        self.gateways[gateway] = Gateway(online, now, None if online or retained else now.utc)
        for meter in self.behind(gateway).values():
            meter.awaited, meter.heard = now, None

    def _reading(self, gateway: str, slug: str, reading: LiveReading, now: Moment, *, retained: bool) -> None:
        if reading.meter != slug:
            raise PayloadError(f"the reading is of {reading.meter!r}")
        meter = self._meter(gateway, slug, now)
        if not retained:
            meter.heard = now
        # A reading without a date has arrived now, if it is live; one from the future has the gateway's wrong clock.
        if reading.clock_synced or not retained:
            read_at = min(reading.ts, now.utc) if reading.clock_synced else now.utc
            meter.last = max(meter.last or read_at, read_at)

    def _ingest_health(self, copy: str, payload: bytes, now: Moment, *, retained: bool) -> None:
        if not retained:  # ours never is; one that somebody left there tells nothing of now
            self.ingest.take_health(copy, decode_ingest_health(payload), now)

    def _label(self, meter: str, payload: bytes) -> None:
        if payload:
            self.labels[meter] = decode_label(payload)
        else:
            self.labels.pop(meter, None)

    def _meter(self, gateway: str, meter: str, now: Moment) -> Meter:
        return self.meters.setdefault((gateway, meter), Meter(awaited=now))


def _online(payload: bytes) -> bool:
    if payload not in (ONLINE, OFFLINE):
        raise PayloadError("neither online nor offline")
    return payload == ONLINE


def one_line(text: str) -> str:
    """Return a text in one printable line, fit for a mail's subject."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
