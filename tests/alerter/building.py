"""A building for the alerter's tests: what its gateway and its web say on their topics."""

from datetime import UTC, datetime, timedelta

from mmetering_alerter.moment import Moment
from mmetering_alerter.world import World
from mmetering_contract.label import Label
from mmetering_contract.payload import encode
from mmetering_contract.reading import LiveReading
from mmetering_contract.state import IngestHealth, MeterInfo, SeenGateway
from mmetering_contract.topic import Site

SITE = Site("home")
GATEWAY = "attic"
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)

Said = tuple[str, bytes]  # topic and payload


def at(seconds: float) -> Moment:
    """Return the moment so many seconds after midnight; the steady clock has another zero."""
    return Moment(5000 + seconds, MIDNIGHT + timedelta(seconds=seconds))


def gateway_is(status: str, gateway: str = GATEWAY) -> Said:
    """Return what a gateway, or its will, says of it."""
    return SITE.gateway_status(gateway), status.encode()


def meter_is(meter: str, status: str, gateway: str = GATEWAY) -> Said:
    """Return what the gateway says of a meter."""
    return SITE.meter_status(gateway, meter), status.encode()


def info(meter: str, bus: str, *, address: int = 1, since: float = 0, label: str = "", reason: str = "") -> Said:
    """Return a meter's info; `since` in seconds after midnight."""
    told = MeterInfo("sdm630", bus, address, at(since).utc, label=label, reason=reason)
    return SITE.meter_info(GATEWAY, meter), encode(told)


def reading(meter: str, ts: datetime, *, synced: bool = True) -> Said:
    """Return a live reading that the gateway took at `ts`."""
    taken = LiveReading(
        meter=meter,
        ts=ts,
        seq=1,
        group="live",
        values={"power_total": 1012.9},
        span_ms=146,
        quality="good",
        epoch="0123abcd",
        clock_synced=synced,
    )
    return SITE.live(GATEWAY, meter, "live"), encode(taken)


def label(meter: str, point: str) -> Said:
    """Return what the web calls a meter."""
    return SITE.label(meter), encode(Label(point, "flat"))


def ingest_is(status: str, copy: str = "1") -> Said:
    """Return what a copy of ingest, or its will, says of it; the empty status takes it back."""
    return SITE.service_status("ingest", copy), status.encode()


def ingest_health(
    now: datetime, *, away: datetime | None = None, reason: str = "", copy: str = "1", offset: float | None = None
) -> Said:
    """Return the health of a copy of ingest: since when it is away, and how far ahead it finds the gateway's clock."""
    gateways = {GATEWAY: SeenGateway(now, offset)}
    told = IngestHealth(now, away_since=away, away_reason=reason, gateways=gateways)
    return SITE.service_health("ingest", copy), encode(told)


def hear(world: World, *said: Said, now: float, retained: bool = False) -> None:
    """Let the world hear this."""
    for topic, payload in said:
        world.apply(topic, payload, at(now), retained=retained)


def building(meters: dict[str, str]) -> list[Said]:
    """Return what a gateway in good order retains; `meters` are meter to bus."""
    said = [gateway_is("online")]
    for number, (meter, bus) in enumerate(meters.items(), 1):
        said += [meter_is(meter, "online"), info(meter, bus, address=number)]
    return said
