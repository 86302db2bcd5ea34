"""Whoever is on the bus is found, wherever and at whatever speed, and the plant's meters are left in peace."""

import pytest
from mmetering_gateway.commands import CommandError, Step
from mmetering_gateway.commands.scan import Scan, addresses_of, scan
from mmetering_gateway.planning.requests import Request
from mmetering_gateway.plant.plant import Meter, RtuOverTcpBus, TcpBus
from mmetering_simulator import fault
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.frame import MBAP, RTU, Framing
from mmetering_simulator.line import Line
from mmetering_simulator.parity import kept
from mmetering_simulator.tcp import TcpBus as SimulatedTcp
from workbench import a_bench, bench_over, done

SERIAL = Request(0xFC00, 2)


def test_meters_are_found_with_what_they_are() -> None:
    """Each with address, speed, serial number and model; there is progress at each address."""
    meters = FixedMeter({0: 230.0}, unit=3, serial=1003), FixedMeter(unit=9, model="sdm72d-m", line=Line())
    steps: list[Step] = []
    with a_bench(*meters) as (_, bench):
        found = done(scan(bench, Scan("bus", "1-12")), at=steps.append)
    assert [(meter.address, meter.baud, meter.serial, meter.model) for meter in found] == [
        (3, 9600, "1003", "sdm630"),
        (9, 9600, None, "sdm72d-m"),
    ]
    assert found[0].voltage_l1 == 230.0
    assert {step.share for step in steps} == {done / 12 for done in range(12)}


def test_known_meters_are_asked_only_when_that_is_wanted() -> None:
    """At the speed of the bus; the simulated line counts who was asked."""
    known = Meter("flat-3", "bus", 3)
    with a_bench(FixedMeter(unit=3), FixedMeter(unit=4), planned=(known,)) as (line, bench):
        assert [meter.address for meter in done(scan(bench, Scan("bus", "3-4")))] == [4]
        assert line.asked[3] == 0
        assert [meter.slug for meter in done(scan(bench, Scan("bus", "3-4", known=True)))] == ["flat-3", ""]


def test_other_speeds_and_parities_are_tried() -> None:
    """A meter is found at its own; the speed of the bus is the bus's again after each step."""
    lost = FixedMeter(unit=5, serial=5005, line=Line(2400, "E"))
    with kept(), a_bench(lost, FixedMeter(unit=6)) as (_, bench):

        def polled(_: Step) -> None:
            high, low = bench.link.read_holdings(6, SERIAL)
            assert high << 16 | low == 12345678

        found = done(scan(bench, Scan("bus", "5-6", bauds=(2400, 9600), parities=("N", "E"))), at=polled)
    assert [(meter.address, meter.baud, meter.parity, meter.serial) for meter in found] == [
        (5, 2400, "E", "5005"),
        (6, 9600, "N", "12345678"),
    ]


@pytest.mark.parametrize("framing", [MBAP, RTU])
def test_a_converter_has_its_own_speed(framing: Framing) -> None:
    """Meters behind it are found, without a speed; another one is refused with where to set it."""
    with SimulatedTcp({7: FixedMeter(serial=1007)}, framing=framing) as tcp:
        kind = TcpBus if framing is MBAP else RtuOverTcpBus
        with bench_over(kind("bus", "127.0.0.1", tcp.port)) as bench:
            (found,) = done(scan(bench, Scan("bus", "6-8")))
            assert (found.address, found.serial, found.baud) == (7, "1007", None)
            with pytest.raises(CommandError, match="set in its converter"):
                done(scan(bench, Scan("bus", "6-8", bauds=(2400,))))


def test_a_collision_is_found_too() -> None:
    """Two meters at one address are somebody, and the note says that they may be two."""
    with a_bench(FixedMeter(serial=11111111), FixedMeter(serial=22222222)) as (_, bench):
        (found,) = done(scan(bench, Scan("bus", "1-2")))
    assert (found.address, found.serial) == (1, None)
    assert "two meters" in found.note


def test_a_stray_byte_is_nobody() -> None:
    """A line driver that makes a byte behind each request does not look like 247 meters."""
    with a_bench(FixedMeter(unit=2)) as (line, bench):
        line.stray = b"\x00"
        assert [meter.address for meter in done(scan(bench, Scan("bus", "1-5")))] == [2]


def test_a_disturbed_reply_is_asked_for_again() -> None:
    """Once garbled, then sound: it is a meter like any other."""
    with a_bench(FixedMeter(unit=2)) as (line, bench):
        line.faults.append(fault.bad_crc)
        (found,) = done(scan(bench, Scan("bus", "1-3")))
    assert (found.serial, found.note) == ("12345678", "")


@pytest.mark.parametrize(
    ("text", "addresses"),
    [("1-3", (1, 2, 3)), ("7", (7,)), ("5,1-2,2", (1, 2, 5)), ("247", (247,))],
)
def test_addresses_are_written_plainly(text: str, addresses: tuple[int, ...]) -> None:
    """Numbers and ranges, in any order, each once."""
    assert addresses_of(text) == addresses


@pytest.mark.parametrize("text", ["", "0", "248", "1-", "a", "3-1", "1-300", "1 2"])
def test_what_is_no_address_is_refused(text: str) -> None:
    """So that nothing is asked where something else was meant."""
    with pytest.raises(ValueError, match="247"):
        Scan("bus", text)
