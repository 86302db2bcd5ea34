"""A bus is polled whatever its meters do: real Modbus, a real spool, and no broker, which polling does not need."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from mmetering_contract.quantity import Group
from mmetering_contract.reading import Reading
from mmetering_contract.topic import Site
from mmetering_gateway.live import Live
from mmetering_gateway.plant import Meter, RtuBus, TcpBus
from mmetering_gateway.poll import Poller
from mmetering_gateway.schedule import Slot
from mmetering_gateway.spool import Spool
from mmetering_runtime.config import Broker
from mmetering_runtime.mqtt import Session
from mmetering_simulator import fault
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.rtu import RtuBus as SimulatedLine
from mmetering_simulator.tcp import TcpBus as SimulatedTcp
from wait import wait_for

SITE = Site("home")
INTERVALS = {Group.LIVE: 1, Group.ENERGY: 1}
LIVE = Slot(1, (Group.LIVE,))
BOTH = Slot(2, (Group.ENERGY, Group.LIVE))


class KeptLive(Live):
    """A live state that remembers what was published, there being no broker to see it at."""

    def __init__(self) -> None:
        """Make it over a session that is never started."""
        super().__init__(Session(Broker(SITE, "127.0.0.1", 1, "main", "secret"), "test"), SITE, "main", "e", INTERVALS)
        self.readings: list[Reading] = []

    def reading(self, reading: Reading) -> None:
        """Keep a reading."""
        super().reading(reading)
        self.readings.append(reading)

    def taken(self) -> list[tuple[str, str]]:
        """Return meter and group of the readings since the last call."""
        taken = [(reading.meter, reading.group) for reading in self.readings]
        self.readings.clear()
        return taken


def a_meter() -> FixedMeter:
    """Return a meter with a quiet flat behind it."""
    return FixedMeter({0x00: 230.0, 0x02: 230.0, 0x04: 230.0, 0x46: 50.0, 0x48: 1000.0})


@contextmanager
def a_poller(bus: TcpBus | RtuBus, directory: Path, *, meters: int = 2) -> Iterator[tuple[Poller, KeptLive]]:
    """Give a poller of the meters flat-1, flat-2 ... at the addresses 1, 2 ..."""
    live = KeptLive()
    plant = tuple(Meter(f"flat-{address}", "bus", address) for address in range(1, meters + 1))
    with Spool(directory / "spool.db") as spool:
        poller = Poller(bus, plant, INTERVALS, spool, live)
        yield poller, live
        poller.close()


@contextmanager
def polled(directory: Path, *, meters: int = 2) -> Iterator[tuple[SimulatedTcp, Poller, KeptLive]]:
    """Give a simulated Modbus TCP bus, and its poller after a first good slot."""
    with (
        SimulatedTcp({address: a_meter() for address in range(1, meters + 1)}) as bus,
        a_poller(TcpBus("bus", "127.0.0.1", bus.port), directory, meters=meters) as (poller, live),
    ):
        poller.poll(LIVE, 0)
        assert live.taken() == [(f"flat-{address}", "live") for address in range(1, meters + 1)]
        yield bus, poller, live


@pytest.mark.parametrize("spoil", [fault.bad_crc, fault.truncated, fault.wrong_unit, fault.noise_before, fault.nothing])
def test_a_disturbed_frame_loses_no_reading(spoil: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """It is asked for once more at the end of the slot, after the other meters; nobody counts a failed poll."""
    with SimulatedLine({1: a_meter(), 2: a_meter()}, baud=38400) as line:
        bus = RtuBus("bus", line.path, baud=38400, pause_ms=5)
        with a_poller(bus, tmp_path) as (poller, live):
            poller.poll(LIVE, 0)
            live.taken()
            line.faults.append(spoil)
            poller.poll(BOTH, 0)
            assert sorted(live.taken()) == sorted((f"flat-{n}", group) for n in (1, 2) for group in ("energy", "live"))
            health = poller.health()["flat-1"]
            assert (health.failures, health.lost) == (0, 1)


def test_a_silent_meter_costs_one_question_in_a_slot_and_the_others_nothing(tmp_path: Path) -> None:
    """Asked twice in its first slot, once in the next ones, and then less and less often."""
    with polled(tmp_path, meters=3) as (bus, poller, live):
        bus.unplug(2)
        questions = []
        for second in range(7):
            before = bus.asked[2]
            poller.poll(BOTH, second)
            questions.append(bus.asked[2] - before)
            assert live.taken() == [(f"flat-{n}", group) for group in ("energy", "live") for n in (1, 3)]
        assert questions == [2, 1, 1, 1, 0, 1, 0]
        assert (poller.health()["flat-2"].polls, poller.health()["flat-2"].failures) == (6, 5)


def test_a_meter_that_is_back_is_read_in_the_slot_in_which_it_answers(tmp_path: Path) -> None:
    """The probe that it answers is followed by its readings at once, and its status is good again."""
    with polled(tmp_path) as (bus, poller, live):
        bus.unplug(2)
        poller.poll(LIVE, 0)
        poller.poll(LIVE, 0)
        bus.plug(2)
        live.taken()
        poller.poll(BOTH, 0)
        assert ("flat-2", "energy") in live.taken()
        assert poller.health()["flat-2"].failures == 2


def test_a_unit_that_refuses_long_requests_is_read_in_shorter_ones(tmp_path: Path) -> None:
    """In the same slot, with every value; and from then on without a refusal."""
    with polled(tmp_path, meters=1) as (bus, poller, live):
        assert poller.health()["flat-1"].limit == 80
        bus.limit = 50
        poller.poll(LIVE, 0)
        (reading,) = live.readings
        assert (reading.missing, reading.suspect) == ((), ())
        assert reading.values["frequency"] == 50.0
        assert poller.health()["flat-1"].limit == 50
        before = bus.requests
        poller.poll(LIVE, 0)
        assert bus.requests - before == 2  # 0x00 to 0x47 do not fit into 50 registers
        assert poller.health()["flat-1"].failures == 0


def test_what_cannot_be_true_is_marked_by_its_name(tmp_path: Path) -> None:
    """Value and reading go out all the same, and what follows on a fallen counter is good again."""
    meter = a_meter()
    with (
        SimulatedTcp({1: meter}) as bus,
        a_poller(TcpBus("bus", "127.0.0.1", bus.port), tmp_path, meters=1) as (poller, live),
    ):
        poller.poll(BOTH, 0)
        meter.set(0x46, 0.0)
        meter.set(0x48, 999.0)
        poller.poll(BOTH, 0)
        poller.poll(BOTH, 0)
        meter.set(0x48, 3e38)
        poller.poll(BOTH, 0)
        energy = [(r.suspect, r.missing) for r in live.readings if r.group == "energy"]
        assert energy == [((), ()), (("energy_import",), ()), ((), ()), ((), ("energy_import",))]
        assert [(r.quality, r.suspect) for r in live.readings if r.group == "live"][:2] == [
            ("good", ()),
            ("suspect", ("frequency",)),
        ]
        assert live.readings[2].values["energy_import"] == 999_000
        assert poller.health()["flat-1"].suspect == 4


def test_an_adapter_that_vanishes_in_the_middle_of_a_poll_is_found_again(tmp_path: Path) -> None:
    """The slots without it bring nothing and end; the first one with it brings everything."""
    path = tmp_path / "line"
    with a_poller(RtuBus("bus", str(path), baud=38400, pause_ms=5), tmp_path) as (poller, live):
        for _ in range(2):
            line = SimulatedLine({1: a_meter(), 2: a_meter()}, path=path, baud=38400)
            with line:
                poller.poll(LIVE, 0)
                assert live.taken() == [("flat-1", "live"), ("flat-2", "live")]
                line.faults.append(lambda reply: unplug(path, reply))
                line.unplug(2)
                poller.poll(LIVE, 0)
            for _ in range(4):
                poller.poll(LIVE, 0)
            assert poller.health()["flat-2"].failures > 0
            live.taken()


def unplug(path: Path, reply: bytes) -> bytes:
    """Take the device away while a reply is under way."""
    path.unlink()
    return fault.truncated(reply)


def test_a_closed_connection_loses_no_reading(tmp_path: Path) -> None:
    """A converter that drops idle connections is connected to anew within the slot."""
    with polled(tmp_path) as (bus, poller, live):
        bus.drop()
        poller.poll(BOTH, 0)
        assert sorted(live.taken()) == sorted((f"flat-{n}", group) for n in (1, 2) for group in ("energy", "live"))
        assert all(health.failures == 0 for health in poller.health().values())


def test_a_bus_that_cannot_keep_up_reads_the_counters_first(tmp_path: Path) -> None:
    """Slots are missed and counted, and what is left out of them is the live group."""
    with polled(tmp_path, meters=4) as (bus, poller, live):
        bus.delay_s = 0.2  # 0.8 s for each group of the four, and 1 s for both
        stopping = Event()
        thread = Thread(target=poller.run, args=(stopping,))
        thread.start()
        try:
            wait_for(lambda: poller.overruns >= 4)
        finally:
            stopping.set()
            thread.join()
        groups = Counter(group for _, group in live.taken())
        assert groups["energy"] > groups["live"]


def test_the_turnaround_is_the_meters_own(tmp_path: Path) -> None:
    """What health tells is the time from question to answer, without the bytes' own and without the other requests."""
    with SimulatedLine({1: a_meter(), 2: a_meter()}, baud=9600) as line:
        bus = RtuBus("bus", line.path, pause_ms=60)
        with a_poller(bus, tmp_path, meters=1) as (poller, _):
            assert poller.health()["flat-1"].turnaround_ms is None
            poller.poll(BOTH, 0)
            turnaround_ms = poller.health()["flat-1"].turnaround_ms
            assert turnaround_ms is not None
            assert turnaround_ms >= 10  # the simulated meter takes 20 ms, less the silences that the wire counts
