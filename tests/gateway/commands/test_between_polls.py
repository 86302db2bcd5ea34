"""Commands are worked between the polls of a bus, which go on as if there were none."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from kept_live import KeptLive
from mmetering_contract.quantity import Group
from mmetering_gateway.clock import Clock
from mmetering_gateway.commands import Bench, CommandError, Work
from mmetering_gateway.commands.scan import Found, Scan, scan
from mmetering_gateway.commands.settings import SetAddress, set_address
from mmetering_gateway.models import MODELS
from mmetering_gateway.plant.plant import Meter, Plant, RtuBus
from mmetering_gateway.poll import Poller
from mmetering_gateway.spool.spool import Spool
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.rtu import RtuBus as SimulatedLine
from wait import wait_for

VALUES = {0x00: 230.0, 0x02: 230.0, 0x04: 230.0, 0x46: 50.0}
EVERY_5_S = {Group.LIVE: 5, Group.ENERGY: 5, Group.QUALITY: 0, Group.DEMAND: 0}


@contextmanager
def polled(meters: list[FixedMeter], known: tuple[Meter, ...], directory: Path) -> Iterator[tuple[Poller, KeptLive]]:
    """Poll the known ones of a line's meters, from the first reading on, in the thread that a bus has."""
    with SimulatedLine(meters) as line, Spool(directory / "spool.db") as spool:
        bus, live = RtuBus("bus", line.path), KeptLive()
        poller = Poller(bus, Plant(bus=(bus,), meter=known, intervals=EVERY_5_S), spool, live, clock=Clock(None))
        stopping = Event()
        thread = Thread(target=poller.run, args=(stopping,))
        thread.start()
        try:
            wait_for(lambda: live.readings)
            yield poller, live
        finally:
            stopping.set()
            poller.submit(iter(()))
            thread.join()


def test_a_scan_disturbs_no_poll(tmp_path: Path) -> None:
    """Three meters are read in each slot while a scan goes on, at another speed too; no slot is missed by it."""
    meters = [FixedMeter(VALUES, unit=unit, serial=1000 + unit) for unit in (1, 2, 3, 9)]
    known = tuple(Meter(f"flat-{unit}", "bus", unit) for unit in (1, 2, 3))
    found: list[tuple[Found, ...]] = []

    def errand(bench: Bench) -> Work[None]:
        found.append((yield from scan(bench, Scan("bus", "1-9", bauds=(9600, 19200)))))

    with polled(meters, known, tmp_path) as (poller, live):
        poller.submit(errand(poller.bench(MODELS)))
        wait_for(lambda: found, 90)
    assert [(meter.address, meter.baud) for meter in found[0]] == [(9, 9600)]
    assert poller.overruns == 0
    assert all(health.failures == 0 for health in poller.health().values())
    assert all(reading.missing == reading.suspect == () for reading in live.readings)


def test_a_change_that_waits_disturbs_no_poll(tmp_path: Path) -> None:
    """A meter that nobody restarts is waited for between the slots, and the others are read all the while."""
    meters = [FixedMeter(VALUES, unit=unit, serial=1000 + unit) for unit in (1, 2, 9)]
    known = tuple(Meter(f"flat-{unit}", "bus", unit) for unit in (1, 2))
    told: list[str] = []

    def errand(bench: Bench) -> Work[None]:
        with pytest.raises(CommandError) as error:
            yield from set_address(bench, SetAddress(bus="bus", address=9, to=10, wait_s=2))
        told.append(str(error.value))

    with polled(meters, known, tmp_path) as (poller, _):
        poller.submit(errand(poller.bench(MODELS)))
        wait_for(lambda: told, 90)
    assert "goes on at address 9" in told[0]
    assert poller.overruns == 0
    assert all(health.failures == 0 for health in poller.health().values())
