"""Bytes of a reading on disk, as rows and in TimescaleDB's columnstore, brought into the table as ingest does it.

The readings are of flats whose appliances go on and off, with noise on everything: 1 % of the power, 0.15 V.
MMETERING_TEST_TIMESCALE_DSN names a TimescaleDB of the full edition; without it plain PostgreSQL alone is measured.
"""

import argparse
import os
import random
import secrets
import socket
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from pathlib import Path

import psycopg
from mmetering_contract.quantity import QUANTITIES, Group
from mmetering_contract.reading import Reading
from mmetering_contract.record import Device
from mmetering_demo.postgres import Postgres
from mmetering_ingest.intake import Delivery
from mmetering_ingest.schema.migrate import migrate
from mmetering_ingest.schema.storage import measure
from mmetering_ingest.store import Store
from psycopg import sql
from psycopg.conninfo import make_conninfo

from benchmarks.measure import machine, table, verdict

METERS = 10
LIVE_S = 10
# Seconds between two readings of a group, as a gateway reads by itself.
INTERVALS = {Group.LIVE: LIVE_S, Group.ENERGY: 60, Group.QUALITY: 60, Group.DEMAND: 300}
LIMIT = 30.0  # bytes of a reading of 24 noisy values
COMMIT = 1000  # readings
START = datetime(2026, 11, 23, tzinfo=UTC)

# W on a phase, and how often, for SPELL_S at a time.
LOADS = (60, 90, 150, 250, 400, 1200, 2200)
ODDS = (4, 4, 4, 3, 3, 1, 1)
SPELL_S = 600

NOISY = (
    "frequency", "power_total", "apparent_power_total", "reactive_power_total", "power_factor_total", "current_neutral",
    *(
        f"{name}_l{phase}"
        for name in ("voltage", "current", "power", "apparent_power", "reactive_power", "power_factor")
        for phase in (1, 2, 3)
    ),
)  # fmt: skip

Readings = Iterator[Reading]
Values = dict[str, int | float]


def noisy(hours: int) -> Readings:
    """Give readings of 24 gauges in one row, every LIVE_S of each meter."""
    return _readings(hours, lambda values, _: {Group.LIVE: {name: values[name] for name in NOISY}})


def usual(hours: int) -> Readings:
    """Give readings of all quantities, each group in its interval."""
    names = {group: [quantity.name for quantity in QUANTITIES if quantity.group is group] for group in Group}

    def due(values: Values, second: int) -> dict[Group, Values]:
        groups = (group for group in Group if second % INTERVALS[group] == 0)
        return {group: {name: values[name] for name in names[group]} for group in groups}

    return _readings(hours, due)


def _readings(hours: int, due: Callable[[Values, int], dict[Group, Values]]) -> Readings:
    seqs = count(1)
    meters = [(f"flat-{number:02}", random.Random(number)) for number in range(METERS)]
    spells = [[0.0] * 3 for _ in meters]
    for second in range(0, hours * 3600, LIVE_S):
        for (slug, chance), loads in zip(meters, spells, strict=True):
            if second % SPELL_S == 0:
                loads[:] = chance.choices(LOADS, ODDS, k=3)
            for place, (group, values) in enumerate(due(_values(chance, loads, second), second).items()):
                ts = START + timedelta(seconds=second, milliseconds=150 * place + chance.randrange(90, 110))
                seq, span_ms = next(seqs), chance.randrange(83, 90)
                yield Reading(meter=slug, ts=ts, seq=seq, group=group, values=values, span_ms=span_ms, quality="good")


