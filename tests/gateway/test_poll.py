"""A bus is polled whatever its meters do: real Modbus, a real spool, and no broker, which polling does not need."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from kept_live import KeptLive
from mmetering_contract.quantity import Group
from mmetering_gateway.clock import Clock
from mmetering_gateway.planning.schedule import Slot
from mmetering_gateway.plant.plant import Meter, Plant, RtuBus, TcpBus
from mmetering_gateway.poll import Poller
from mmetering_gateway.spool.spool import Spool
from mmetering_simulator import fault
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.rtu import RtuBus as SimulatedLine
from mmetering_simulator.tcp import TcpBus as SimulatedTcp
from wait import wait_for

INTERVALS = {Group.LIVE: 1, Group.ENERGY: 1, Group.QUALITY: 0, Group.DEMAND: 0}
EACH_SECOND = dict.fromkeys(Group, 1)
LIVE = Slot(1, (Group.LIVE,))
BOTH = Slot(2, (Group.ENERGY, Group.LIVE))


def a_meter() -> FixedMeter:
    """Return a meter with a quiet flat behind it."""
    return FixedMeter({0x00: 230.0, 0x02: 230.0, 0x04: 230.0, 0x46: 50.0, 0x48: 1000.0})


def a_plant(bus: TcpBus | RtuBus, meters: int = 2, intervals: dict[Group, int] = INTERVALS) -> Plant:
    """Return a plant of the meters flat-1, flat-2 ... at the addresses 1, 2 ..."""
    flats = tuple(Meter(f"flat-{address}", "bus", address) for address in range(1, meters + 1))
    return Plant(bus=(bus,), meter=flats, intervals=intervals)


@contextmanager
def a_poller(
    bus: TcpBus | RtuBus, directory: Path, *, meters: int = 2, intervals: dict[Group, int] = INTERVALS
) -> Iterator[tuple[Poller, KeptLive]]:
    """Give a poller of such a plant."""
    live = KeptLive()
    with Spool(directory / "spool.db") as spool:
        poller = Poller(bus, a_plant(bus, meters, intervals), spool, live, clock=Clock(None))
        yield poller, live
        poller.close()


@contextmanager
def polled(
    directory: Path, *, meters: int = 2, intervals: dict[Group, int] = INTERVALS
) -> Iterator[tuple[SimulatedTcp, Poller, KeptLive]]:
    """Give a simulated Modbus TCP bus, and its poller after a first good slot."""
    with (
        SimulatedTcp({address: a_meter() for address in range(1, meters + 1)}) as bus,
        a_poller(TcpBus("bus", "127.0.0.1", bus.port), directory, meters=meters, intervals=intervals) as (poller, live),
    ):
        poller.poll(LIVE, 0)
        assert live.taken() == [(f"flat-{address}", "live") for address in range(1, meters + 1)]
        yield bus, poller, live


@pytest.mark.parametrize("spoil", [fault.bad_crc, fault.truncated, fault.wrong_unit, fault.nothing])
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


@contextmanager
def running(poller: Poller) -> Iterator[None]:
    """Have a poller run meanwhile."""
    stopping = Event()
    thread = Thread(target=poller.run, args=(stopping,))
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()


def test_a_bus_that_cannot_keep_up_reads_what_matters_most(tmp_path: Path) -> None:
    """Slots are missed and counted; counters come more often than live values, and all else is hardly read."""
    with polled(tmp_path, meters=4, intervals=EACH_SECOND) as (bus, poller, live):
        bus.delay_s = 0.2  # for each request: 1.6 s for the counters of the four and 0.8 s for the live values
        with running(poller):
            wait_for(lambda: poller.overruns >= 8)
        groups = Counter(group for _, group in live.taken())
        assert groups["energy"] > groups["live"] > groups["quality"] + groups["demand"]


def test_quality_and_demand_are_read_between_the_slots(tmp_path: Path) -> None:
    """Of every meter that is well, again and again; and no slot is missed for it."""
    with polled(tmp_path, intervals=EACH_SECOND) as (bus, poller, live):
        bus.delay_s = 0.01
        every = {(f"flat-{address}", group) for address in (1, 2) for group in Group}
        with running(poller):
            for _ in range(2):
                wait_for(lambda: every <= {(reading.meter, reading.group) for reading in live.readings})
                live.readings.clear()
        assert poller.busy_s > 0


def test_what_does_not_fit_between_the_slots_is_left_out_and_told(tmp_path: Path) -> None:
    """No slot is late for it; that a group has waited in vain until its next slot counts as a missed one."""
    intervals = {Group.LIVE: 1, Group.ENERGY: 0, Group.QUALITY: 1, Group.DEMAND: 0}
    with polled(tmp_path, meters=1, intervals=intervals) as (bus, poller, live):
        bus.delay_s = 0.3  # for each request, of which quality takes three
        for _ in range(5):
            poller.poll(LIVE, time.monotonic())  # lets the gateway know how slow the meter is
        with running(poller):
            wait_for(lambda: poller.overruns >= 3)
        assert {group for _, group in live.taken()} == {"live"}


def test_a_lost_reply_between_the_slots_says_nothing_of_the_meter(tmp_path: Path) -> None:
    """It is not asked again before its next slot, and goes on from there as if nothing had been."""
    seldom = {Group.LIVE: 900, Group.ENERGY: 0, Group.QUALITY: 1, Group.DEMAND: 0}
    with polled(tmp_path, meters=1, intervals=seldom) as (bus, poller, live):
        with running(poller):
            wait_for(lambda: ("flat-1", "quality") in live.taken())
            bus.unplug(1)
            wait_for(lambda: poller.health()["flat-1"].lost)
        bus.plug(1)
        assert (poller.health()["flat-1"].polls, poller.health()["flat-1"].failures) == (1, 0)
        assert poller.overruns == 0
        poller.poll(LIVE, time.monotonic())
        with running(poller):
            wait_for(lambda: ("flat-1", "quality") in live.taken())
        assert (poller.health()["flat-1"].lost, poller.health()["flat-1"].failures) == (1, 0)


def test_a_changed_plant_has_its_intervals_told(tmp_path: Path) -> None:
    """Who shows the values knows from the meter's info how often they come."""
    with polled(tmp_path) as (bus, poller, live):
        assert live.infos["flat-1"].intervals == {"live": 1, "energy": 1}
        poller.change(a_plant(TcpBus("bus", "127.0.0.1", bus.port), intervals=INTERVALS | {Group.ENERGY: 5}))
        with running(poller):
            wait_for(lambda: live.infos["flat-1"].intervals == {"live": 1, "energy": 5})


def test_the_bus_tells_how_its_questions_fared(tmp_path: Path) -> None:
    """Every question is counted, and so is each that was not answered."""
    with polled(tmp_path) as (bus, poller, _):
        before = poller.bus_health(0.5)
        assert (before.load, before.requests, before.timeouts) == (0.5, bus.requests, 0)
        bus.unplug(2)
        poller.poll(LIVE, 0)
        after = poller.bus_health(0.5)
        assert after.requests > before.requests
        assert after.timeouts == 2


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
