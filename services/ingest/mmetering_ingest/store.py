"""Deliveries into tables: all of a commit or nothing of it, and every reading once, whatever is repeated.

A row that the database refuses for its content is found by halving and kept as rejected: it never stops the
stream. Any other error means that the database cannot store now, and that the same is to be tried later.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from mmetering_contract.reading import Reading
from mmetering_contract.record import Device, Range, Receipt, ranges_of, union
from mmetering_runtime.sql import load_queries
from psycopg.types.multirange import Int8Multirange
from psycopg.types.range import Int8Range

from mmetering_ingest.intake import Delivery, Refusal, refuse
from mmetering_ingest.row import Columns

KEEP_REJECTED = 10_000
QUARTER_HOUR_S = 900

QUERIES = load_queries("mmetering_ingest")


class AwayError(Exception):
    """The database cannot store anything now; the same deliveries are to be stored later."""


@dataclass(frozen=True, slots=True)
class _Meter:
    id: int
    gateway: str
    device: Device


@dataclass(frozen=True, slots=True)
class _Stored:
    """A reading that has, or will have, a row."""

    delivery: Delivery
    reading: Reading
    meter_id: int


@dataclass(frozen=True, slots=True)
class _Refused:
    delivery: Delivery
    refusal: Refusal


class Store:
    """A connection to the database, opened when it is needed. For one thread."""

    def __init__(self, conninfo: str) -> None:
        """Prepare to connect."""
        self._conninfo = conninfo
        self._connection: psycopg.Connection | None = None
        self._meters: dict[str, _Meter] = {}

    def close(self) -> None:
        """Close the connection; the next use opens a new one."""
        if self._connection:
            self._connection.close()
        self._connection = None
        self._meters.clear()

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

    def commit(self, deliveries: Sequence[Delivery]) -> dict[str, list[Receipt]]:
        """Store the deliveries; return the receipts for each gateway.

        Raises:
            AwayError: not all of it could be stored; storing all of it again does no harm.
        """
        try:
            rows, refused = self._sort(deliveries)
            return _receipts(*self._write(rows, refused))
        except psycopg.Error as error:
            raise self._away(error) from error

    def _connected(self) -> psycopg.Connection:
        if self._connection is None:
            self._connection = psycopg.connect(self._conninfo, autocommit=True, connect_timeout=10)
        return self._connection

    def _away(self, error: psycopg.Error) -> AwayError:
        self.close()
        return AwayError(" ".join(f"{error.sqlstate or ''} {error}".split()))

    # Which meter a reading is of.

    def _sort(self, deliveries: Sequence[Delivery]) -> tuple[list[_Stored], list[_Refused]]:
        """Give each reading its meter; readings of another gateway's meter are refused."""
        self._register(deliveries)
        rows, refused = [], [_Refused(delivery, refusal) for delivery in deliveries for refusal in delivery.refusals]
        for delivery in deliveries:
            for reading in delivery.readings:
                meter = self._meters[reading.meter]
                if meter.gateway == delivery.gateway:
                    rows.append(_Stored(delivery, reading, meter.id))
                else:
                    reason = f"meter {reading.meter} belongs to gateway {meter.gateway}"
                    refused.append(_Refused(delivery, refuse(reading, reason)))
        return rows, refused

    def _register(self, deliveries: Sequence[Delivery]) -> None:
        """Know all meters of the deliveries, entering new ones and what has changed of known ones."""
        seen = {
            meter: (device, delivery.gateway) for delivery in deliveries for meter, device in delivery.devices.items()
        }
        if unknown := seen.keys() - self._meters.keys():
            self._enter({meter: seen[meter] for meter in unknown})
        for slug, (device, gateway) in sorted(seen.items()):
            meter = self._meters[slug]
            if meter.device != device and meter.gateway == gateway:
                parameters = {"meter": meter.id, "gateway": gateway, "model": device.model, "serial": device.serial}
                self._connected().execute(QUERIES["describe_meter"], parameters)
                self._meters[slug] = _Meter(meter.id, gateway, device)

    def _enter(self, meters: dict[str, tuple[Device, str]]) -> None:
        connection = self._connected()
        slugs = list(meters)
        parameters = {
            "slugs": slugs,
            "models": [meters[slug][0].model for slug in slugs],
            "serials": [meters[slug][0].serial for slug in slugs],
            "gateways": [meters[slug][1] for slug in slugs],
        }
        connection.execute(QUERIES["register_meters"], parameters)
        for slug, meter_id, gateway, model, serial in connection.execute(QUERIES["meters"], {"slugs": slugs}):
            self._meters[slug] = _Meter(meter_id, gateway, Device(model, serial))

    # The transaction.

    def _write(self, rows: list[_Stored], refused: list[_Refused]) -> tuple[list[_Stored], list[_Refused]]:
        """Commit rows and refusals; return what became of them."""
        try:
            self._transact(rows, refused, staged=False)
        except psycopg.errors.UniqueViolation:
            return self._write_staged(rows, refused)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            return self._halve(rows, refused, error)
        return rows, refused

    def _write_staged(self, rows: list[_Stored], refused: list[_Refused]) -> tuple[list[_Stored], list[_Refused]]:
        """Do the same where some of the rows are there already."""
        try:
            self._transact(rows, refused, staged=True)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            return self._halve(rows, refused, error)
        return rows, refused

    def _halve(
        self, rows: list[_Stored], refused: list[_Refused], error: psycopg.Error
    ) -> tuple[list[_Stored], list[_Refused]]:
        """Commit the good rows without the one that the error is about."""
        if not rows:
            raise error
        if len(rows) == 1:
            row = rows[0]
            return self._write([], [*refused, _Refused(row.delivery, refuse(row.reading, str(error)))])
        middle = len(rows) // 2
        first_stored, first_refused = self._write(rows[:middle], refused)
        second_stored, second_refused = self._write(rows[middle:], [])
        return first_stored + second_stored, first_refused + second_refused

    def _transact(self, rows: list[_Stored], refused: list[_Refused], *, staged: bool) -> None:
        connection = self._connected()
        with connection.transaction(), connection.cursor() as cursor:
            if rows:
                _copy(cursor, rows, staged=staged)
                _mark(cursor, rows)
            _record(cursor, rows, refused)
            _reject(cursor, refused)


