"""Times of the web's named queries over ten million readings, beside the same questions asked of the raw readings.

Ten meters have a year, ninety more have three days of a reading a minute. Plain PostgreSQL comes out of the wheel and
reads with its own settings; MMETERING_TEST_TIMESCALE_DSN names a TimescaleDB where databases may be made.
"""

import argparse
import os
import secrets
import shutil
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from mmetering_demo.postgres import Postgres
from mmetering_ingest.schema.migrate import migrate
from mmetering_runtime.sql import load_queries
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo

from benchmarks.measure import machine, table

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
DAY, YEAR, MINUTE = timedelta(days=1), timedelta(days=365), timedelta(minutes=1)
OLD, METERS, NEW_DAYS = 10, 100, 3
WRITING = {"log_min_messages": "panic", "fsync": "off", "max_wal_size": "8GB"}  # what is measured is reading
PATIENCE = "120s"  # beyond it a question is given up
WEB, OURS = load_queries("mmetering_web"), load_queries("benchmarks")
STARTS = [NOW - YEAR + DAY * number for number in range(365)]
HEADER = ("", "named ms", "raw ms", "times")


@dataclass(frozen=True, slots=True)
class Question:
    """What people want to know, and the name of the query that answers it."""

    words: str
    query: str
    parameters: Mapping[str, object] = field(default_factory=dict)


THE_METER = {"slug": "meter-1", "slugs": ["meter-1"], "point_id": 1, "start": NOW - YEAR, "end": NOW}
DAYS = {"starts": STARTS, "ends": [start + DAY for start in STARTS]}
QUESTIONS = (
    Question("a year of quarter hours of a meter", "meter_profile", THE_METER),
    Question("a year of days of a meter", "meter_days", {**THE_METER, **DAYS}),
    Question("a year of gaps of a meter", "gaps", THE_METER),
    Question("counters of a meter at five midnights", "counters_at", {**THE_METER, "instants": STARTS[::80]}),
    Question("a day of quarter hours of a hundred meters", "building_profile", {"start": NOW - DAY, "end": NOW}),
    Question("a year of days of the building", "building_days", {**DAYS, "start": NOW - YEAR, "end": NOW}),
    Question("newest values of a hundred meters", "latest", {"since": NOW - DAY}),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readings", type=int, default=10_000_000, help="about so many (10000000)")
    parser.add_argument("--runs", type=int, default=5, help="of which the median is told (5)")
    options = parser.parse_args()
    print(machine())
    with _plain() as conninfo:
        _measure("plain PostgreSQL", conninfo, options.readings, options.runs)
    dsn = os.environ.get("MMETERING_TEST_TIMESCALE_DSN")
    if not dsn:
        print("\nno TimescaleDB: MMETERING_TEST_TIMESCALE_DSN names none")
        return
    with _database(dsn) as conninfo:
        _measure("TimescaleDB", conninfo, options.readings, options.runs)


def _measure(name: str, conninfo: str, readings: int, runs: int) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        begun = time.monotonic()
        stored = _fill(connection, readings)
        print(f"\n{name} {connection.info.server_version // 10_000}: {stored:,} readings, made in "
              f"{time.monotonic() - begun:.0f} s; medians of {runs}")  # fmt: skip
        connection.execute("SELECT set_config('statement_timeout', %s, false)", [PATIENCE])
        connection.execute("SET jit = off")  # as the web does
        print(table(HEADER, [_row(connection, question, runs) for question in QUESTIONS]))


def _row(connection: psycopg.Connection, question: Question, runs: int) -> Sequence[object]:
    named = _median_ms(connection, WEB[question.query], question.parameters, runs)
    raw = _median_ms(connection, OURS[f"raw_{question.query}"], question.parameters, runs)
    return question.words, f"{named:,.1f}", f"{raw:,.1f}", f"{raw / named:,.0f}"


def _median_ms(connection: psycopg.Connection, query: str, parameters: Mapping[str, object], runs: int) -> float:
    """Return how long an answer takes until its last row is here; infinity where it is given up."""
    times = []
    for _ in range(runs):
        begun = time.perf_counter()
        try:
            connection.execute(query.encode(), parameters).fetchall()
        except errors.QueryCanceled:
            return float("inf")
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def _fill(connection: psycopg.Connection, readings: int) -> int:
    """Store readings day by day and what ingest keeps of them; return how many there are."""
    new = {"interval": MINUTE, "first": OLD + 1, "last": METERS}
    rest = max(readings - (METERS - OLD) * NEW_DAYS * 1440, 1)
    old = {"interval": YEAR * OLD / rest, "first": 1, "last": OLD}
    connection.execute("SET synchronous_commit = off")
    connection.execute(OURS["add_meters"], {"meters": METERS})
    stored = 0
    for number in range(365):
        span = {"start": STARTS[number], "end": STARTS[number] + DAY}
        for meters in (old, new) if number >= 365 - NEW_DAYS else (old,):
            stored += connection.execute(OURS["add_readings"], {**meters, **span}).rowcount
        connection.execute(OURS["add_quarter_hours"], span)
    if connection.execute("SELECT to_regproc('compress_chunk') IS NOT NULL").fetchone() == (True,):
        connection.execute(OURS["compress"], {"start": NOW - NEW_DAYS * DAY})
    connection.execute("VACUUM ANALYZE")
    return stored


@contextmanager
def _plain() -> Iterator[str]:
    home = Path(tempfile.mkdtemp(prefix="mmetering-benchmark-"))
    try:
        home.chmod(0o755)
        password = secrets.token_urlsafe()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        postgres = Postgres(home, port, WRITING)
        postgres.create(password)
        with postgres.running():
            conninfo = f"{postgres.conninfo()} password={password}"
            migrate(conninfo)
            yield conninfo
    finally:
        shutil.rmtree(home)


@contextmanager
def _database(dsn: str) -> Iterator[str]:
    name = f"benchmark_{secrets.token_hex(4)}"
    _execute(dsn, "CREATE DATABASE {} TEMPLATE template0", name)
    try:
        conninfo = make_conninfo(dsn, dbname=name)
        migrate(conninfo)
        yield conninfo
    finally:
        _execute(dsn, "DROP DATABASE {} WITH (FORCE)", name)


def _execute(dsn: str, statement: str, name: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


if __name__ == "__main__":
    main()
