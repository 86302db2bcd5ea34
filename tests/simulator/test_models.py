"""The models, against the counts and limits that their manuals print."""

import struct

import pytest
from mmetering_gateway.models import MODELS as GATEWAYS
from mmetering_simulator.answer import answer
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.line import BAUD_CODES
from mmetering_simulator.models import MODELS


@pytest.mark.parametrize(
    ("name", "parameters", "limit", "bauds"),
    [
        ("sdm630", 86, 80, {2400, 4800, 9600, 19200, 38400}),
        ("sdm630-v1", 86, 80, {2400, 4800, 9600, 19200, 38400}),
        ("sdm630mct", 90, 60, {2400, 4800, 9600, 19200, 38400}),
        ("sdm72d-m", 9, 60, {1200, 2400, 4800, 9600}),
        ("sdm72d-m-v2", 41, 60, {1200, 2400, 4800, 9600, 19200}),
        ("sdm120", 21, 80, {1200, 2400, 4800, 9600}),
        ("sdm220", 14, 80, {1200, 2400, 4800, 9600}),
        ("sdm230", 22, 80, {2400, 4800, 9600, 19200, 38400}),
    ],
)
def test_a_model_is_its_manual(name: str, parameters: int, limit: int, bauds: set[int]) -> None:
    """A model must have as many parameters as its manual lists, give its limit and no more, and know its speeds."""
    model = MODELS[name]
    meter = FixedMeter({address: float(address + 1) for address in model.inputs}, model=name)
    assert len(model.inputs) == parameters
    assert set(model.bauds) == bauds
    for address in model.inputs:
        reply = answer(struct.pack(">BHH", 4, address, 2), meter, now=0)
        assert reply == b"\x04\x04" + struct.pack(">f", address + 1)
    first = min(model.inputs)
    assert answer(struct.pack(">BHH", 4, first, limit), meter, now=0)[0] == 4
    assert answer(struct.pack(">BHH", 4, first, limit + 2), meter, now=0) == b"\x84\x02"


@pytest.mark.parametrize("name", MODELS)
def test_the_gateway_s_table_says_the_same(name: str) -> None:
    """Two tables that were written down apart from the manuals must agree, or one of them has a slip."""
    ours, theirs = MODELS[name], GATEWAYS[name]
    assert {register.address for register in theirs.registers} == ours.inputs
    assert theirs.limit == ours.limit
    assert theirs.phases == ours.phases
    assert set(theirs.bauds.values()) == set(ours.bauds)
    assert theirs.baud == ours.bauds[0]
    assert all(BAUD_CODES[baud] == code for code, baud in theirs.bauds.items())
    assert theirs.writing.password == ours.key
    assert ours.key is None or theirs.writing.default == ours.password
    assert (theirs.writing.restart, theirs.writing.button) == (ours.needs_restart, ours.needs_button)
    assert ours.code is None or ours.code in theirs.codes


@pytest.mark.parametrize(
    ("name", "baud", "password"),
    [("sdm630", 9600, 0), ("sdm630-v1", 9600, 1000), ("sdm72d-m-v2", 9600, 1000), ("sdm120", 2400, 1000)],
)
def test_a_model_comes_as_its_manual_says(name: str, baud: int, password: int) -> None:
    """A new meter must have address 1, its model's speed and 8N1."""
    settings = FixedMeter(model=name).settings
    assert settings.unit == 1
    assert (settings.line.baud, settings.line.parity, settings.line.stop_bits) == (baud, "N", 1)
    assert settings.model.password == password


@pytest.mark.parametrize(
    ("name", "address"),
    [("sdm72d-m", 0x00), ("sdm72d-m-v2", 0x24), ("sdm120", 0x24), ("sdm220", 0x54), ("sdm630", 0x58), ("sdm120", 0x34)],
)
def test_a_model_lacks_what_its_manual_does_not_list(name: str, address: int) -> None:
    """A request that touches none of a model's registers must get exception 02."""
    assert answer(struct.pack(">BHH", 4, address, 2), FixedMeter(model=name), now=0) == b"\x84\x02"


@pytest.mark.parametrize(
    ("name", "start", "words"),
    [
        ("sdm630", 0xFC00, [0x015F, 0x93E5, 0x0070, 0x0108]),
        ("sdm72d-m-v2", 0xFC00, [0x015F, 0x93E5, 0x0089]),
        ("sdm120", 0xFC02, [0x0020]),
        ("sdm72d-m", 0xFC00, None),
        ("sdm72d-m-v2", 0xFC03, None),
        ("sdm630-v1", 0xFC02, None),
        ("sdm230", 0xFC00, None),
    ],
)
def test_a_model_tells_who_it_is_where_it_can(name: str, start: int, words: list[int] | None) -> None:
    """Serial number, code and version must be read where the manual has them, and get exception 02 elsewhere."""
    count = len(words) if words else 1
    reply = answer(struct.pack(">BHH", 3, start, count), FixedMeter(model=name, serial=23040997), now=0)
    assert reply == (struct.pack(f">BB{count}H", 3, 2 * count, *words) if words else b"\x83\x02")


def test_a_transformer_s_ratio_is_the_only_current_that_can_be_written() -> None:
    """The system current must be written in a meter for current transformers alone, with the password."""
    ratio = struct.pack(">BHHBf", 16, 0x08, 2, 4, 250.0)
    transformed, direct = FixedMeter(model="sdm630mct"), FixedMeter(model="sdm630-v1")
    for meter in (transformed, direct):
        assert answer(ratio, meter, now=0) == b"\x90\x03"
        assert answer(struct.pack(">BHHBf", 16, 0x18, 2, 4, 1000.0), meter, now=0)[0] == 16
    assert answer(ratio, transformed, now=0)[0] == 16
    assert answer(ratio, direct, now=0) == b"\x90\x03"
    assert transformed.settings.value(0x08) == 250