def _copy(cursor: psycopg.Cursor, rows: list[_Stored], *, staged: bool) -> None:
    """Copy the rows, those of a scan group together, since they fill the same columns."""
    now = datetime.now(UTC)
    if staged:
        cursor.execute(QUERIES["stage"])
    groups: dict[str, list[_Stored]] = {}
    for row in rows:
        groups.setdefault(row.reading.group, []).append(row)
    for group in groups.values():
        columns = Columns.of(row.reading for row in group)
        table = "stage" if staged else "reading"
        with cursor.copy(f"COPY {table} ({', '.join(columns.names)}) FROM STDIN (FORMAT BINARY)") as copy:
            copy.set_types(columns.types)
            for row in group:
                copy.write_row(columns.row(row.reading, row.meter_id, now))
    if staged:
        cursor.execute(QUERIES["insert_staged"])


def _mark(cursor: psycopg.Cursor, rows: list[_Stored]) -> None:
    dirty = {(row.meter_id, int(row.reading.ts.timestamp()) // QUARTER_HOUR_S) for row in rows}
    meters, buckets = zip(*dirty, strict=True)
    times = [datetime.fromtimestamp(bucket * QUARTER_HOUR_S, UTC) for bucket in buckets]
    cursor.execute(QUERIES["mark_dirty"], {"meters": list(meters), "buckets": times})


def _record(cursor: psycopg.Cursor, rows: list[_Stored], refused: list[_Refused]) -> None:
    for gateway, receipts in _receipts(rows, refused).items():
        for receipt in receipts:
            cursor.execute(
                QUERIES["record"],
                {
                    "gateway": gateway,
                    "epoch": receipt.epoch,
                    "seqs": _multirange(receipt.stored),
                    "rejected": _multirange(receipt.rejected),
                    "dropped": _multirange(receipt.dropped),
                },
            )


def _reject(cursor: psycopg.Cursor, refused: list[_Refused]) -> None:
    for entry in refused:
        cursor.execute(
            QUERIES["reject"],
            {
                "topic": entry.delivery.topic,
                "payload": entry.refusal.payload,
                "reason": entry.refusal.reason.replace("\0", "\\0"),  # text knows no NUL
                "epoch": entry.delivery.epoch or None,
                "seqs": _multirange(entry.refusal.seqs),
            },
        )
    if refused:
        cursor.execute(QUERIES["forget_rejected"], {"keep": KEEP_REJECTED})


def _receipts(rows: list[_Stored], refused: list[_Refused]) -> dict[str, list[Receipt]]:
    """Return the receipts for each gateway, one for each epoch, both in order."""
    stored: dict[tuple[str, str], list[int]] = {}
    rejected: dict[tuple[str, str], list[Range]] = {}
    for row in rows:
        stored.setdefault((row.delivery.gateway, row.delivery.epoch), []).append(row.reading.seq)
    for entry in refused:
        if entry.delivery.epoch:
            key = entry.delivery.gateway, entry.delivery.epoch
            rejected.setdefault(key, []).extend(entry.refusal.seqs)
    dropped: dict[tuple[str, str], list[Range]] = {}
    deliveries = [*(row.delivery for row in rows), *(entry.delivery for entry in refused)]
    for delivery in {id(delivery): delivery for delivery in deliveries}.values():
        dropped.setdefault((delivery.gateway, delivery.epoch), []).extend(delivery.dropped)
    receipts: dict[str, list[Receipt]] = {}
    for gateway, epoch in sorted(stored.keys() | rejected.keys()):
        key = gateway, epoch
        receipt = Receipt(epoch, ranges_of(stored.get(key, ())), union(rejected.get(key, ())), union(dropped[key]))
        receipts.setdefault(gateway, []).append(receipt)
    return receipts


def _multirange(ranges: Sequence[Range]) -> Int8Multirange:
    return Int8Multirange([Int8Range(first, last + 1) for first, last in ranges])
