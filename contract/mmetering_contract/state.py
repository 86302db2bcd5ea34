"""What gateways and services say of themselves and of their meters, retained, so that a newcomer knows at once."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from mmetering_contract.payload import Slug, decoder_of

ONLINE = b"online"
OFFLINE = b"offline"
CLOCK_OFF_S = 10.0  # longer than polling, batching and the way take together, where nothing is wrong

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


class Spread(msgspec.Struct, frozen=True):
    """The middle and the highest of some figures."""

    median: float
    maximum: float


class SeenGateway(msgspec.Struct, frozen=True):
    """A gateway as ingest sees it.

    Attributes:
        batch_at: when a batch of it came last, UTC.
        clock_offset_s: how far its newest readings lay ahead of their arrival, negative: behind; about -1 where its
            clock is right, None while nobody can tell.
    """

    batch_at: Annotated[datetime, msgspec.Meta(tz=True)]
    clock_offset_s: float | None = None

    @property
    def clock_is_off(self) -> bool:
        """Whether its clock is so wrong that people should know."""
        return self.clock_offset_s is not None and abs(self.clock_offset_s) > CLOCK_OFF_S


class IngestHealth(msgspec.Struct, frozen=True):
    """How a copy of ingest is doing; counts since its start.

    Attributes:
        at: when they were taken, UTC.
        committed_at: when something was stored last, UTC; None before the first time.
        away_since: since when nothing can be stored although there is something to store, UTC; None while all is well.
        away_reason: what the database says to that; empty while all is well.
        waiting: messages that came and are not stored yet.
        waiting_bytes: the size of those of them that nobody has looked at yet.
        messages: messages that were stored or refused.
        readings: readings that were stored for the first time.
        duplicates: readings that came again.
        rejected: messages and readings that were refused, by their kind.
        commits: transactions.
        overruns: connections to the broker that were ended because it sent more than there was room for.
        lag_s: from the newest reading of a batch to its commit, in the last half minute; None without any, as below.
        commit_s: how long a commit took, in the last half minute.
        commit_readings: readings in a commit, in the last half minute.
        database_clock_offset_s: how far the clock of the database is ahead of ours; None while nobody can tell.
        gateways: by slug.
    """

    at: Annotated[datetime, msgspec.Meta(tz=True)]
    committed_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    away_since: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    away_reason: str = ""
    waiting: int = 0
    waiting_bytes: int = 0
    messages: int = 0
    readings: int = 0
    duplicates: int = 0
    rejected: dict[str, int] = {}
    commits: int = 0
    overruns: int = 0
    lag_s: Spread | None = None
    commit_s: Spread | None = None
    commit_readings: Spread | None = None
    database_clock_offset_s: float | None = None
    gateways: dict[Slug, SeenGateway] = {}


decode_meter_info = decoder_of(MeterInfo)
decode_gateway_health = decoder_of(GatewayHealth)
decode_ingest_health = decoder_of(IngestHealth)
