"""The parts of the running web, put together once, and the frames that its pages show."""

from dataclasses import dataclass
from datetime import UTC, datetime

from flask import current_app
from msgspec.structs import replace

from mmetering_web.building import building_of
from mmetering_web.config import Config
from mmetering_web.database import Database
from mmetering_web.directory import Directory
from mmetering_web.frame import Frame, since, wrong_clock
from mmetering_web.layout import Group, groups, layout_of
from mmetering_web.live import Live, Meter
from mmetering_web.mqtt import Feed
from mmetering_web.store import Store
from mmetering_web.tile import Tile, detail_of, milliseconds, tile_of


@dataclass(frozen=True)
class House:
    """The parts. `start` begins the threads, `stop` ends them."""

    config: Config
    database: Database
    store: Store
    live: Live
    feed: Feed
    directory: Directory

    @classmethod
    def of(cls, config: Config) -> "House":
        """Put the parts together."""
        database, live = Database(config.database), Live(config.broker.site)
        store, feed = Store(database), Feed(config.broker, config.copy, live)
        return cls(config, database, store, live, feed, Directory(store, live, feed, config.time_zone))

    def start(self) -> None:
        """Begin to listen and to read."""
        self.feed.start()
        self.directory.start()

    def stop(self) -> None:
        """Stop listening and reading."""
        self.directory.stop()
        self.feed.stop()
        self.database.close()

    def groups(self) -> tuple[Group, ...]:
        """Return all meters under their headings."""
        heard = {slug: meter.info.label if meter.info else "" for slug, meter in self.live.meters().items()}
        return groups(self.directory.labels, dict.fromkeys(self.directory.entries, "") | heard)

    def dashboard(self) -> Frame:
        """Return the building and all tiles as they are now."""
        now = datetime.now(UTC)
        grouped, meters = self.groups(), self.live.meters()
        tiles = {slug: self._tile(slug, meters.get(slug), now) for group in grouped for slug, _ in group.meters}
        building = building_of(self.directory.labels, tiles, milliseconds(now))
        return replace(self._head(now), layout=layout_of(grouped), building=building, meters=tiles)

    def meter(self, slug: str) -> Frame:
        """Return one meter as it is now."""
        now, meter = datetime.now(UTC), self.live.meters().get(slug)
        detail = detail_of(self._tile(slug, meter, now), meter) if meter else None
        return replace(self._head(now), detail=detail)

    def _head(self, now: datetime) -> Frame:
        """Return what every page is told: what is missing, late or wrong."""
        standstill, clocks = self.live.failures("ingest"), self.live.failures("clock")
        return Frame(
            milliseconds(now),
            since(self.feed.away_since),
            since(self.database.away_since),
            layout="",
            late_since=since(standstill[0].since) if standstill else None,
            clocks=tuple(wrong_clock(incident) for incident in clocks),
        )

    def _tile(self, slug: str, meter: Meter | None, now: datetime) -> Tile:
        lost = self.feed.away_since is not None
        midnight = self.directory.counters_at_midnight(slug, now)
        return tile_of(self.live, meter, self.directory.labels.get(slug), midnight, lost=lost)


def house() -> House:
    """Return the parts of the current app."""
    found = current_app.extensions["mmetering"]
    assert isinstance(found, House)
    return found
