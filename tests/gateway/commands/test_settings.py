"""A meter gets another address or speed, or stays as it is, and what was done is said."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest
from mmetering_gateway.commands import COMMANDS, CommandError, Step
from mmetering_gateway.commands.settings import SetAddress, SetBaud, set_address, set_baud
from mmetering_gateway.plant.plant import Meter, TcpBus
from mmetering_simulator import fault
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.line import Line
from mmetering_simulator.models import MODELS
from mmetering_simulator.models.model import Model
from mmetering_simulator.parity import kept
from mmetering_simulator.tcp import TcpBus as SimulatedTcp
from workbench import a_bench, bench_over, done

AT_ONCE = replace(MODELS["sdm630"], needs_restart=False)
ADDRESS = 0x0014


def when(happened: Callable[[Step], bool], then: Callable[[], None]) -> Callable[[Step], None]:
    """Return what does something once, at the first step for which a condition holds."""
    waiting = [then]

    def at(step: Step) -> None:
        if waiting and happened(step):
            waiting.pop()()

    return at


@pytest.mark.parametrize("model", [AT_ONCE, MODELS["sdm72d-m"], MODELS["sdm72d-m-v2"]], ids=lambda model: model.name)
def test_a_new_address_is_set_and_verified(model: Model) -> None:
    """With the password that the model comes with, in whichever register it wants it; the meter is locked again."""
    meter = FixedMeter(model=model, serial=23040107, line=Line(9600))
    planned = Meter("flat-1", "bus", 1)
    with a_bench(meter, FixedMeter(unit=2), planned=(planned,)) as (_, bench):
        changed = done(set_address(bench, SetAddress(bus="bus", address=1, to=12)))
        assert meter.settings.unit == 12
        assert meter.settings.peek(time.time()).get(0x000E, 0.0) == 0.0
    assert (changed.old, changed.new, changed.address) == ("address 1", "address 12", 12)
    assert (changed.slug, changed.model) == ("flat-1", model.name)
    assert changed.notes == ("in the plant, flat-1 is to get address 12",)


def test_a_taken_address_is_refused() -> None:
    """Be it by a meter that answers or by one of the plant that does not now; nothing is written."""
    meter = FixedMeter(model=AT_ONCE)
    with a_bench(meter, FixedMeter(unit=9), planned=(Meter("flat-5", "bus", 5),)) as (_, bench):
        with pytest.raises(CommandError, match="address 9 is taken"):
            done(set_address(bench, SetAddress(bus="bus", address=1, to=9)))
        with pytest.raises(CommandError, match="address 5 belongs to flat-5"):
            done(set_address(bench, SetAddress(bus="bus", address=1, to=5)))
    assert meter.settings.value(ADDRESS) == 1


def test_a_wrong_password_changes_nothing() -> None:
    """It is said that it was wrong; the right one is taken."""
    meter = FixedMeter(model=replace(AT_ONCE, password=4711))
    with a_bench(meter) as (_, bench):
        for password in (None, 1234):
            with pytest.raises(CommandError, match=r"does not take the password.*Nothing was changed"):
                done(set_address(bench, SetAddress(bus="bus", address=1, to=2, password=password)))
        assert meter.settings.value(ADDRESS) == 1
        assert meter.settings.value(0x0018) == 4711
        assert done(set_address(bench, SetAddress(bus="bus", address=1, to=2, password=4711))).address == 2


def test_the_password_is_nowhere_to_be_seen(caplog: pytest.LogCaptureFixture) -> None:
    """Neither in steps nor in errors, logs or what is printed of the arguments; not even as registers."""
    caplog.set_level(logging.INFO)
    wanted = SetAddress(bus="bus", address=1, to=2, password=4711)
    steps: list[Step] = []
    with a_bench(FixedMeter()) as (line, bench):
        line.faults.extend([lambda reply: reply] * 6 + [fault.nothing] * 4)
        with pytest.raises(CommandError) as told:
            done(set_address(bench, wanted), at=steps.append)
    shown = "\n".join((repr(wanted), str(wanted), str(told.value), caplog.text, *map(repr, steps)))
    assert "set-address" not in shown or "4711" not in shown
    for secret in ("4711", "4593", "3800", "45 93", "0x45"):
        assert secret not in shown
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert({"bus": "bus", "address": 1, "to": 2, "password": 47110}, SetAddress)
    assert "47110" not in str(refused.value)


def test_a_meter_that_wants_a_restart_is_waited_for() -> None:
    """It is told to switch it off and on, and when that was done the change is verified."""
    meter = FixedMeter()
    restart = when(lambda step: "switch it off and on" in step.text, lambda: meter.settings.restart(time.time(), 0.3))
    with a_bench(meter) as (_, bench):
        assert done(set_address(bench, SetAddress(bus="bus", address=1, to=12)), at=restart).address == 12
    assert meter.settings.unit == 12


def test_nobody_restarts_it() -> None:
    """The error says that it goes on at its old address, and what to do; the old one can be set again."""
    meter = FixedMeter()
    with a_bench(meter) as (_, bench):
        with pytest.raises(CommandError, match=r"goes on at address 1 until it is switched off and on.*at address 12"):
            done(set_address(bench, SetAddress(bus="bus", address=1, to=12, wait_s=0)))
        assert meter.settings.value(ADDRESS) == 12
        assert done(set_address(bench, SetAddress(bus="bus", address=1, to=1, wait_s=0))).address == 1
        assert meter.settings.value(ADDRESS) == 1


def test_a_button_is_waited_for() -> None:
    """A meter that takes an address only in its set-up says so, and gets it when the button was pressed."""
    meter = FixedMeter(model=replace(MODELS["sdm120"], needs_restart=False), line=Line(9600))
    press = when(lambda step: "press its button" in step.text, lambda: meter.settings.press_button(time.time()))
    with a_bench(meter) as (_, bench):
        with pytest.raises(CommandError, match=r"press its button for three seconds.*Nothing was changed"):
            done(set_address(bench, SetAddress(bus="bus", address=1, to=12, wait_s=0)))
        assert done(set_address(bench, SetAddress(bus="bus", address=1, to=12)), at=press).address == 12


def test_words_in_the_other_order_are_written_so() -> None:
    """A meter whose words are swapped gets password and address as it reads them."""
    meter = FixedMeter(model=replace(MODELS["sdm630-v1"], needs_restart=False))
    meter.settings.write(0x0028, b"\xd0\x00\x45\x05", 0.0)
    with a_bench(meter) as (_, bench):
        assert done(set_address(bench, SetAddress(bus="bus", address=1, to=12))).address == 12
    assert meter.settings.unit == 12


@pytest.mark.parametrize("spoilt", range(12))
def test_a_reply_that_is_lost_on_the_way_loses_no_meter(spoilt: int) -> None:
    """Whichever it is, the change is made in the end: each question is asked once again."""
    meter = FixedMeter(model=AT_ONCE)
    with a_bench(meter) as (line, bench):
        line.faults.extend([lambda reply: reply] * spoilt + [fault.bad_crc])
        assert done(set_address(bench, SetAddress(bus="bus", address=1, to=12))).address == 12
        assert not line.faults
    assert meter.settings.unit == 12


@pytest.mark.parametrize("model", [AT_ONCE, MODELS["sdm630"]], ids=["at-once", "restart"])
def test_a_new_speed_and_parity_are_set_and_verified(model: Model) -> None:
    """Whether each acts at once or both after a restart; the bus keeps its own."""
    meter = FixedMeter(model=model)
    restart = when(lambda step: "switch it off and on" in step.text, lambda: meter.settings.restart(time.time()))
    with kept(), a_bench(meter, FixedMeter(unit=2)) as (_, bench):
        changed = done(set_baud(bench, SetBaud(bus="bus", address=1, baud=19200, parity="E")), at=restart)
        assert (changed.old, changed.new, changed.baud, changed.parity) == ("9600 8N1", "19200 8E1", 19200, "E")
        assert meter.settings.line == Line(19200, "E")
        assert "the bus speaks 9600 8N1" in changed.notes[0]


def test_a_speed_that_the_line_does_not_carry_is_taken_back() -> None:
    """The meter answers shortly at the new one, and its long replies get lost: it gets the old one again."""
    meter = FixedMeter(model=AT_ONCE)
    reflections = fault.Reflections()
    with a_bench(meter) as (line, bench):
        line.standing_fault = lambda reply: reflections(reply) if meter.settings.line.baud == 38400 else reply
        with pytest.raises(CommandError, match=r"long replies get lost.*put back to 9600 8N1"):
            done(set_baud(bench, SetBaud(bus="bus", address=1, baud=38400)))
    assert meter.settings.line == Line(9600)


def test_a_speed_that_cannot_be_is_refused_before_anything_is_written() -> None:
    """One that the model does not know, a format that no meter has, and any behind a converter."""
    meter = FixedMeter(model="sdm72d-m")
    with a_bench(meter) as (_, bench):
        with pytest.raises(CommandError, match="does not speak 38400 baud, but 1200, 2400, 4800, 9600"):
            done(set_baud(bench, SetBaud(bus="bus", address=1, baud=38400)))
        with pytest.raises(CommandError, match="no meter speaks 9600 8E2"):
            done(set_baud(bench, SetBaud(bus="bus", address=1, baud=9600, parity="E", stop_bits=2)))
    with (
        SimulatedTcp({1: meter}) as tcp,
        bench_over(TcpBus("bus", "127.0.0.1", tcp.port)) as bench,
        pytest.raises(CommandError, match="set in its converter"),
    ):
        done(set_baud(bench, SetBaud(bus="bus", address=1, baud=2400)))
    assert meter.settings.line == Line(9600)


def test_the_table_of_commands_is_whole() -> None:
    """Each verb has arguments that name a bus, and what it finds can be told in JSON and read again."""
    for form in COMMANDS.values():
        assert form.arguments.__struct_fields__.count("bus") == 1
    meter = FixedMeter()
    with a_bench(meter) as (_, bench):
        for verb in ("scan", "identify", "read", "diagnose"):
            form = COMMANDS[verb]
            told = {"bus": "bus", **({"addresses": "1-2"} if verb == "scan" else {"address": 1})}
            found = done(form.work(bench, msgspec.convert(told, form.arguments)))
            assert msgspec.convert(msgspec.to_builtins(found), form.result) == found
