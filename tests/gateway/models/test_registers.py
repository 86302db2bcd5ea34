"""Registers become values."""

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_contract.quantity import Group
from mmetering_gateway.models.registers import Form, Register, decode, floats, shortest
from mmetering_gateway.models.sdm630 import SDM630
from mmetering_simulator.frame import rtu_reply

# A whole reply of an SDM630 to a question for two registers from 0 on (Tasmota, issue 13224), and one that its
# sibling's manual prints (SDM320Y, V1.0, page 42), which says that this is 230.2 V.
CAPTURED = bytes.fromhex("01 04 04 43 60 25 88 F4 E8")
PRINTED = bytes.fromhex("01 04 04 43 66 33 34 1B 38")
# What a reply of 80 registers from 0 on showed (ESPHome, pull request 8032), whose first value was 43 5D EA DE;
# registers that the manual does not list read 0.0.
SHOWN = {0x00: 221.917, 0x06: 3.580, 0x0C: 754.75, 0x46: 50.0214}


def registers_of(*values: float) -> list[int]:
    """Return values as big-endian float32 registers."""
    return list(struct.unpack(f">{2 * len(values)}H", struct.pack(f">{len(values)}f", *values)))


@pytest.mark.parametrize(("reply", "shown"), [(CAPTURED, 224.147), (PRINTED, 230.2)])
def test_a_captured_reply_reads_as_the_meter_showed_it(reply: bytes, shown: float) -> None:
    """Bytes that went over a line are the volts that were read there: the most significant register comes first."""
    frame = rtu_reply(reply)
    assert frame is not None
    registers = struct.unpack(">2H", frame.pdu[2:])
    values, missing = decode([Register(0, "voltage_l1")], {0: registers})
    assert round(values["voltage_l1"], 3) == shown
    assert missing == ()


def test_a_long_reply_is_taken_apart_by_the_table() -> None:
    """Values stand under their names, also behind registers that nobody lists."""
    block = registers_of(*(SHOWN.get(address, 0.0) for address in range(0, 80, 2)))
    assert block[:2] == [0x435D, 0xEAC1]  # 221.917 in the three decimals that were shown; 43 5D EA DE on the line
    values, missing = decode(SDM630.of_group(Group.LIVE), {0: block})
    told = {name: value for name, value in values.items() if value}
    assert told == {"voltage_l1": 221.917, "current_l1": 3.58, "power_l1": 754.75, "frequency": 50.0214}
    assert missing == ()


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), max_size=40))
def test_words_in_the_other_order_are_the_same_floats(values: list[float]) -> None:
    """Exchanging the two registers of every float is undone by saying so."""
    registers = registers_of(*values)
    exchanged = [word for low in range(0, len(registers), 2) for word in (registers[low + 1], registers[low])]
    assert floats(exchanged, swapped=True) == floats(registers) == tuple(values)


def test_a_prefix_of_m_makes_the_six_counters_of_the_whole_meter_a_thousandfold() -> None:
    """Registers 0x0048 to 0x0052 count in M then, those by phase in k as ever."""
    wanted = [Register(0x48, "energy_import"), Register(0x52, "charge"), Register(0x15A, "energy_import_l1")]
    blocks = {0x48: registers_of(1.5, 0, 0, 0, 0, 2.0), 0x15A: registers_of(1.5)}
    values, _ = decode(wanted, blocks, Form(factor=1000))
    assert values == {"energy_import": 1_500_000, "charge": 2_000_000, "energy_import_l1": 1500}


def test_counters_leave_as_whole_watt_hours() -> None:
    """A counter of 12345.678 kWh is 12345678 Wh within the meter's float32 step."""
    values, _ = decode([Register(0x48, "energy_import")], {0x48: registers_of(12345.678)})
    assert type(values["energy_import"]) is int
    assert abs(values["energy_import"] - 12_345_678) <= 1


def test_what_did_not_come_or_is_no_number_is_missing() -> None:
    """A lost reply, NaN and infinity make a value missing, never 0."""
    wanted = [
        Register(0, "voltage_l1"),
        Register(2, "voltage_l2"),
        Register(4, "voltage_l3"),
        Register(70, "frequency"),
    ]
    values, missing = decode(wanted, {0: registers_of(math.nan, 230.5, math.inf)})
    assert values == {"voltage_l2": 230.5}
    assert missing == ("voltage_l1", "voltage_l3", "frequency")


def test_a_count_beyond_every_counter_is_missing() -> None:
    """A damaged meter's 3e38 kWh has no place in a column; the rest of its reading has."""
    wanted = [Register(0x48, "energy_import"), Register(0x4A, "energy_export")]
    assert decode(wanted, {0x48: registers_of(3e38, 1.5)}) == ({"energy_export": 1500}, ("energy_import",))


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_shortest_keeps_the_float32(value: float) -> None:
    """Shortening a value never changes the float32 that it is."""
    assert struct.pack(">f", shortest(value)) == struct.pack(">f", value)
