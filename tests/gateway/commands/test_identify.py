"""A meter is told by its serial number and its registers, whatever it is."""

from itertools import pairwise

import pytest
from mmetering_gateway.commands import CommandError, Step
from mmetering_gateway.commands.identify import Identify, identify
from mmetering_gateway.plant.plant import Meter, TcpBus
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.line import Line
from mmetering_simulator.models import MODELS
from mmetering_simulator.tcp import TcpBus as SimulatedTcp
from workbench import a_bench, bench_over, done


@pytest.mark.parametrize("name", MODELS)
def test_every_model_is_recognized(name: str) -> None:
    """By the code of its build, or by what it has and lacks, and with the number that it tells."""
    meter = FixedMeter({0x0000: 230.1} if name != "sdm72d-m" else {}, model=name, serial=23040107)
    with SimulatedTcp({1: meter}) as tcp, bench_over(TcpBus("bus", "127.0.0.1", tcp.port)) as bench:
        identity = done(identify(bench, Identify("bus")))
    known = MODELS[name].has_serial or 0x002A in MODELS[name].holding
    assert (identity.model, identity.serial) == (name, "23040107" if known else None)
    assert identity.code == MODELS[name].code
    assert identity.voltage_l1 == (None if name == "sdm72d-m" else 230.1)
    assert identity.own_address == 1


def test_its_settings_are_told() -> None:
    """Speed, format and wiring stand there as its registers say, and its slug as the plant says."""
    with a_bench(FixedMeter(unit=7, line=Line(19200)), planned=(Meter("flat-7", "bus", 7),), baud=19200) as (_, bench):
        identity = done(identify(bench, Identify("bus", 7)))
    assert (identity.baud, identity.parity, identity.stop_bits) == (19200, "N", 1)
    assert (identity.system, identity.slug, identity.own_address) == ("3p4w", "flat-7", 7)


def test_two_meters_at_one_address_are_told() -> None:
    """Their replies collide, and the error says what that may mean."""
    two = FixedMeter(serial=11111111), FixedMeter(serial=22222222)
    with a_bench(*two) as (_, bench), pytest.raises(CommandError, match="two meters may have this address"):
        done(identify(bench, Identify("bus")))


def test_a_bus_that_is_away_is_told() -> None:
    """A missing adapter is a reason of its own."""
    with bench_over(TcpBus("bus", "127.0.0.1", 1)) as bench, pytest.raises(CommandError, match="bus bus is away"):
        done(identify(bench, Identify("bus")))


def test_each_step_asks_once_at_most() -> None:
    """So that polls go on between any two of them."""
    with a_bench(FixedMeter(model="sdm220", line=Line(9600))) as (line, bench):
        asked, shares = [0], []

        def counted(step: Step) -> None:
            asked.append(line.requests)
            shares.append(step.share)

        done(identify(bench, Identify("bus")), at=counted)
    assert max(after - before for before, after in pairwise(asked)) == 1
    assert shares == sorted(shares)
    assert len(shares) > 10
