"""A link reads real Modbus over every kind of line, and tells one failure from another."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from free_port import free_port
from mmetering_gateway.bus.counts import Counts
from mmetering_gateway.bus.errors import GarbledError, LinkError, NoReplyError, RefusedError, WrongReplyError
from mmetering_gateway.bus.link import Link
from mmetering_gateway.models.registers import Register, decode
from mmetering_gateway.planning.requests import Request
from mmetering_gateway.plant.plant import Bus, RtuBus, RtuOverTcpBus, TcpBus
from mmetering_simulator import fault
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.frame import RTU, Frame, rtu_pack
from mmetering_simulator.line import Line
from mmetering_simulator.models import MODELS
from mmetering_simulator.rtu import RtuBus as SimulatedLine
from mmetering_simulator.tcp import TcpBus as SimulatedTcp
from wait import wait_for

VOLTAGE = Request(0x0000, 2)
FREQUENCY = Request(0x0046, 2)


@contextmanager
def a_bus(
    kind: str, meter: FixedMeter, directory: Path, *others: FixedMeter
) -> Iterator[tuple[SimulatedTcp | SimulatedLine, Bus]]:
    """Run meters from address 7 on, on one kind of bus; give the simulated bus and its description for the gateway."""
    meters = dict(enumerate((meter, *others), 7))
    if kind == "rtu":
        with SimulatedLine(meters, path=directory / "line", baud=38400) as line:
            yield line, RtuBus("bus", str(directory / "line"), baud=38400, pause_ms=5)
    elif kind == "tcp":
        with SimulatedTcp(meters) as tcp:
            yield tcp, TcpBus("bus", "127.0.0.1", tcp.port)
    else:
        with SimulatedTcp(meters, framing=RTU) as tcp:
            yield tcp, RtuOverTcpBus("bus", "127.0.0.1", tcp.port, baud=38400, pause_ms=5)


def values_of(link: Link, request: Request, address: int = 7) -> dict[str, int | float]:
    """Read one value and decode it."""
    registers = link.read_inputs(address, request)
    return decode([Register(request.address, "frequency")], {request.address: registers})[0]


KINDS = pytest.mark.parametrize("kind", ["tcp", "rtu-over-tcp", "rtu"])


@KINDS
def test_it_reads_what_the_meter_says(kind: str, tmp_path: Path) -> None:
    """Input registers and the serial number come through."""
    meter = FixedMeter({0x46: 49.98}, serial=23040107)
    with a_bus(kind, meter, tmp_path) as (_, bus):
        link = Link(bus)
        assert values_of(link, FREQUENCY) == {"frequency": 49.98}
        high, low = link.read_holdings(7, Request(0xFC00, 2))
        assert high << 16 | low == 23040107
        link.close()


@KINDS
def test_a_silent_meter_is_no_dead_bus(kind: str, tmp_path: Path) -> None:
    """No reply is told as that; the meter is read again as soon as it is back."""
    with a_bus(kind, FixedMeter({0x46: 50.0}), tmp_path) as (simulated, bus):
        link = Link(bus)
        simulated.unplug(7)
        with pytest.raises(NoReplyError):
            link.read_inputs(7, FREQUENCY)
        simulated.plug(7)
        assert values_of(link, FREQUENCY) == {"frequency": 50.0}
        link.close()


@KINDS
def test_a_late_reply_is_never_taken_for_the_next_one(kind: str, tmp_path: Path) -> None:
    """A voltage that comes after its timeout is not the frequency that is asked for next."""
    with a_bus(kind, FixedMeter({0x00: 230.0, 0x46: 50.0}), tmp_path) as (simulated, bus):
        link = Link(bus)
        simulated.delay_s = 0.9
        with pytest.raises(NoReplyError):
            link.read_inputs(7, VOLTAGE)
        simulated.delay_s = 0.0
        answers: list[dict[str, int | float]] = []
        while len(answers) < 3:
            with suppress(NoReplyError):  # the meter is still busy with its late reply
                answers.append(values_of(link, FREQUENCY))
        assert answers == [{"frequency": 50.0}] * 3
        link.close()


@KINDS
def test_an_exception_code_is_told(kind: str, tmp_path: Path) -> None:
    """A request of more than 80 registers is refused by the meter."""
    with a_bus(kind, FixedMeter(), tmp_path) as (_, bus):
        link = Link(bus)
        with pytest.raises(RefusedError) as told:
            link.read_inputs(7, Request(0, 82))
        assert told.value.code == 2
        link.close()


@pytest.mark.parametrize("kind", ["tcp", "rtu"])
def test_a_bus_comes_and_goes(kind: str, tmp_path: Path) -> None:
    """An adapter or a converter that is away is told as a dead link, and found again each time that it is back."""
    port, meter = free_port(), FixedMeter({0x46: 50.0})
    described: Bus = TcpBus("bus", "127.0.0.1", port) if kind == "tcp" else RtuBus("bus", str(tmp_path / "line"), 38400)
    link = Link(described)
    for _ in range(2):
        with pytest.raises(LinkError):
            link.read_inputs(7, FREQUENCY)
        with (
            SimulatedTcp({7: meter}, port=port)
            if kind == "tcp"
            else SimulatedLine({7: meter}, path=tmp_path / "line", baud=38400)
        ):
            wait_for(lambda: reads(link))
    link.close()


def reads(link: Link) -> bool:
    """Return whether the frequency can be read; it is never read wrong."""
    try:
        return values_of(link, FREQUENCY) == {"frequency": 50.0}
    except (LinkError, NoReplyError):
        return False


UNSOUND = [
    fault.wrong_unit,
    fault.wrong_function,
    fault.two_registers_more,
    fault.truncated,
    fault.bad_crc,
    fault.nothing,
]


@pytest.mark.parametrize("spoil", UNSOUND)
@KINDS
def test_an_unsound_reply_is_refused(kind: str, spoil: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """What another meter, function or length says, or what got damaged, is no value; the next sound reply is."""
    with a_bus(kind, FixedMeter({0x46: 50.0}), tmp_path) as (simulated, bus):
        link = Link(bus)
        assert values_of(link, FREQUENCY) == {"frequency": 50.0}
        simulated.faults.append(spoil)
        with pytest.raises(NoReplyError):
            link.read_inputs(7, FREQUENCY)
        wait_for(lambda: reads(link))
        link.close()


def test_a_meter_that_became_slow_is_found_again(tmp_path: Path) -> None:
    """When replies take longer than was waited for, the wait grows until one is caught; then it suffices."""
    with a_bus("tcp", FixedMeter({0x46: 50.0}), tmp_path) as (simulated, bus):
        link = Link(bus)
        assert values_of(link, FREQUENCY) == {"frequency": 50.0}
        simulated.delay_s = 0.5
        with pytest.raises(NoReplyError):
            link.read_inputs(7, FREQUENCY)
        wait_for(lambda: reads(link))
        assert link.turnaround(7).patience_s >= 4 * 0.5
        assert values_of(link, FREQUENCY) == {"frequency": 50.0}
        link.close()


def test_a_dead_meter_makes_no_other_one_wait_longer(tmp_path: Path) -> None:
    """Patience belongs to a meter: what is lost of one changes nothing for its neighbour."""
    with a_bus("rtu", FixedMeter({0x46: 50.0}), tmp_path) as (_, bus):
        link = Link(bus)
        for _ in range(5):
            with pytest.raises(NoReplyError):
                link.read_inputs(8, FREQUENCY)
        assert (link.turnaround(8).lost, link.turnaround(7).lost) == (5, 0)
        assert link.turnaround(8).patience_s > link.turnaround(7).patience_s
        assert values_of(link, FREQUENCY) == {"frequency": 50.0}
        link.close()


def test_a_link_whose_other_end_has_gone_silently_is_opened_anew() -> None:
    """A converter that was restarted without a word does not keep the link half open for ever."""
    with SimulatedTcp({7: FixedMeter({0x46: 50.0})}) as tcp:
        link = Link(TcpBus("bus", "127.0.0.1", tcp.port))
        assert values_of(link, FREQUENCY) == {"frequency": 50.0}
        tcp.forget()
        with pytest.raises(NoReplyError):
            link.read_inputs(7, FREQUENCY)
        assert values_of(link, FREQUENCY) == {"frequency": 50.0}
        link.close()


@KINDS
def test_a_late_reply_is_never_taken_for_a_neighbours(kind: str, tmp_path: Path) -> None:
    """What meter 7 says too late is not what meter 8 is asked for, though it is of the same length."""
    other = FixedMeter({0x46: 60.0})
    with a_bus(kind, FixedMeter({0x46: 50.0}), tmp_path, other) as (simulated, bus):
        link = Link(bus)
        simulated.delay_s = 0.5
        with pytest.raises(NoReplyError):
            link.read_inputs(7, FREQUENCY)
        simulated.delay_s = 0.0
        answers: list[dict[str, int | float]] = []
        while len(answers) < 3:
            with suppress(NoReplyError):
                answers.append(values_of(link, FREQUENCY, 8))
        assert answers == [{"frequency": 60.0}] * 3
        link.close()


AT_ONCE = replace(MODELS["sdm630"], needs_restart=False, password=1000)
TWELVE = (0x4140, 0x0000)  # 12.0 as a float32
ADDRESS, PASSWORD, THOUSAND = 0x0014, 0x0018, (0x447A, 0x0000)


@KINDS
def test_it_writes_what_a_meter_takes(kind: str, tmp_path: Path) -> None:
    """What is refused is told with its code and changes nothing; what is taken is in force."""
    meter = FixedMeter(model=AT_ONCE)
    with a_bus(kind, meter, tmp_path) as (_, bus):
        link = Link(bus)
        with pytest.raises(RefusedError) as told:
            link.write_holdings(7, ADDRESS, TWELVE)
        assert (told.value.code, meter.settings.unit) == (3, 7)
        link.write_holdings(7, PASSWORD, THOUSAND)
        link.write_holdings(7, ADDRESS, TWELVE)
        assert meter.settings.unit == 12
        link.close()


@KINDS
def test_a_late_reply_to_a_write_is_not_taken_for_another(kind: str, tmp_path: Path) -> None:
    """What a meter says too late to one write confirms no other one."""
    meter = FixedMeter({0x46: 50.0}, model=AT_ONCE)
    with a_bus(kind, meter, tmp_path) as (simulated, bus):
        link = Link(bus)
        link.write_holdings(7, PASSWORD, THOUSAND)
        simulated.delay_s = 0.9
        with pytest.raises(NoReplyError):
            link.write_holdings(7, PASSWORD, THOUSAND)
        simulated.delay_s = 0.0
        with pytest.raises((NoReplyError, RefusedError)):  # the meter is busy with its late reply, or says no
            link.write_holdings(7, PASSWORD, TWELVE)
        link.close()


@pytest.mark.parametrize("kind", ["rtu-over-tcp", "rtu"])
def test_a_reply_to_another_write_confirms_nothing(kind: str, tmp_path: Path) -> None:
    """A sound reply that names another register is refused."""
    with a_bus(kind, FixedMeter(model=AT_ONCE), tmp_path) as (simulated, bus):
        link = Link(bus)
        simulated.faults.append(lambda _: rtu_pack(Frame(7, bytes.fromhex("10 001c 0002"))))
        with pytest.raises(WrongReplyError):
            link.write_holdings(7, PASSWORD, THOUSAND)
        link.close()


@pytest.mark.parametrize("stray", [b"", b"\x00", b"\xff\x00"])
@pytest.mark.parametrize("echo", [False, True])
@pytest.mark.parametrize("kind", ["rtu-over-tcp", "rtu"])
def test_an_adapter_that_hears_itself_is_understood(kind: str, echo: bool, stray: bytes, tmp_path: Path) -> None:  # noqa: FBT001
    """Reads and writes pass with an echo, and with the bytes that a line driver makes, and none is asked for twice."""
    meter = FixedMeter({0x46: 50.0}, model=AT_ONCE, serial=23040107)
    with a_bus(kind, meter, tmp_path) as (simulated, bus):
        simulated.echo, simulated.stray = echo, stray
        link = Link(bus)
        for _ in range(3):
            assert values_of(link, FREQUENCY) == {"frequency": 50.0}
        link.write_holdings(7, PASSWORD, THOUSAND)
        with pytest.raises(RefusedError):
            link.read_inputs(7, Request(0, 100))
        assert (link.echoes, link.counts.requests, simulated.requests) == (echo, 5, 5)
        link.close()


@pytest.mark.parametrize(
    ("spoil", "kind_of_error", "counted"),
    [
        (fault.nothing, NoReplyError, "timeouts"),
        (fault.bad_crc, GarbledError, "garbled"),
        (fault.truncated, GarbledError, "garbled"),
        (fault.wrong_unit, WrongReplyError, "refused"),
        (fault.wrong_function, WrongReplyError, "refused"),
        (fault.two_registers_more, WrongReplyError, "refused"),
        (fault.exception(), RefusedError, "exceptions"),
    ],
)
@KINDS
def test_each_failure_is_counted_as_what_it_is(
    kind: str, spoil: Callable[[bytes], bytes], kind_of_error: type[Exception], counted: str, tmp_path: Path
) -> None:
    """Silence, bytes that are no frame, replies to another question, and exceptions are four things."""
    if (kind, kind_of_error) == ("tcp", GarbledError):
        kind_of_error, counted = NoReplyError, "timeouts"  # a converter does not pass on what is no frame
    with a_bus(kind, FixedMeter({0x46: 50.0}), tmp_path) as (simulated, bus):
        link = Link(bus)
        simulated.faults.append(spoil)
        with pytest.raises(kind_of_error) as told:
            link.read_inputs(7, FREQUENCY)
        assert told.type is kind_of_error
        wrong = {name: getattr(link.counts, name) for name in ("timeouts", "garbled", "refused", "exceptions")}
        assert wrong == {**dict.fromkeys(wrong, 0), counted: 1}
        assert link.counts.requests == 1
        link.close()


def test_a_probe_for_nobody_leaves_no_trace(tmp_path: Path) -> None:
    """Whether anybody is there is asked shortly; silence is no fault of the bus, and teaches no patience."""
    with a_bus("rtu", FixedMeter(serial=23040107), tmp_path) as (_, bus):
        link = Link(bus)
        with pytest.raises(NoReplyError):
            link.probe(8, Request(0xFC00, 2), 0.1)
        high, low = link.probe(7, Request(0xFC00, 2), 5.0)
        assert high << 16 | low == 23040107
        assert link.counts == Counts()
        assert (link.turnaround(8).lost, link.turnaround(7).mean_s) == (0, None)
        link.close()


def test_a_meter_at_another_speed_is_asked_in_between(tmp_path: Path) -> None:
    """One port speaks two speeds by turns, and is closed to the other meanwhile."""
    meters = [FixedMeter({0x46: 50.0}, unit=7), FixedMeter({0x46: 60.0}, unit=8, line=Line(2400, "N", 2))]
    with SimulatedLine(meters, path=tmp_path / "line"):
        own = RtuBus("bus", str(tmp_path / "line"), pause_ms=5)
        link = Link(own)
        for _ in range(2):
            assert values_of(link, FREQUENCY) == {"frequency": 50.0}
            with link.at(RtuBus("bus", own.device, baud=2400, stop_bits=2)) as other:
                assert values_of(other, FREQUENCY, 8) == {"frequency": 60.0}
        with pytest.raises(NoReplyError):
            link.read_inputs(8, FREQUENCY)
        link.close()


def test_a_late_reply_is_remembered_at_another_speed_too(tmp_path: Path) -> None:
    """What a meter says too late at that speed is not taken for what it is asked next there."""
    meter = FixedMeter({0x00: 230.0, 0x46: 50.0}, unit=7, line=Line(19200))
    with SimulatedLine([meter], path=tmp_path / "line") as line:
        link = Link(RtuBus("bus", line.path, pause_ms=5))
        fast = RtuBus("bus", line.path, baud=19200, pause_ms=5)
        line.delays.append(0.9)
        with pytest.raises(NoReplyError), link.at(fast) as other:
            other.read_inputs(7, VOLTAGE)
        answers: list[dict[str, int | float]] = []
        while len(answers) < 3:
            with suppress(NoReplyError), link.at(fast) as other:
                answers.append(values_of(other, FREQUENCY))
        assert answers == [{"frequency": 50.0}] * 3
        link.close()
