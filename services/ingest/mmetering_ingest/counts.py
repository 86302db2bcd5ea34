"""What a copy of ingest has done, and how quickly: the figures of its health. Pure."""

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from statistics import median

from mmetering_contract.state import IngestHealth, SeenGateway, Spread

from mmetering_ingest.account import Outcome
from mmetering_ingest.intake import Delivery

SAMPLES = 10_000  # at most, of one figure in an interval


class Counts:
    """Counts since the start; the spreads are those of the last interval that is over."""

    def __init__(self) -> None:
        """Begin with nothing done."""
        self._messages = self._readings = self._duplicates = self._commits = 0
        self._rejected: Counter[str] = Counter()
        self._committed_at: datetime | None = None
        self._away: tuple[datetime, str] | None = None
        self._samples = {name: deque[float](maxlen=SAMPLES) for name in ("lag_s", "commit_s", "commit_readings")}
        self._spreads: dict[str, Spread] = {}

    def committed(self, deliveries: Iterable[Delivery], outcome: Outcome, took_s: float, now: datetime) -> None:
        """Count what a commit has done, which took so many seconds and was over `now`, UTC."""
        newest = [delivery.newest for delivery in deliveries]
        self._messages += len(newest)
        self._readings += len(outcome.rows) - outcome.duplicates
        self._duplicates += outcome.duplicates
        self._rejected.update(entry.refusal.kind.value for entry in outcome.refused)
        self._commits += 1
        self._committed_at, self._away = now, None
        self._samples["lag_s"].extend((now - ts).total_seconds() for ts in newest if ts)
        self._samples["commit_s"].append(took_s)
        self._samples["commit_readings"].append(len(outcome.rows))

    @property
    def is_away(self) -> bool:
        """Whether nothing could be stored when it was tried last."""
        return self._away is not None

    def away(self, reason: str, now: datetime) -> None:
        """Note that nothing can be committed."""
        since = self._away[0] if self._away else now
        self._away = since, reason

    def turn(self) -> None:
        """Begin a new interval."""
        self._spreads = {name: Spread(median(some), max(some)) for name, some in self._samples.items() if some}
        for samples in self._samples.values():
            samples.clear()

    def health(
        self,
        now: datetime,
        *,
        waiting: int,
        waiting_bytes: int,
        overruns: int,
        database_clock_offset_s: float | None,
        gateways: Mapping[str, SeenGateway],
    ) -> IngestHealth:
        """Return the figures, with those that others count."""
        since, reason = self._away or (None, "")
        return IngestHealth(
            at=now,
            committed_at=self._committed_at,
            away_since=since,
            away_reason=reason,
            waiting=waiting,
            waiting_bytes=waiting_bytes,
            messages=self._messages,
            readings=self._readings,
            duplicates=self._duplicates,
            rejected=dict(self._rejected),
            commits=self._commits,
            overruns=overruns,
            database_clock_offset_s=database_clock_offset_s,
            gateways=dict(gateways),
            lag_s=self._spreads.get("lag_s"),
            commit_s=self._spreads.get("commit_s"),
            commit_readings=self._spreads.get("commit_readings"),
        )
