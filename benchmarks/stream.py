"""Readings as gateways send them: each second the live group of every meter, and now and then its counters."""

import random
import struct
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice

from mmetering_contract.payload import encode
from mmetering_contract.reading import Reading
from mmetering_contract.record import Batch, Device, identity_of
from mmetering_gateway.models.registers import shortest

from benchmarks.live import VALUES

METERS = 25  # of each gateway
ENERGY_S = 10  # between two readings of the counters of a meter
FLOAT = struct.Struct(">f")
START = datetime(2026, 11, 23, tzinfo=UTC)

Properties = tuple[tuple[str, str], ...]


def readings(gateway: str) -> Iterator[Reading]:
    """Yield the readings of a gateway's spool, without end; the same at every call."""
    chance = random.Random(gateway)
    seqs = count(1)
    for second in count():
        for meter in range(1, METERS + 1):
            ts = START + timedelta(seconds=second, milliseconds=meter)
            slug = f"{gateway}-meter-{meter}"
            yield _reading(slug, ts, next(seqs), "live", _live(chance))
            if (second + meter) % ENERGY_S == 0:
                later = ts + timedelta(milliseconds=500)
                yield _reading(slug, later, next(seqs), "energy", _energy(second, meter))


def batches(gateway: str, epoch: str, size: int, number: int) -> list[tuple[bytes, Properties]]:
    """Return payload and user properties of so many batches of a gateway, each of `size` readings.

    A gateway's own batches end at 64 kB, which about 150 of these readings fill.
    """
    source = readings(gateway)
    made = []
    for _ in range(number):
        some = tuple(islice(source, size))
        devices = {reading.meter: Device("sdm630", "23040107") for reading in some}
        made.append((encode(Batch(epoch, devices, some)), identity_of(epoch, [reading.seq for reading in some])))
    return made


def _reading(meter: str, ts: datetime, seq: int, group: str, values: dict[str, int | float]) -> Reading:
    return Reading(meter=meter, ts=ts, seq=seq, group=group, values=values, span_ms=146, quality="good")


def _live(chance: random.Random) -> dict[str, int | float]:
    values = {name: chance.uniform(1, 2000) for name in VALUES}
    values |= {name: chance.uniform(225, 235) for name in VALUES if name.startswith("voltage")}
    values["frequency"] = chance.uniform(49.9, 50.1)
    return {name: shortest(FLOAT.unpack(FLOAT.pack(value))[0]) for name, value in values.items()}


def _energy(second: int, meter: int) -> dict[str, int | float]:
    imported = 1_000_000 * meter + second
    return {
        "energy_import": imported,
        "energy_export": meter,
        "reactive_energy_import": imported // 7,
        "reactive_energy_export": meter,
    }
