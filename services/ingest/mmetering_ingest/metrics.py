"""The health as Prometheus scrapes it."""

from collections.abc import Callable, Iterable

from mmetering_contract.state import IngestHealth, SeenGateway, Spread
from mmetering_runtime.metrics import COUNTER, GAUGE, Figure, families
from prometheus_client import Metric
from prometheus_client.registry import Collector


def _median(spread: Spread | None) -> float | None:
    return None if spread is None else spread.median


def _maximum(spread: Spread | None) -> float | None:
    return None if spread is None else spread.maximum


def _last_commit(health: IngestHealth) -> float | None:
    return None if health.committed_at is None else health.committed_at.timestamp()


INGEST: tuple[Figure[IngestHealth], ...] = (
    Figure("ingest_messages", "Batches stored or refused.", COUNTER, lambda h: h.messages),
    Figure("ingest_readings", "Readings stored for the first time.", COUNTER, lambda h: h.readings),
    Figure("ingest_duplicate_readings", "Readings that came again.", COUNTER, lambda h: h.duplicates),
    Figure("ingest_commits", "Transactions.", COUNTER, lambda h: h.commits),
    Figure("ingest_overruns", "Connections ended because too much came.", COUNTER, lambda h: h.overruns),
    Figure("ingest_last_commit_timestamp_seconds", "When something was stored last.", GAUGE, _last_commit),
    Figure("ingest_away", "1 while the database cannot store what is here.", GAUGE, lambda h: h.away_since is not None),
    Figure("ingest_waiting_messages", "Batches that came and are not stored.", GAUGE, lambda h: h.waiting),
    Figure("ingest_lag_seconds_median", "From reading to commit, in half a minute.", GAUGE, lambda h: _median(h.lag_s)),
    Figure("ingest_lag_seconds_maximum", "The longest of them.", GAUGE, lambda h: _maximum(h.lag_s)),
    Figure("ingest_commit_seconds_median", "How long a commit took.", GAUGE, lambda h: _median(h.commit_s)),
    Figure("ingest_commit_seconds_maximum", "The longest of them.", GAUGE, lambda h: _maximum(h.commit_s)),
    Figure("ingest_commit_readings_median", "Readings in a commit.", GAUGE, lambda h: _median(h.commit_readings)),
    Figure("ingest_commit_readings_maximum", "The most of them.", GAUGE, lambda h: _maximum(h.commit_readings)),
    Figure(
        "ingest_database_clock_offset_seconds",
        "How far the database's clock is ahead of ingest's.",
        GAUGE,
        lambda h: h.database_clock_offset_s,
    ),
)
REJECTED: tuple[Figure[int], ...] = (
    Figure("ingest_rejected", "Messages and readings refused, by kind.", COUNTER, lambda count: count),
)
GATEWAY: tuple[Figure[SeenGateway], ...] = (
    Figure(
        "ingest_gateway_last_batch_timestamp_seconds",
        "When its last batch came.",
        GAUGE,
        lambda g: g.batch_at.timestamp(),
    ),
    Figure("ingest_gateway_clock_offset_seconds", "How far its clock is ahead.", GAUGE, lambda g: g.clock_offset_s),
)


class HealthCollector(Collector):
    """Makes metrics of the health at each scrape."""

    def __init__(self, copy: str, health: Callable[[], IngestHealth]) -> None:
        """Ask `health` for the figures of a copy."""
        self._copy = copy
        self._health = health

    def collect(self) -> Iterable[Metric]:
        """Return every metric with its values."""
        health, copy = self._health(), self._copy
        yield from families(INGEST, ("copy",), {(copy,): health})
        yield from families(REJECTED, ("copy", "kind"), {(copy, kind): n for kind, n in health.rejected.items()})
        yield from families(GATEWAY, ("copy", "gateway"), {(copy, name): g for name, g in health.gateways.items()})
