"""From what the topics say to what is wrong: each gateway, bus, meter and ingest fails, is well, or is unknown. Pure.

A meter fails when its gateway says so, or when no reading has come for `silence`. Behind an offline gateway
nothing can be known. A bus fails when all its meters do, and two at least; that covers them, as one cause.
Ingest fails when no copy of it can store although a gateway is online, so that there is something to store.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto

from mmetering_contract.incident import Cause

from mmetering_alerter.ingest import Clock, Copy
from mmetering_alerter.moment import Moment
from mmetering_alerter.world import Gateway, Meter, World


class Sign(Enum):
    """How something stands."""

    FAILING = auto()
    WELL = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True)
class Subject:
    """What can fail. `slug` is that of the meter or bus; both slugs are None for ingest and the broker."""

    cause: Cause
    gateway: str | None = None
    slug: str | None = None


BROKER = Subject("broker")
INGEST = Subject("ingest")

INGEST_SILENCE_S = 90.0  # three health messages of ingest; a silence that people allow their meters may be shorter


@dataclass(frozen=True, slots=True)
class Finding:
    """How a subject stands.

    Attributes:
        sign: how it stands.
        since: if it fails, since when, UTC; else without meaning.
        meters: slugs of the meters that it takes with it, in order.
        cover: the subject whose failure explains this one, None where there is no such subject.
        clock_offset_s: how far a clock is ahead, None for all else.
    """

    sign: Sign
    since: datetime
    meters: tuple[str, ...] = ()
    cover: Subject | None = None
    clock_offset_s: float | None = None


def find(world: World, now: Moment, silence: float) -> dict[Subject, Finding]:
    """Return how ingest and every gateway, clock, bus and meter stand.

    Args:
        world: what the topics say.
        now: when it is asked.
        silence: seconds without a reading after which a meter fails; a copy of ingest without a health message, too,
            but not before INGEST_SILENCE_S.
    """
    found = {INGEST: _ingest(world, now, max(silence, INGEST_SILENCE_S))}
    for gateway in sorted(world.gateways.keys() | {gateway for gateway, _ in world.meters}):
        meters = world.behind(gateway)
        known = world.gateways.get(gateway)
        if known:
            found[Subject("gateway", gateway)] = _gateway(known, meters)
        if known and gateway in world.ingest.clocks:
            found[Subject("clock", gateway)] = _clock(known, world.ingest.clocks[gateway])
        offline = known is not None and not known.online
        signs = {slug: Sign.UNKNOWN if offline else _sign(meter, now, silence) for slug, meter in meters.items()}
        found.update(_buses(gateway, meters, signs))
    return found


def sign_of_absent(world: World, subject: Subject) -> Sign:
    """Return how something stands of which the topics do not speak.

    A meter or bus that its gateway does not list while it is online has been removed, which ends its failure. Without
    its gateway the broker may have lost its memory; nothing is known until the gateway speaks again.
    """
    gateway = world.gateways.get(subject.gateway or "")
    lists = subject.slug is not None and gateway is not None and gateway.online
    return Sign.WELL if lists or subject.gateway in world.removed else Sign.UNKNOWN


def _gateway(gateway: Gateway, meters: dict[str, Meter]) -> Finding:
    last = max((meter.last for meter in meters.values() if meter.last), default=gateway.noticed.utc)
    return Finding(Sign.WELL if gateway.online else Sign.FAILING, gateway.since or last, tuple(meters))


def _clock(gateway: Gateway, clock: Clock) -> Finding:
    """Return how a gateway's clock stands; while it is offline nobody can tell whether it was set meanwhile."""
    sign = Sign.FAILING if clock.seen.clock_is_off else Sign.WELL
    return Finding(sign if gateway.online else Sign.UNKNOWN, clock.since, clock_offset_s=clock.seen.clock_offset_s)


def _ingest(world: World, now: Moment, silence: float) -> Finding:
    """Return how ingest stands: one copy that can store is enough; where none was ever heard of, one is awaited."""
    senders = [gateway.noticed for gateway in world.gateways.values() if gateway.online]
    copies, left = [*world.ingest.copies.values()], world.ingest.left
    if senders and not copies and not left:
        copies = [Copy(awaited=min(senders, key=lambda noticed: noticed.steady))]
    sign = _sign_of_all({_sign(copy, now, silence) for copy in copies})
    stopped = [copy.away_since or (copy.heard or copy.awaited).utc for copy in copies] + ([left] if left else [])
    return Finding(sign if senders or sign is Sign.WELL else Sign.UNKNOWN, max(stopped, default=now.utc))


def _sign(known: Meter | Copy, now: Moment, silence: float) -> Sign:
    if known.failing or now.steady - (known.heard or known.awaited).steady >= silence:
        return Sign.FAILING
    return Sign.WELL if known.heard else Sign.UNKNOWN


def _buses(gateway: str, meters: dict[str, Meter], signs: dict[str, Sign]) -> Iterator[tuple[Subject, Finding]]:
    """Yield the findings of the meters, bus by bus, and of each bus with two meters or more."""
    on_bus: dict[str | None, list[str]] = {}
    for slug, meter in meters.items():
        on_bus.setdefault(meter.info.bus if meter.info else None, []).append(slug)
    for bus, slugs in on_bus.items():
        whole = Subject("bus", gateway, bus) if bus and len(slugs) > 1 else None
        since = {slug: _since(meters[slug]) for slug in slugs}
        if whole:
            sign = _sign_of_all({signs[slug] for slug in slugs})
            yield whole, Finding(sign, max(since.values()), tuple(slugs))
        for slug in slugs:
            yield Subject("meter", gateway, slug), Finding(signs[slug], since[slug], (slug,), whole)


def _sign_of_all(signs: set[Sign]) -> Sign:
    if Sign.WELL in signs:
        return Sign.WELL
    return Sign.UNKNOWN if Sign.UNKNOWN in signs else Sign.FAILING


def _since(meter: Meter) -> datetime:
    """Return when a meter last worked; where nobody knows, since when it is said to be offline or was awaited."""
    if meter.last:
        return meter.last
    return meter.info.since if meter.info and meter.online is False else meter.awaited.utc
