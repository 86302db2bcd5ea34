"""Deliveries into tables: all of a commit or nothing of it, and every reading once, whatever is repeated.

A row that the database refuses for its content (SQLSTATE 22 and 23) is found by halving and kept as rejected: it
never stops the stream. Any other error means that the database cannot store now, and that the same is to be tried
later.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import psycopg
from mmetering_contract.record import Range
from mmetering_contract.state import SeenGateway
from mmetering_runtime.sql import load_queries
from psycopg.conninfo import make_conninfo
from psycopg.types.multirange import Int8Multirange
from psycopg.types.range import Int8Range

from mmetering_ingest.account import Outcome, Refused, Row, receipts_of
from mmetering_ingest.intake import Delivery
from mmetering_ingest.meters import Meters
from mmetering_ingest.refusal import Kind, refuse
from mmetering_ingest.row import Columns

KEEP_REJECTED = 10_000  # rows
KEEP_REJECTED_BYTES = 64 * 2**20  # of their payloads
REASON_LENGTH = 1000  # characters
QUARTER_HOUR_S = 900
# A line that goes dead without a word, as with a host that vanishes, is noticed within half a minute.
KEEPALIVE = {
    "connect_timeout": 10,  # s, as the next two
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # ms
}

QUERIES = load_queries("mmetering_ingest")


class AwayError(Exception):
    """The database cannot store anything now; the same deliveries are to be stored later."""


class Store:
    """A connection to the database, opened when it is needed. For one thread."""

    def __init__(self, conninfo: str) -> None:
        """Prepare to connect."""
        self._conninfo = conninfo
        self._connection: psycopg.Connection | None = None
        self.meters = Meters(QUERIES)

    def close(self) -> None:
        """Close the connection; the next use opens a new one."""
        if self._connection:
            self._connection.close()
        self._connection = None
        self.meters.forget()

    def version(self) -> str | None:
        """Return the version of the schema, or None before the first migration.

        Raises:
            AwayError: the database cannot be reached.
        """
        try:
            row = self._connected().execute(QUERIES["version"]).fetchone()
        except psycopg.errors.UndefinedTable:
            return None
        except psycopg.Error as error:
            raise self._away(error) from error
        return row[0] if row else None

    def now(self) -> tuple[datetime, datetime | None]:
        """Return the time of the database's clock, and when it heard of a batch last; None before the first.

        Raises:
            AwayError: the database cannot be reached.
        """
        try:
            row = self._connected().execute(QUERIES["now"]).fetchone()
        except psycopg.Error as error:
            raise self._away(error) from error
        assert row
        now, last_batch_at = row
        return now, last_batch_at

    def see_gateways(self, gateways: Mapping[str, SeenGateway], now: datetime) -> None:
        """Note when batches of these gateways came, and how far their clocks are off, where that is known.

        Args:
            gateways: by slug.
            now: by the clock that their times are of, UTC.

        Raises:
            AwayError: the database cannot be reached.
        """
        parameters = {
            "gateways": list(gateways),
            "ages": [(now - gateway.batch_at).total_seconds() for gateway in gateways.values()],
            "offsets": [gateway.clock_offset_s for gateway in gateways.values()],
        }
        try:
            self._connected().execute(QUERIES["see_gateways"], parameters)
        except psycopg.Error as error:
            raise self._away(error) from error

    def commit(self, deliveries: Sequence[Delivery]) -> Outcome:
        """Store the deliveries; return what became of them.

        Raises:
            AwayError: not all of it could be stored; storing all of it again does no harm.
        """
        try:
            connection = self._connected()
            return self._write(connection, *self.meters.sort(connection, deliveries))
        except psycopg.Error as error:
            raise self._away(error) from error

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            connection = psycopg.connect(make_conninfo(self._conninfo, **KEEPALIVE), autocommit=True)
            self._connection = connection
            connection.execute(QUERIES["settings"])
        return self._connection

    def _away(self, error: psycopg.Error) -> AwayError:
        self.close()
        return AwayError(" ".join(f"{error.sqlstate or ''} {error}".split()))

    def _write(self, connection: psycopg.Connection, rows: list[Row], refused: list[Refused]) -> Outcome:
        """Commit rows and refusals, by way of the stage where some of the rows are there already."""
        try:
            try:
                return _transact(connection, rows, refused, staged=False)
            except psycopg.errors.UniqueViolation:
                return _transact(connection, rows, refused, staged=True)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            return self._halve(connection, rows, refused, error)

    def _halve(
        self, connection: psycopg.Connection, rows: list[Row], refused: list[Refused], error: psycopg.Error
    ) -> Outcome:
        """Commit the good rows without the one that the error is about."""
        if not rows:
            raise error
        if len(rows) == 1:
            [row] = rows
            refusal = refuse(Kind.DATABASE, row.reading, str(error))
            return self._write(connection, [], [*refused, Refused(row.delivery, refusal)])
        middle = len(rows) // 2
        first = self._write(connection, rows[:middle], refused)
        return first + self._write(connection, rows[middle:], [])


def _transact(connection: psycopg.Connection, rows: list[Row], refused: list[Refused], *, staged: bool) -> Outcome:
    stored = 0
    with connection.transaction(), connection.cursor() as cursor:
        if rows:
            stored = _copy(cursor, rows, staged=staged)
            _mark(cursor, rows)
        _record(cursor, rows, refused)
        _reject(cursor, refused)
    return Outcome(rows, refused, duplicates=len(rows) - stored)


def _copy(cursor: psycopg.Cursor, rows: list[Row], *, staged: bool) -> int:
    """Copy the rows, those of a scan group together, since they fill the same columns; return how many are new."""
    now = datetime.now(UTC)
    if staged:
        cursor.execute(QUERIES["stage"])
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.reading.group, []).append(row)
    for group in groups.values():
        columns = Columns.of(row.reading for row in group)
        table = "stage" if staged else "reading"
        with cursor.copy(f"COPY {table} ({', '.join(columns.names)}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(columns.types)
            for row in group:
                copy.write_row(columns.row(row.reading, row.meter_id, now))
    return cursor.execute(QUERIES["insert_staged"]).rowcount if staged else len(rows)


def _mark(cursor: psycopg.Cursor, rows: list[Row]) -> None:
    dirty = {(row.meter_id, int(row.reading.ts.timestamp()) // QUARTER_HOUR_S) for row in rows}
    meters, numbers = zip(*dirty, strict=True)
    cursor.execute(QUERIES["mark_dirty"], {"meters": list(meters), "numbers": list(numbers)})


def _record(cursor: psycopg.Cursor, rows: list[Row], refused: list[Refused]) -> None:
    told = [(gateway, receipt) for gateway, receipts in receipts_of(rows, refused).items() for receipt in receipts]
    if told:
        parameters = {
            "gateways": [gateway for gateway, _ in told],
            "epochs": [receipt.epoch for _, receipt in told],
            "seqs": [_multirange(receipt.stored) for _, receipt in told],
            "rejected": [_multirange(receipt.rejected) for _, receipt in told],
            "dropped": [_multirange(receipt.dropped) for _, receipt in told],
        }
        if any(refused_before for (refused_before,) in cursor.execute(QUERIES["record"], parameters)):
            cursor.execute(QUERIES["settle_rejected"], parameters)


def _reject(cursor: psycopg.Cursor, refused: list[Refused]) -> None:
    for entry in refused:
        cursor.execute(
            QUERIES["reject"],
            {
                "topic": entry.delivery.topic,
                "gateway": entry.delivery.gateway or None,
                "payload": entry.refusal.payload,
                "kind": entry.refusal.kind,
                "reason": _text(entry.refusal.reason),
                "epoch": entry.delivery.epoch or None,
                "seqs": _multirange(entry.refusal.seqs),
            },
        )
    if refused:
        cursor.execute(QUERIES["forget_rejected"], {"keep": KEEP_REJECTED, "keep_bytes": KEEP_REJECTED_BYTES})


def _text(reason: str) -> str:
    """Return a reason as PostgreSQL's text takes it: without NUL and without half characters."""
    whole = reason[:REASON_LENGTH].encode("utf-8", "backslashreplace").decode()
    return whole.replace("\0", "\\0")


def _multirange(ranges: Sequence[Range]) -> Int8Multirange:
    return Int8Multirange([Int8Range(first, last + 1) for first, last in ranges])
