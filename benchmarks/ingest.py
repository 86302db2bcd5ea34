"""What ingest makes of a backlog: readings per second and processor time of each, by the size of batches, in one run.

Beside it stand the sum of its parts, each measured alone (receive with paho, decode with msgspec, binary COPY), and a
subscriber that inserts and commits each message. A time ends when the last reading of the backlog is committed.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice

import psycopg
from mmetering_contract.record import decode_batch
from mmetering_contract.topic import Site
from mmetering_demo.checkout import CHECKOUT
from mmetering_ingest.row import Columns
from mmetering_runtime.config import Broker
from mmetering_runtime.event import Connected, Message
from mmetering_runtime.mqtt import Session, Subscription

from benchmarks.hall import Hall
from benchmarks.measure import machine, table, verdict
from benchmarks.port import HOST
from benchmarks.process import Process, wait_for
from benchmarks.stream import batches, readings

GATEWAYS = ("north", "east", "south", "west")
SIZES = (1, 10, 50, 200)
MESSAGES = 8_000  # at most: Mosquitto queues 10,000 for one subscriber
READINGS = 160_000  # at most, in one backlog
UNDER_WAY = 4_000  # without a receipt: so many small batches under way as many gateways would have
WINDOW = 8  # batches of one gateway
READING_BYTES = 400  # about
BYTES_ALONE = 24_000_000  # for the receiver alone, who gives no receipts
COMMIT = 1_000  # rows that the COPY alone commits at a time
OWN_US, PER_SECOND, TIMES = 15, 20_000, 50
EPOCH = "0123456789abcdef"

STORED = (
    "SELECT coalesce(sum(upper(range) - lower(range)), 0)::int FROM gateway_record, unnest(seqs) AS range"
    f" WHERE epoch = '{EPOCH}'"
)
FORGET = "TRUNCATE reading, quarter_hour, quarter_hour_quality, dirty_quarter_hour, gateway_record"


@dataclass(frozen=True, slots=True)
class Cost:
    """What readings cost, in the median of several backlogs.

    Attributes:
        per_second: readings.
        own_us: processor time of one reading in whoever stores it, all copies together.
        database_us: likewise in the database, the keeping of quarter hours included.
        broker_us: likewise in the broker.
        sender_us: likewise in the sender.
    """

    per_second: float
    own_us: float
    database_us: float
    broker_us: float
    sender_us: float

    @property
    def chain_us(self) -> float:
        """Processor time of one reading in whoever stores it and in the database."""
        return self.own_us + self.database_us


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--backlogs", type=int, default=3, help="of each kind; the figures are medians")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="readings in a batch")
    options = parser.parse_args()
    sys.stdout.write(f"{machine()}\n")
    with Hall(GATEWAYS) as hall, psycopg.connect(hall.conninfo, autocommit=True) as connection:
        naive = _median(partial(_naive, hall, connection), options.backlogs)
        costs = {
            (size, copies): _median(partial(_ingest, hall, connection, size, copies), options.backlogs)
            for size in options.sizes
            for copies in (1, 2)
        }
        copy = _copy(hall, connection)
        parts = {size: (_receive(hall, size), _decode(size), copy[0]) for size in options.sizes}
    rows = [(f"{size} in a batch, {copies} ingest", *_figures(cost)) for (size, copies), cost in costs.items()]
    rows.append(("naive: a row and a commit for each message", *_figures(naive)))
    print(table(("", "readings/s", "own us", "database us", "broker us", "sender us"), rows))
    rows = [(f"{size} in a batch", *_tenths(*us), *_tenths(sum(us)), *_tenths(copy[1])) for size, us in parts.items()]
    print(table(("parts alone, us/reading", "receive", "decode", "COPY", "sum", "COPY, database"), rows))
    for (size, copies), cost in costs.items():
        if size >= 50:
            _judge(f"{size} in a batch, {copies} ingest", cost, naive)


def _judge(name: str, cost: Cost, naive: Cost) -> None:
    print(verdict(f"{name}: own processor time of a reading in us", cost.own_us, OWN_US, at_least=False))
    print(verdict(f"{name}: readings/s", cost.per_second, PER_SECOND))
    print(verdict(f"{name}: readings/s, times naive", cost.per_second / naive.per_second, TIMES))
    print(verdict(f"{name}: processor time with the database, times naive", naive.chain_us / cost.chain_us, TIMES))


def _figures(cost: Cost) -> tuple[str, ...]:
    return (f"{cost.per_second:.0f}", *_tenths(cost.own_us, cost.database_us, cost.broker_us, cost.sender_us))


def _tenths(*figures: float) -> tuple[str, ...]:
    return tuple(f"{figure:.1f}" for figure in figures)


def _median(measure: Callable[[], Cost], backlogs: int) -> Cost:
    costs = [astuple(measure()) for _ in range(backlogs)]
    return Cost(*(statistics.median(column) for column in zip(*costs, strict=True)))


# The whole, of ingest and of the naive one.


def _ingest(hall: Hall, connection: psycopg.Connection, size: int, copies: int) -> Cost:
    connection.execute(FORGET)
    services = [hall.ingest(str(copy)) for copy in range(1, copies + 1)]
    for service in services:
        connections = _connections(service)
        service.start()
        wait_for(partial(_connections_exceed, service, connections), service.name)
    window = max(WINDOW, UNDER_WAY // len(GATEWAYS) // size)
    return _drain(hall, connection, services, STORED, size=size, window=window)


def _connections(service: Process) -> int:
    """Return how often a service has connected to the broker; it subscribes in the same breath."""
    return service.log.count("event=mqtt_connected")


def _connections_exceed(service: Process, number: int) -> bool:
    return _connections(service) > number


def _naive(hall: Hall, connection: psycopg.Connection) -> Cost:
    settings = {"MMETERING_DATABASE": hall.conninfo, "MMETERING_MQTT_PASSWORD": hall.password("ingest")}
    settings["PYTHONPATH"] = str(CHECKOUT)
    service = hall.service("naive", ["benchmarks.naive", f"--port={hall.mqtt_port}"], settings)
    service.start()
    wait_for(lambda: service.log.count("subscribed"), service.name)
    return _drain(hall, connection, [service], "SELECT count(*) FROM naive", size=1, window=0)


def _drain(
    hall: Hall, connection: psycopg.Connection, services: Sequence[Process], query: str, *, size: int, window: int
) -> Cost:
    """Return what a backlog costs, from the first message on until the query counts all of it."""
    connection.execute("CHECKPOINT")
    messages = min(MESSAGES, READINGS // size)
    due = messages * size
    with _sender(hall, size, messages, window) as sender:
        measured = (*services, hall.database, hall.broker)
        began, before = time.monotonic(), [process.processor_s() for process in measured]
        _go(sender)
        wait_for(lambda: _number(connection, query) >= due, "the last reading", interval=0.05)
        seconds = time.monotonic() - began
        used = [process.processor_s() - start for process, start in zip(measured, before, strict=True)]
        told = json.loads(_said(sender))
    for service in services:
        service.stop()
    *own, database, broker = (1e6 * processor_s / due for processor_s in used)
    return Cost(due / seconds, sum(own), database, broker, 1e6 * told["processor_s"] / due)


def _number(connection: psycopg.Connection, query: str) -> int:
    row = connection.execute(query).fetchone()
    assert row
    return int(row[0])


@contextmanager
def _sender(hall: Hall, size: int, messages: int, window: int) -> Iterator[subprocess.Popen[str]]:
    """Give a sender that is ready."""
    options = [f"--port={hall.mqtt_port}", f"--epoch={EPOCH}", f"--size={size}"]
    options += [f"--batches={messages // len(GATEWAYS)}", f"--window={window}"]
    passwords = {f"PASSWORD_{gateway}": hall.password(gateway) for gateway in GATEWAYS}
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.sender", *options, "--gateways", *GATEWAYS],
        cwd=CHECKOUT,
        env={**os.environ, **passwords},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        _said(process)
        yield process


def _go(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def _said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    line = process.stdout.readline()
    assert line, "the sender has failed"
    return line


# The parts alone, in microseconds of processor time of one reading.


def _receive(hall: Hall, size: int) -> float:
    """Receive and acknowledge the same messages with ingest's own session, and do nothing with them."""
    site = Site("home")
    broker = Broker(site, HOST, hall.mqtt_port, "ingest", hall.password("ingest"))
    session = Session(broker, "receiver", subscriptions=(Subscription(site.batch(), 1),), receive_maximum=20)
    session.start()
    wait_for(lambda: isinstance(session.next(1), Connected), "the receiver")
    messages = min(MESSAGES, BYTES_ALONE // (READING_BYTES * size))
    with _sender(hall, size, messages, 0) as sender:
        began = time.process_time()
        _go(sender)
        left = messages
        while left:
            event = session.next(1)
            if isinstance(event, Message):
                session.acknowledge(event)
                left -= 1
        used = time.process_time() - began
        _said(sender)
    session.stop()
    return 1e6 * used / (messages * size)


def _decode(size: int) -> float:
    """Decode, typed and checked."""
    payloads = [payload for payload, _ in batches(GATEWAYS[0], EPOCH, size, min(2000, 20_000 // size))]
    began = time.process_time()
    for payload in payloads:
        decode_batch(payload)
    return 1e6 * (time.process_time() - began) / (len(payloads) * size)


def _copy(hall: Hall, connection: psycopg.Connection) -> tuple[float, float]:
    """Copy rows that are ready and commit them; return what that costs the client, and the database."""
    connection.execute(FORGET)
    row = connection.execute("SELECT min(id) FROM meter").fetchone()
    assert row
    live = [reading for reading in islice(readings(GATEWAYS[0]), READINGS) if reading.group == "live"]
    columns = Columns.of(live)
    now = datetime.now(UTC)
    rows = [columns.row(reading, row[0], now) for reading in live]
    began, database = time.process_time(), hall.database.processor_s()
    for start in range(0, len(rows), COMMIT):
        some = rows[start : start + COMMIT]
        with (
            connection.transaction(),
            connection.cursor() as cursor,
            cursor.copy(f"COPY reading ({', '.join(columns.names)}) FROM STDIN (FORMAT BINARY)") as copy,
        ):
            copy.set_types(columns.types)
            for values in some:
                copy.write_row(values)
    used = time.process_time() - began, hall.database.processor_s() - database
    return 1e6 * used[0] / len(rows), 1e6 * used[1] / len(rows)


if __name__ == "__main__":
    main()
