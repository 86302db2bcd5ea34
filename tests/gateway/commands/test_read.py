"""Any value of any model is read by its name, and any register as it is."""

from dataclasses import replace

import pytest
from mmetering_gateway.commands import CommandError
from mmetering_gateway.commands.read import Read, read
from mmetering_gateway.models import MODELS as TABLES
from mmetering_gateway.plant.plant import Meter, TcpBus
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.models import MODELS
from mmetering_simulator.tcp import TcpBus as SimulatedTcp
from workbench import a_bench, bench_over, done


@pytest.mark.parametrize("name", MODELS)
def test_every_register_of_a_model_is_read(name: str) -> None:
    """Each with its unit, at the address where it stands, and none is missing."""
    registers = {register.address: 1.0 + at for at, register in enumerate(TABLES[name].registers)}
    meter = FixedMeter(registers, model=name)
    with SimulatedTcp({1: meter}) as tcp, bench_over(TcpBus("bus", "127.0.0.1", tcp.port)) as bench:
        out = done(read(bench, Read("bus", 1, name)))
    assert out.missing == ()
    told = {
        value.register: value.value / (1000 if value.unit.endswith("h") else 1) for value in out.values if value.value
    }
    assert told == registers


def test_named_quantities_are_read_by_the_plants_model() -> None:
    """Nothing else is asked for; what cannot be true is marked."""
    meter = FixedMeter({0x0000: 230.1, 0x0046: 0.0, 0x0156: 12.5}, unit=7, model="sdm120")
    planned = Meter("flat-7", "bus", 7, "sdm120")
    meter.settings.fit(7, replace(meter.settings.line, baud=9600))
    with a_bench(meter, planned=(planned,)) as (line, bench):
        out = done(read(bench, Read("bus", 7, quantities=("energy_total", "voltage_l1", "frequency"))))
        assert line.requests <= 3
    assert [(value.quantity, value.value, value.unit, value.suspect) for value in out.values] == [
        ("voltage_l1", 230.1, "V", False),
        ("frequency", 0.0, "Hz", True),
        ("energy_total", 12500, "Wh", False),
    ]


def test_an_unknown_meter_is_read_as_what_it_seems_to_be() -> None:
    """No model need be named."""
    with a_bench(FixedMeter({0x0000: 231.0}, unit=9, model="sdm72d-m-v2")) as (_, bench):
        out = done(read(bench, Read("bus", 9, quantities=("voltage_l1",))))
    assert (out.model, out.values[0].value) == ("sdm72d-m-v2", 231.0)


def test_a_meter_that_writes_its_numbers_otherwise_is_read_right() -> None:
    """With its words swapped and its counters in M."""
    meter = FixedMeter({0x0000: 230.0, 0x0048: 1500.0}, model="sdm630-v1")
    meter.settings.write(0x0018, b"\x44\x7a\x00\x00", 0.0)
    meter.settings.write(0x001E, b"\x3f\x80\x00\x00", 0.0)
    meter.settings.write(0x0028, b"\xd0\x00\x45\x05", 0.0)
    with a_bench(meter) as (_, bench):
        out = done(read(bench, Read("bus", 1, "sdm630-v1", ("voltage_l1", "energy_import"))))
    assert [value.value for value in out.values] == [230.0, 1_500_000]


def test_a_unit_that_lacks_registers_or_gives_few_is_read_as_far_as_it_goes() -> None:
    """What it has comes, in shorter requests, and what it lacks is named."""
    unit = replace(MODELS["sdm630"], inputs=MODELS["sdm630"].inputs - {0x0178, 0x017A, 0x017C}, limit=50)
    with a_bench(FixedMeter({0x0176: 3.0}, model=unit)) as (_, bench):
        out = done(read(bench, Read("bus", 1, "sdm630")))
    assert out.missing == ("reactive_energy_total_l1", "reactive_energy_total_l2", "reactive_energy_total_l3")
    assert out.values[-1].value == 3000
    assert len(out.values) == len(TABLES["sdm630"].registers) - 3


def test_registers_are_read_as_they_are() -> None:
    """Input and holding registers, with the float that a pair of them may be."""
    with a_bench(FixedMeter({0x0046: 50.0}, serial=23040107)) as (_, bench):
        inputs = done(read(bench, Read("bus", 1, register=0x0046)))
        holdings = done(read(bench, Read("bus", 1, register=0xFC00, count=3, holding=True)))
    assert [(value.register, value.words, value.value) for value in inputs.values] == [(0x0046, (0x4248, 0), 50.0)]
    assert [(value.register, value.words) for value in holdings.values] == [
        (0xFC00, (0x15F, 0x906B)),
        (0xFC02, (0x70,)),
    ]
    assert holdings.values[1].value is None


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [
        (Read("bus", 2), "nobody answers from address 2"),
        (Read("bus", 1, "sdm999"), "there is no model sdm999"),
        (Read("bus", 1, "sdm630", ("voltage_1",)), "has no voltage_1; there is .*voltage_l1"),
        (Read("bus", 1, register=0x4000), "no 2 input registers from 0x4000"),
    ],
)
def test_what_cannot_be_read_is_said(wanted: Read, reason: str) -> None:
    """With what is there instead."""
    with a_bench(FixedMeter()) as (_, bench), pytest.raises(CommandError, match=reason):
        done(read(bench, wanted))
