"""A meter is read as it is built: whatever registers it lacks, and however it writes its numbers."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from mmetering_contract.quantity import Group
from mmetering_gateway.bus.errors import ModbusError
from mmetering_gateway.bus.link import Link
from mmetering_gateway.clock import Clock
from mmetering_gateway.meter.reader import Reader
from mmetering_gateway.models import MODELS
from mmetering_gateway.plant.plant import Meter, TcpBus
from mmetering_simulator.answer import READ_INPUT
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.frame import Frame, rtu_pack
from mmetering_simulator.models import MODELS as SIMULATED
from mmetering_simulator.models.model import ENERGY_PREFIX, REGISTER_ORDER, SYSTEM_CURRENT
from mmetering_simulator.settings import Settings
from mmetering_simulator.tcp import TcpBus as SimulatedTcp

VALUES = {0x00: 230.0, 0x06: 4.0, 0x0C: 900.0, 0x34: 900.0, 0x46: 50.0, 0x48: 1.5, 0x15A: 1.25}
# What units of an older firmware lack: everything by phase and the distortion between phases.
OLD = frozenset(address for address in SIMULATED["sdm630"].inputs if address < 0x014E or address in (0x0156, 0x0158))


@contextmanager
def a_reader(meter: FixedMeter, model: str = "sdm630") -> Iterator[tuple[Reader, SimulatedTcp]]:
    """Give the reader of a meter at address 1, and its bus."""
    with SimulatedTcp({1: meter}) as bus:
        link = Link(TcpBus("bus", "127.0.0.1", bus.port))
        try:
            yield Reader(Meter("flat", "bus", 1, model), MODELS[model], link, Clock(None)), bus
        finally:
            link.close()


@pytest.mark.parametrize("name", SIMULATED)
def test_every_model_tells_all_that_its_table_has(name: str) -> None:
    """In every group, and nothing of it is impossible."""
    with a_reader(FixedMeter({0x46: 50.0}, model=name), name) as (reader, _):
        reader.identify()
        samples = [reader.read(group, "flat") for group in sorted(reader.groups)]
        told = {name for sample in samples for name in sample.values}
        assert told == {register.quantity for register in MODELS[name].registers}
        assert [(sample.missing, sample.suspect) for sample in samples] == [((), ())] * len(samples)


def test_a_unit_that_lacks_registers_gives_all_the_others() -> None:
    """In the very reading that finds out, and from then on without asking for them."""
    old = replace(SIMULATED["sdm630"], inputs=OLD)
    with a_reader(FixedMeter({0x48: 1.5, 0x158: 2.0}, model=old)) as (reader, bus):
        first = reader.read(Group.ENERGY, "flat")
        assert first.values["energy_import"] == 1500
        assert first.values["reactive_energy_total"] == 2000
        assert len(first.missing) == 18
        assert all(name.endswith(("_l1", "_l2", "_l3")) for name in first.missing)
        assert reader.health().limit == 80
        before = bus.requests
        second = reader.read(Group.ENERGY, "flat")
        assert bus.requests - before == 2
        assert (second.values, second.missing) == (first.values, first.missing)


class WithoutGaps(SimulatedTcp):
    """A bus whose meter refuses every question that is not for registers of its table alone."""

    own = SIMULATED["sdm120"].inputs

    def _answer(self, request: Frame) -> bytes:
        function, start, count = struct.unpack(">BHH", request.pdu)
        if function == READ_INPUT and not set(range(start, start + count, 2)) <= self.own:
            self.requests += 1
            return rtu_pack(Frame(request.unit, bytes((READ_INPUT | 0x80, 2))))
        return super()._answer(request)


def test_a_unit_that_gives_nothing_between_its_registers_is_read_without_gaps() -> None:
    """With every value from the first reading on, and as long replies as ever."""
    with WithoutGaps({1: FixedMeter(VALUES, model="sdm120")}) as bus:
        link = Link(TcpBus("bus", "127.0.0.1", bus.port))
        reader = Reader(Meter("flat", "bus", 1, "sdm120"), MODELS["sdm120"], link, Clock(None))
        first = reader.read(Group.LIVE, "flat")
        assert (first.values["voltage_l1"], first.values["frequency"], first.missing) == (230.0, 50.0, ())
        before = bus.requests
        assert reader.read(Group.LIVE, "flat").values == first.values
        assert bus.requests - before == 4
        assert reader.read(Group.DEMAND, "flat").missing == ()
        assert reader.health().limit == 80
        link.close()


def test_a_meter_that_comes_back_is_asked_for_everything_again() -> None:
    """It may be another one that has what the first one lacked."""
    meter = FixedMeter(VALUES, model=replace(SIMULATED["sdm630"], inputs=OLD))
    with a_reader(meter) as (reader, _):
        assert "energy_import_l2" in reader.read(Group.ENERGY, "flat").missing
        for address in SIMULATED["sdm630"].inputs - OLD:
            meter.set(address, 1.0)
        assert "energy_import_l2" in reader.read(Group.ENERGY, "flat").missing
        reader.forget()
        assert reader.read(Group.ENERGY, "flat").missing == ()


def test_a_group_of_which_a_unit_has_nothing_is_left_out() -> None:
    """What was taken for an SDM630 and is a meter of few registers goes on being read for those."""
    with a_reader(FixedMeter(VALUES, model="sdm72d-m")) as (reader, bus):
        assert reader.groups == frozenset(Group)
        assert reader.read(Group.LIVE, "flat").values["power_total"] == 900.0
        with pytest.raises(ModbusError):
            reader.read(Group.DEMAND, "flat")
        assert reader.groups == frozenset(Group) - {Group.DEMAND}
        before = bus.requests
        with pytest.raises(ModbusError):
            reader.read(Group.DEMAND, "flat")
        assert bus.requests - before == 1


def test_what_was_refused_and_comes_now_makes_everything_be_asked_for_again() -> None:
    """A unit that had nothing of a group while it started is not held to that."""
    meter = FixedMeter(VALUES, model="sdm72d-m")
    with a_reader(meter) as (reader, _):
        with pytest.raises(ModbusError):
            reader.read(Group.DEMAND, "flat")
        for address in SIMULATED["sdm630"].inputs:
            meter.set(address, 1.0)
        assert reader.read(Group.DEMAND, "flat").values["power_demand"] == 1.0
        assert len(reader.read(Group.DEMAND, "flat").values) == 12


def test_prefix_and_order_of_words_are_those_of_the_meter() -> None:
    """It counts in MWh and puts the less significant register first, and nobody sees a difference."""
    meter = FixedMeter(VALUES, model="sdm630-v1", serial=20_123_456)
    meter.settings.write(ENERGY_PREFIX, struct.pack(">f", 1.0), now=0)
    meter.settings.order = "little"
    with a_reader(meter, "sdm630-v1") as (reader, _):
        identity = reader.identify()
        assert (identity.serial, identity.form.swapped, identity.form.factor) == ("20123456", True, 1000)
        assert reader.read(Group.LIVE, "flat").values["voltage_l1"] == 230.0
        energy = reader.read(Group.ENERGY, "flat").values
        assert (energy["energy_import"], energy["energy_import_l1"]) == (1500, 1250)


class Strange(Settings):
    """The settings of a meter whose order of words is none that a manual knows."""

    def peek(self, now: float) -> dict[int, float]:
        """Return the float registers."""
        return {**super().peek(now), REGISTER_ORDER: 1421.0}


def test_a_meter_whose_numbers_nobody_understands_is_not_read() -> None:
    """The reason is told, and there is no identity under which a reading could go out."""
    meter = FixedMeter(VALUES, model="sdm630-v1")
    meter.settings = Strange(SIMULATED["sdm630-v1"], serial=1)
    with a_reader(meter, "sdm630-v1") as (reader, _), pytest.raises(ModbusError, match="the order of its words"):
        reader.identify()


def test_a_meter_tells_its_version() -> None:
    """As its display shows it."""
    with a_reader(FixedMeter(VALUES)) as (reader, _):
        assert reader.identify().firmware == "1.08"


@pytest.mark.parametrize(("current_a", "suspect"), [(900.0, ()), (1100.0, ("current_l1",))], ids=["within", "beyond"])
def test_transformers_are_what_a_current_is_judged_by(current_a: float, suspect: tuple[str, ...]) -> None:
    """A ratio of 100 to 5 A carries 500 A, and twice that while a fuse melts; an SDM630 itself a fifth of it."""
    meter = FixedMeter({0x46: 50.0, 0x06: current_a}, model="sdm630mct")
    assert meter.settings.value(SYSTEM_CURRENT) == 100
    with a_reader(meter, "sdm630mct") as (reader, _):
        assert reader.read(Group.LIVE, "flat").suspect == ()  # before the meter was asked, nothing is known
        reader.identify()
        assert reader.read(Group.LIVE, "flat").suspect == suspect


def test_a_lost_reply_in_the_search_for_what_is_lacking_is_no_lack() -> None:
    """What did not come is asked for again, unlike what was refused."""
    with a_reader(FixedMeter(VALUES, model=replace(SIMULATED["sdm630"], inputs=OLD))) as (reader, bus):
        bus.faults.extend((_as_it_is, _as_it_is, _nothing))
        before = datetime.now(UTC)
        sample = reader.read(Group.ENERGY, "flat", partly=True)
        assert sample.values["energy_import"] == 1500
        assert before - timedelta(milliseconds=1) <= sample.ts <= datetime.now(UTC) - timedelta(milliseconds=100)
        assert len(reader.read(Group.ENERGY, "flat").missing) == 17  # of 18, energy_import_l1 being set


def _as_it_is(reply: bytes) -> bytes:
    return reply


def _nothing(_: bytes) -> bytes:
    return b""
