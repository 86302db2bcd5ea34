"""The health as Prometheus scrapes it."""

from collections.abc import Callable, Iterable

from mmetering_contract.state import BusHealth, GatewayHealth, MeterHealth
from mmetering_runtime.metrics import COUNTER, GAUGE, Figure, families
from prometheus_client import Metric
from prometheus_client.registry import Collector


def _turnaround(meter: MeterHealth) -> float | None:
    return None if meter.turnaround_ms is None else meter.turnaround_ms / 1000


def _last_success(meter: MeterHealth) -> float | None:
    return None if meter.answered_at is None else meter.answered_at.timestamp()


GATEWAY: tuple[Figure[GatewayHealth], ...] = (
    Figure("spool_readings", "Readings that wait for a receipt.", GAUGE, lambda h: h.spooled),
    Figure("spool_oldest_age_seconds", "Age of the oldest of them.", GAUGE, lambda h: h.oldest_s),
    Figure("spool_undated_readings", "Those of them that wait for a good clock.", GAUGE, lambda h: h.undated),
    Figure("spool_archived_readings", "Readings kept after their receipt.", GAUGE, lambda h: h.archived),
    Figure("spool_dropped_readings", "Readings given up for want of room.", COUNTER, lambda h: h.dropped),
    Figure("batches_outstanding", "Batches without a receipt yet.", GAUGE, lambda h: h.outstanding),
    Figure("batch_repeats", "Batches sent more than once.", COUNTER, lambda h: h.repeats),
    Figure("clock_good", "1 while the wall clock can be believed.", GAUGE, lambda h: h.clock != "unsynchronised"),
    Figure("plant_revision", "Plant in force, where the broker tells it.", GAUGE, lambda h: h.plant_revision),
    Figure("plant_refused", "1 while the broker's newest plant is not in force.", GAUGE, lambda h: bool(h.plant_error)),
)
BUS: tuple[Figure[BusHealth], ...] = (
    Figure("bus_load_ratio", "Share of the time that the bus was in use.", GAUGE, lambda b: b.load),
    Figure("bus_requests", "Questions asked.", COUNTER, lambda b: b.requests),
    Figure("bus_timeouts", "Questions that nothing came back for.", COUNTER, lambda b: b.timeouts),
    Figure("bus_garbled_replies", "Replies that were no frame: CRC errors, noise.", COUNTER, lambda b: b.garbled),
    Figure("bus_exceptions", "Replies that were an exception code.", COUNTER, lambda b: b.exceptions),
    Figure("bus_refused_replies", "Replies of a wrong unit, function or length.", COUNTER, lambda b: b.refused),
    Figure("bus_overruns", "Slots missed because the bus was busy.", COUNTER, lambda b: b.overruns),
)
METER: tuple[Figure[MeterHealth], ...] = (
    Figure("meter_polls", "Slots in which the meter was asked.", COUNTER, lambda m: m.polls),
    Figure("meter_failures", "Those of them that brought nothing.", COUNTER, lambda m: m.failures),
    Figure("meter_lost_replies", "Questions without a good answer.", COUNTER, lambda m: m.lost),
    Figure("meter_suspect_readings", "Readings with an impossible value.", COUNTER, lambda m: m.suspect),
    Figure("meter_turnaround_seconds", "Mean time from question to answer.", GAUGE, _turnaround),
    Figure("meter_last_success_timestamp_seconds", "When it gave its last reading.", GAUGE, _last_success),
    Figure("meter_request_limit_registers", "Registers asked for at once.", GAUGE, lambda m: m.limit or None),
)


class HealthCollector(Collector):
    """Makes metrics of the health at each scrape."""

    def __init__(self, gateway: str, health: Callable[[], GatewayHealth]) -> None:
        """Ask `health` for the figures of a gateway."""
        self._gateway = gateway
        self._health = health

    def collect(self) -> Iterable[Metric]:
        """Return every metric with its values."""
        health, gateway = self._health(), self._gateway
        yield from families(GATEWAY, ("gateway",), {(gateway,): health})
        yield from families(BUS, ("gateway", "bus"), {(gateway, bus): one for bus, one in health.buses.items()})
        yield from families(
            METER, ("gateway", "meter"), {(gateway, meter): one for meter, one in health.meters.items()}
        )
