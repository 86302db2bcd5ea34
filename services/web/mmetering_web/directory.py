"""What the database says about the meters, kept in memory, so that live values have their names while it is away.

A thread reads it again every few seconds, which also tells whether the database is there, and publishes changed labels.
Before the first reading the labels that the broker holds stand in.
"""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from mmetering_contract.label import Label
from mmetering_runtime.log import Log

from mmetering_web.chart import midnight, today
from mmetering_web.database import AwayError
from mmetering_web.live import Live
from mmetering_web.mqtt import Feed
from mmetering_web.rows import Entry
from mmetering_web.store import Store
from mmetering_web.tile import Counters

REFRESH_S = 5

log = Log("web.directory")


class Directory:
    """The meters by slug, with their points and their counters at midnight."""

    def __init__(self, store: Store, live: Live, feed: Feed, zone: ZoneInfo) -> None:
        """Read from the store; publish labels over the feed."""
        self._store = store
        self._live = live
        self._feed = feed
        self._zone = zone
        self._entries: dict[str, Entry] = {}
        self._labels: dict[str, Label] | None = None
        self._midnight = datetime.min.replace(tzinfo=UTC)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="directory", daemon=True)

    def start(self) -> None:
        """Begin to read, in a thread of its own."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        if self._thread.ident:
            self._thread.join(timeout=10)

    @property
    def is_alive(self) -> bool:
        """Whether the thread still does its work."""
        return self._thread.is_alive()

    @property
    def entries(self) -> Mapping[str, Entry]:
        """The meters that the database knows, by slug; none before it was first read."""
        return self._entries

    @property
    def labels(self) -> Mapping[str, Label]:
        """The labels of the meters that hang on a point, by slug."""
        return self._live.labels() if self._labels is None else self._labels

    def counters_at_midnight(self, slug: str, now: datetime) -> Counters | None:
        """Return a meter's counters when this day began, None where they are not known."""
        entry = self.entries.get(slug)
        if not entry or self._midnight != midnight(today(self._zone, now), self._zone):
            return None
        return Counters(entry.midnight_import, entry.midnight_export)

    def refresh(self) -> None:
        """Read the database now and publish what differs from the broker's labels.

        Raises:
            AwayError: the database is away; what was known stays.
        """
        begin = midnight(today(self._zone, datetime.now(UTC)), self._zone)
        self._entries = {entry.slug: entry for entry in self._store.directory(begin)}
        self._labels = labels_of(self._entries)
        self._midnight = begin
        self._feed.publish_labels(differences(self.labels, self._live.labels()))

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self.refresh()
            except AwayError:
                pass
            except Exception:  # noqa: BLE001  # the outermost loop: names must not end because of one bad row
                log.error("refresh_failed", trace=True)
            self._stopping.wait(REFRESH_S)


def labels_of(entries: Mapping[str, Entry]) -> dict[str, Label]:
    """Return the labels of those meters that hang on a point."""
    return {
        slug: Label(entry.point, entry.kind, entry.counter)
        for slug, entry in entries.items()
        if entry.point and entry.kind and entry.counter
    }


def differences(wanted: Mapping[str, Label], held: Mapping[str, Label]) -> dict[str, Label | None]:
    """Return what to publish, so that the broker holds the wanted labels; None takes one back."""
    new = {slug: label for slug, label in wanted.items() if held.get(slug) != label}
    return {**new, **{slug: None for slug in held if slug not in wanted}}
