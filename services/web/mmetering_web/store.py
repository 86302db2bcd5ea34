"""The named queries of queries.sql as methods. Decides nothing but who may hang on which point."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import psycopg
from mmetering_contract.label import Counter, PointKind
from mmetering_runtime.sql import load_queries
from psycopg import errors
from psycopg.rows import class_row, scalar_row

from mmetering_web.chart import Period
from mmetering_web.database import ConflictError, Database
from mmetering_web.rows import CounterReading, Entry, FoundPoint, Gap, Installed, Latest, Person, Point, Role

Row = TypeVar("Row")


class Store:
    """What the pages ask of the database. Every method raises AwayError while it does not answer."""

    def __init__(self, database: Database) -> None:
        """Ask this database."""
        self._database = database
        self._queries = load_queries("mmetering_web")

    # People

    def person_by_name(self, name: str) -> Person | None:
        """Return who has this name."""
        return self._row(Person, "person_by_name", {"name": name})

    def person_by_id(self, person_id: int) -> Person | None:
        """Return who has this id."""
        return self._row(Person, "person_by_id", {"id": person_id})

    def people(self) -> list[Person]:
        """Return everybody, by name."""
        return self._rows(Person, "people", {})

    def add_person(self, name: str, password_hash: str, role: Role) -> None:
        """Add somebody.

        Raises:
            ConflictError: the name is taken.
        """
        with self._database.connection() as connection:
            try:
                parameters = {"name": name, "password_hash": password_hash, "role": role}
                connection.execute(self._queries["add_person"], parameters)
            except errors.UniqueViolation:
                raise ConflictError(f"there is a person named {name!r} already") from None

    def set_password(self, name: str, password_hash: str) -> None:
        """Give somebody a new password.

        Raises:
            ConflictError: nobody has this name.
        """
        with self._database.connection() as connection:
            cursor = connection.execute(self._queries["set_password"], {"name": name, "password_hash": password_hash})
            if not cursor.rowcount:
                raise ConflictError(f"there is no person named {name!r}")

    # Meters and points

    def directory(self, midnight: datetime) -> list[Entry]:
        """Return every meter with its point and its counters at `midnight`; asks also a database that was away."""
        return self._rows(Entry, "directory", {"midnight": midnight}, ask=True)

    def points(self) -> list[Point]:
        """Return every point, by name."""
        return self._rows(Point, "points", {})

    def assign(self, meter: str, name: str, kind: PointKind, counter: Counter) -> None:
        """Put a meter onto the point of this name, or rename its point; a point that nobody knows is made.

        Raises:
            ConflictError: the meter is not known, or the point has another meter.
        """
        with self._database.connection() as connection, connection.transaction():
            connection.execute(self._queries["lock_points"])
            now = self._installed(connection, meter)
            point = self._one(connection, FoundPoint, "point_by_name", {"name": name})
            if point and point.meter not in (None, meter):
                raise ConflictError(f"{name!r} has the meter {point.meter}: take that one off first")
            if now.point_id and not point:
                point = FoundPoint(now.point_id, meter)
            point = point or self._one(connection, FoundPoint, "add_point", {"name": name, "kind": kind})
            assert point
            connection.execute(self._queries["change_point"], {"id": point.id, "name": name, "kind": kind})
            self._install(connection, now, point.id, counter)

    def take_off(self, meter: str) -> None:
        """Take a meter off its point; what it has counted there stays.

        Raises:
            ConflictError: the meter is not known.
        """
        with self._database.connection() as connection, connection.transaction():
            connection.execute(self._queries["lock_points"])
            now = self._installed(connection, meter)
            connection.execute(self._queries["end_installation"], {"id": now.installation_id})

    # Charts: JSON as the database builds it, passed through: lists of one length, in the order of time. `t` is when
    # each begins (s since 1970), energy is in Wh and power in W; null is what is not known, and never 0.

    def building_profile(self, period: Period) -> str:
        """Return the building's `consumption` and `production` per quarter hour, and how many points are `missing`."""
        return self._text("building_profile", {"start": period.start, "end": period.end})

    def building_days(self, days: Sequence[Period]) -> str:
        """Return the building's `consumption` and `production` per day, month or year.

        Args:
            days: the stretches of time, in order; they end at full quarter hours that have passed.
        """
        return self._text("building_days", _bounds(days))

    def meter_profile(self, slug: str, period: Period) -> str:
        """Return a meter's `energy_import`, `energy_export`, `power`, `power_minimum` and `power_maximum`.

        All per quarter hour; without any where nobody knows the meter.
        """
        return self._text("meter_profile", {"slug": slug, "start": period.start, "end": period.end})

    def meter_days(self, slug: str, days: Sequence[Period]) -> str:
        """Return a meter's `energy_import`, `energy_export`, `measured` and `expected` quarter hours per day."""
        return self._text("meter_days", {"slug": slug, **_bounds(days)})

    def point_profile(self, point_id: int, period: Period) -> str:
        """Return a point's `energy`, `power`, `power_minimum` and `power_maximum` per quarter hour, of any meter."""
        return self._text("point_profile", {"point_id": point_id, "start": period.start, "end": period.end})

    def point_days(self, point_id: int, days: Sequence[Period]) -> str:
        """Return a point's `energy`, `measured` and `expected` quarter hours per day, month or year."""
        return self._text("point_days", {"point_id": point_id, **_bounds(days)})

    # Rows

    def counters_at(self, slug: str, instants: Sequence[datetime]) -> list[CounterReading]:
        """Return a meter's counters at those instants at which they are known."""
        return self._rows(CounterReading, "counters_at", {"slug": slug, "instants": list(instants)})

    def latest(self, since: datetime) -> list[Latest]:
        """Return the newest values of every meter, by slug; nothing older than `since` is looked for."""
        return self._rows(Latest, "latest", {"since": since})

    def gaps(self, slugs: Sequence[str], period: Period) -> list[Gap]:
        """Return where these meters were not measured, by meter and time."""
        return self._rows(Gap, "gaps", {"slugs": list(slugs), "start": period.start, "end": period.end})

    # How

    def _install(self, connection: psycopg.Connection, now: Installed, point_id: int, counter: Counter) -> None:
        if now.point_id == point_id:
            connection.execute(self._queries["change_counter"], {"id": now.installation_id, "counter": counter})
            return
        connection.execute(self._queries["end_installation"], {"id": now.installation_id})
        parameters = {
            "point_id": point_id,
            "meter_id": now.meter_id,
            "counter": counter,
            "was_installed": now.was_installed,
        }
        connection.execute(self._queries["add_installation"], parameters)

    def _installed(self, connection: psycopg.Connection, meter: str) -> Installed:
        found = self._one(connection, Installed, "meter_installation", {"slug": meter})
        if not found:
            raise ConflictError(f"there is no meter named {meter!r} yet: nothing of it has been stored")
        return found

    def _one(
        self, connection: psycopg.Connection, kind: type[Row], name: str, parameters: Mapping[str, object]
    ) -> Row | None:
        return connection.cursor(row_factory=class_row(kind)).execute(self._queries[name], parameters).fetchone()

    def _row(self, kind: type[Row], name: str, parameters: Mapping[str, object]) -> Row | None:
        with self._database.connection() as connection:
            return self._one(connection, kind, name, parameters)

    def _rows(self, kind: type[Row], name: str, parameters: Mapping[str, object], *, ask: bool = False) -> list[Row]:
        with self._database.connection(ask=ask) as connection:
            return connection.cursor(row_factory=class_row(kind)).execute(self._queries[name], parameters).fetchall()

    def _text(self, name: str, parameters: Mapping[str, object]) -> str:
        with self._database.connection() as connection:
            cursor = connection.cursor(row_factory=scalar_row).execute(self._queries[name], parameters)
            return str(cursor.fetchone())


def _bounds(days: Sequence[Period]) -> dict[str, object]:
    return {"starts": [day.start for day in days], "ends": [day.end for day in days]}
