"""What each bus of a plant will be asked, and how much of its time that will take. Pure."""

import msgspec
from mmetering_contract.quantity import Group

from mmetering_gateway.planning.budget import Budget
from mmetering_gateway.planning.requests import Request
from mmetering_gateway.plant.plant import Plant

DECIMALS = 4  # a tenth of a millisecond


class ReadForecast(msgspec.Struct, frozen=True):
    """How each meter of a model is read for a group.

    Attributes:
        meters: how many there are.
        requests: what one of them is asked: the first register's PDU address, and how many registers.
        bytes: of one meter's requests and replies.
        seconds: for one meter.
    """

    model: str
    meters: int
    requests: tuple[Request, ...]
    bytes: int
    seconds: float


class GroupForecast(msgspec.Struct, frozen=True):
    """How a scan group of a bus is read.

    Attributes:
        interval_s: seconds between two reads; None where it is left out.
        seconds: for all meters once.
        load: share of the bus's time.
    """

    group: Group
    interval_s: int | None
    seconds: float
    load: float
    reads: tuple[ReadForecast, ...]


class BusForecast(msgspec.Struct, frozen=True):
    """What a bus will have to do, its meters answering as quickly as is guessed before they are measured.

    Attributes:
        load: share of its time; more than 1 is more than it has.
        slot_s: seconds that the longest slot takes.
        safe: whether it can carry that.
        shortest_live_s: the shortest safe live interval beside the other intervals; None if there is none.
        groups: those that a meter of the bus has, the most important one first.
    """

    bus: str
    meters: int
    load: float
    slot_s: float
    safe: bool
    shortest_live_s: int | None
    groups: tuple[GroupForecast, ...]


def forecast_of(plant: Plant) -> tuple[BusForecast, ...]:
    """Return what each bus of a plant will have to do, in the plant's order."""
    return tuple(_bus(plant, bus.name) for bus in plant.bus)


def _bus(plant: Plant, name: str) -> BusForecast:
    budget, intervals = plant.budget_on(name), plant.intervals_on(name)
    return BusForecast(
        bus=name,
        meters=len(plant.meters_on(name)),
        load=round(budget.load(intervals), DECIMALS),
        slot_s=round(budget.slot_s(intervals), DECIMALS),
        safe=budget.is_safe(intervals),
        shortest_live_s=budget.shortest_live(intervals),
        groups=tuple(_group(budget, group, intervals.get(group)) for group in budget.seconds),
    )


def _group(budget: Budget, group: Group, interval_s: int | None) -> GroupForecast:
    seconds = budget.seconds[group]
    load = round(seconds / interval_s, DECIMALS) if interval_s else 0.0
    reads = tuple(
        ReadForecast(read.model, read.meters, read.requests, read.bytes, round(read.seconds, DECIMALS))
        for read in budget.reads
        if read.group is group
    )
    return GroupForecast(group, interval_s, round(seconds, DECIMALS), load, reads)