def _values(chance: random.Random, loads: Sequence[float], second: int) -> Values:
    """Return all quantities of a meter; those that hardly vary, or follow from others, as constants."""
    volts = [230 + chance.gauss(0, 0.15) for _ in loads]
    watts = [load * (1 + chance.gauss(0, 0.01)) + chance.gauss(0, 0.5) for load in loads]
    factors = [0.95 + chance.gauss(0, 0.002) for _ in loads]
    apparent = [power / factor for power, factor in zip(watts, factors, strict=True)]
    reactive = [(total**2 - power**2) ** 0.5 for total, power in zip(apparent, watts, strict=True)]
    amperes = [power / voltage for power, voltage in zip(apparent, volts, strict=True)]
    phases = {
        "voltage": volts,
        "current": amperes,
        "power": watts,
        "apparent_power": apparent,
        "reactive_power": reactive,
        "power_factor": factors,
    }
    return {
        **{quantity.name: 4_711_000 + second // 9 if quantity.whole else 2.0 for quantity in QUANTITIES},
        **{f"{name}_l{n}": value for name, values in phases.items() for n, value in enumerate(values, 1)},
        **{f"{name}_total": sum(phases[name]) for name in ("power", "apparent_power", "reactive_power")},
        "power_factor_total": sum(watts) / sum(apparent),
        "frequency": 50 + chance.gauss(0, 0.004),
        "current_neutral": abs(amperes[0] - amperes[1]) + chance.gauss(0, 0.003),
    }


def fill(conninfo: str, readings: Readings) -> None:
    """Store the readings in commits as ingest makes them."""
    with closing(Store(conninfo)) as store:
        while some := tuple(islice(readings, COMMIT)):
            devices = {reading.meter: Device("sdm630", "23040107") for reading in some}
            store.commit([Delivery("storage", "main", "0123456789abcdef", devices, some)])


def size_of(conninfo: str) -> float:
    """Return bytes of a reading, with all indexes."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        storage = measure(connection)
    return storage.size / storage.readings


def pack(conninfo: str) -> None:
    """Bring all chunks into the columnstore, as the policy does some days later."""
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute("SELECT compress_chunk(chunk) FROM show_chunks('reading') AS chunk")


@contextmanager
def fresh(server: str) -> Iterator[str]:
    """Give a migrated database of a server, which is dropped afterwards."""
    name = f"storage_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        try:
            conninfo = make_conninfo(server, dbname=name)
            migrate(conninfo)
            yield conninfo
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def plain() -> Iterator[str]:
    """Give a plain PostgreSQL, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="mmetering-storage-") as home, socket.socket() as probe:
        Path(home).chmod(0o755)  # PostgreSQL does not run as root, and its user must be able to go there
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        postgres = Postgres(Path(home) / "postgres", port, {"fsync": "off", "log_min_messages": "panic"})
        password = secrets.token_urlsafe()
        postgres.create(password)
        with postgres.running():
            yield f"{postgres.conninfo()} password={password}"


def sizes(server: str, readings: Readings, *, packed: bool) -> Iterable[float]:
    """Give bytes of a reading as rows and, where wanted, in the columnstore."""
    with fresh(server) as conninfo:
        fill(conninfo, readings)
        yield size_of(conninfo)
        if packed:
            pack(conninfo)
            yield size_of(conninfo)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=48, help="of ten meters, live values each 10 s")
    hours = parser.parse_args().hours
    sys.stdout.write(f"{machine()}\n")
    kinds = {"24 noisy values": noisy, "all quantities, by groups": usual}
    found: dict[str, list[float]] = {name: [] for name in kinds}
    header = ["bytes of a reading", "PostgreSQL"]
    with plain() as server:
        for name, readings in kinds.items():
            found[name] += sizes(server, readings(hours), packed=False)
    if server := os.environ.get("MMETERING_TEST_TIMESCALE_DSN", ""):
        header += ["TimescaleDB", "columnstore"]
        for name, readings in kinds.items():
            found[name] += sizes(server, readings(hours), packed=True)
    print(table(header, [(name, *(f"{size:.1f}" for size in of_kind)) for name, of_kind in found.items()]))
    if server:
        packed = found["24 noisy values"][-1]
        print(verdict("bytes of 24 noisy values in the columnstore", packed, LIMIT, at_least=False))
    else:
        print("without MMETERING_TEST_TIMESCALE_DSN nothing is known of the columnstore")


if __name__ == "__main__":
    main()
