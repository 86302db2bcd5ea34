"""What is really wrong with a simulated line is what is found."""

import time
from collections.abc import Callable, Iterator

import pytest
from mmetering_gateway.commands import CommandError
from mmetering_gateway.commands.diagnose import Diagnose, diagnose
from mmetering_gateway.plant.plant import Meter, TcpBus
from mmetering_simulator import fault
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.line import Line
from mmetering_simulator.parity import kept
from mmetering_simulator.rtu import RtuBus as SimulatedLine
from mmetering_simulator.tcp import TcpBus as SimulatedTcp
from workbench import a_bench, bench_over, done

pytestmark = pytest.mark.usefixtures("parity")
PLANNED = (Meter("flat-1", "bus", 1), Meter("flat-2", "bus", 2))


@pytest.fixture(name="parity")
def _parity() -> Iterator[None]:
    """Let the pseudo-terminals have a parity."""
    with kept():
        yield


def a_meter(unit: int) -> FixedMeter:
    """Return a meter with a load on each phase."""
    told = {0x00 + 2 * at: 230.0 for at in range(3)} | {0x06 + 2 * at: 4.0 for at in range(3)}
    told |= {0x0C + 2 * at: 900.0 for at in range(3)}
    return FixedMeter(told, unit=unit, serial=1000 + unit)


def found_on(line: Callable[[SimulatedLine], None], *meters: FixedMeter) -> list[tuple[str, int | None, str]]:
    """Return severity, address and text of what is found on a line of two planned meters, after it was spoilt."""
    with a_bench(*meters, planned=PLANNED) as (simulated, bench):
        line(simulated)
        found = done(diagnose(bench, Diagnose("bus")))
    return [(finding.severity, finding.address, finding.text) for finding in found]


def as_it_is(_: SimulatedLine) -> None:
    """Spoil nothing."""


def only(found: list[tuple[str, int | None, str]], severity: str, address: int | None, words: str) -> None:
    """Make sure that there is one finding, and that it is this one."""
    ((told, where, text),) = found
    assert (told, where) == (severity, address)
    assert words in text


def test_a_sound_line_is_sound() -> None:
    """Nothing is found where nothing is wrong."""
    only(found_on(as_it_is, a_meter(1), a_meter(2)), "ok", None, "as it should")


def test_swapped_wires_are_told_from_a_dead_meter() -> None:
    """Nobody answers at any speed; with stray bytes it is certain enough to say so."""

    def swapped(line: SimulatedLine) -> None:
        line.swapped = True

    def swapped_and_floating(line: SimulatedLine) -> None:
        line.swapped, line.stray = True, b"\x00"

    only(found_on(swapped, a_meter(1), a_meter(2)), "error", None, "A and B are swapped")
    only(found_on(swapped_and_floating, a_meter(1), a_meter(2)), "error", None, "probably swapped")
    only(found_on(as_it_is, a_meter(1)), "error", 2, "though others on this bus do")


def test_another_speed_is_found() -> None:
    """A meter that speaks another one is found there, and that is said."""
    lost = FixedMeter(unit=2, line=Line(2400, "E"))
    only(found_on(as_it_is, a_meter(1), lost), "error", 2, "It speaks 2400 8E1, the bus 9600 8N1")


def test_two_meters_at_one_address_are_found() -> None:
    """Their replies collide while those of others are sound."""
    two = FixedMeter(unit=2, serial=11111111), FixedMeter(unit=2, serial=22222222)
    only(found_on(as_it_is, a_meter(1), *two), "error", 2, "Two meters seem to have address 2")


def test_missing_termination_is_found() -> None:
    """Long replies get lost, short ones come."""

    def reflecting(line: SimulatedLine) -> None:
        line.standing_fault = fault.Reflections(2)

    found = found_on(reflecting, a_meter(1), a_meter(2))
    assert [(severity, address) for severity, address, _ in found] == [("warning", 1), ("warning", 2)]
    assert all("120 ohms are missing" in text for _, _, text in found)


def test_noise_and_echo_are_found() -> None:
    """Some replies are damaged, short or long; and the adapter hears itself."""

    def noisy(line: SimulatedLine) -> None:
        line.echo = True
        line.faults.extend([fault.bad_crc, bytes, fault.nothing, bytes, bytes, bytes, fault.bad_crc])

    found = found_on(noisy, a_meter(1), a_meter(2))
    assert [(severity, address) for severity, address, _ in found] == [("warning", 1), ("note", None)]
    assert "disturbed" in found[0][2]
    assert "local echo" in found[1][2]


def test_a_floating_line_is_found() -> None:
    """Bytes that nobody sent come along with replies that are sound."""

    def floating(line: SimulatedLine) -> None:
        line.stray = b"\x00"

    only(found_on(floating, a_meter(1), a_meter(2)), "warning", None, "bias resistors")


def test_dead_and_reversed_phases_are_found() -> None:
    """Behind a converter, too, whose speed is not ours."""
    dead, reversed_ = a_meter(1), a_meter(2)
    for register in (0x02, 0x08, 0x0E):
        dead.set(register, 0.0)
    reversed_.set(0x10, -900.0)
    with (
        SimulatedTcp({1: dead, 2: reversed_}) as tcp,
        bench_over(TcpBus("bus", "127.0.0.1", tcp.port), *PLANNED) as bench,
    ):
        first, second = done(diagnose(bench, Diagnose("bus")))
    assert (first.address, first.severity, "L2 has no voltage" in first.text) == (1, "error", True)
    assert (second.address, second.severity, "L3 measures backwards" in second.text) == (2, "warning", True)


def test_an_old_meter_wants_its_pause() -> None:
    """It answers only after a silence; asked with one of 60 ms, it always does."""
    last = [0.0]

    def old(line: SimulatedLine) -> None:
        def after_a_pause(reply: bytes) -> bytes:
            now = time.monotonic()
            early, last[0] = now - last[0] < 0.07, now  # 0.05 s without the pause, 0.1 s with it
            return b"" if early else reply

        line.standing_fault = after_a_pause

    found = found_on(old, a_meter(1), a_meter(2))
    assert found, last
    assert all("set pause_ms = 60" in text for _, _, text in found), found


def test_one_meter_alone_is_compared_with_the_plants_others() -> None:
    """Whether the line is dead or the meter: some others are asked, too."""
    with a_bench(a_meter(1), planned=PLANNED) as (_, bench):
        (finding,) = done(diagnose(bench, Diagnose("bus", 2)))
    assert "though others on this bus do" in finding.text


def test_there_must_be_something_to_look_at() -> None:
    """A bus without meters in the plant wants an address."""
    with a_bench(a_meter(1)) as (_, bench), pytest.raises(CommandError, match="name an address"):
        done(diagnose(bench, Diagnose("bus")))
