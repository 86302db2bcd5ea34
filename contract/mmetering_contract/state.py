"""What gateways and services say of themselves and of their meters, retained, so that a newcomer knows at once."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from mmetering_contract.payload import Slug, decoder_of

ONLINE = b"online"
OFFLINE = b"offline"

ClockState = Literal["trusted", "synchronised", "holdover", "unsynchronised"]


class MeterInfo(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a meter is, where it hangs, and why it has its status.

    Attributes:
        model: register table that it is read by, such as `sdm630`.
        bus: name of the bus in the gateway's plant.
        address: unit id on that bus, 1 to 247.
        since: when its status last changed, UTC.
        reason: why it is offline, in words; empty while it is online.
        serial: as the meter told it; None where it could not be read yet.
        label: what people call it; empty where nobody named it.
        units: quantity name to unit, of everything that its readings hold.
        intervals: scan group to seconds between two reads.
    """

    model: str
    bus: Slug
    address: Annotated[int, msgspec.Meta(ge=1, le=247)]
    since: Annotated[datetime, msgspec.Meta(tz=True)]
    reason: str = ""
    serial: str | None = None
    firmware: str | None = None
    label: str = ""
    units: dict[str, str] = {}
    intervals: dict[str, int] = {}


class MeterHealth(msgspec.Struct, frozen=True):
    """How often a meter was asked and did not answer well, since the gateway's start.

    Attributes:
        polls: slots in which it was asked.
        failures: those of them that brought no reading.
        turnaround_ms: running mean from a question's end to its answer's begin; None before the first answer.
        lost: questions without an answer, or with one that was refused as wrong; some were asked again with success.
        suspect: readings with a value that cannot be true.
        limit: registers that it is asked for in one request at most; 0 where nobody says.
        answered_at: when it gave a reading last, UTC; None before the first.
    """

    polls: int
    failures: int
    turnaround_ms: float | None
    lost: int = 0
    suspect: int = 0
    limit: int = 0
    answered_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None


class BusHealth(msgspec.Struct, frozen=True):
    """How a bus is doing; counts since the gateway's start.

    Attributes:
        load: share of the time that it was in use, 0 to 1, in the last half minute that is over.
        requests: questions asked.
        timeouts: those that nothing came back for.
        garbled: those that bytes came back for which are no frame: CRC errors, noise, two meters at one address.
        exceptions: those answered with an exception code.
        refused: replies of a wrong unit, function or length, none of which was taken for a value.
        overruns: poll slots that were missed because the bus was busy.
    """

    load: float
    requests: int = 0
    timeouts: int = 0
    garbled: int = 0
    exceptions: int = 0
    refused: int = 0
    overruns: int = 0


class GatewayHealth(msgspec.Struct, frozen=True):
    """The counters of a gateway.

    Attributes:
        at: when they were taken, UTC.
        spooled: readings that wait for a receipt.
        oldest_s: age of the oldest of them whose time is known, None when there is none.
        outstanding: batches that were sent and have no receipt yet.
        repeats: batches sent more than once, since the start.
        buses: by name.
        meters: by slug.
        dropped: readings given up without a receipt because the spool was full, since the spool was made.
        archived: readings that have their receipt and are still in the spool.
        clock: `trusted` where nobody asks NTP; `holdover` where NTP has set the clock since the boot and is silent now;
            while it is `unsynchronised`, readings wait, and the times in this message may be wrong.
        undated: those of `spooled` that wait for the clock to be set.
        plant_revision: of the plant in force, where it comes from the broker.
        plant_error: why the newest plant from the broker is not in force; empty while it is.
    """

    at: Annotated[datetime, msgspec.Meta(tz=True)]
    spooled: int
    oldest_s: float | None
    outstanding: int
    repeats: int
    buses: dict[Slug, BusHealth]
    meters: dict[Slug, MeterHealth]
    dropped: int = 0
    archived: int = 0
    clock: ClockState = "trusted"
    undated: int = 0
    plant_revision: int | None = None
    plant_error: str = ""


decode_meter_info = decoder_of(MeterInfo)
decode_gateway_health = decoder_of(GatewayHealth)
