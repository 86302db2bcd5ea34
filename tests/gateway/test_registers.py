"""Registers become values."""

import math
import struct

from hypothesis import given
from hypothesis import strategies as st
from mmetering_contract.quantity import QUANTITIES
from mmetering_gateway.registers import Register, decode, shortest
from mmetering_gateway.sdm630 import SDM630

# The begin of a reply that was captured from an SDM630: 221.917 V on L1 in registers 0 and 1, then L2.
CAPTURED = [0x435D, 0xEADE]


def registers_of(*values: float) -> list[int]:
    """Return values as big-endian float32 registers."""
    return list(struct.unpack(f">{2 * len(values)}H", struct.pack(f">{len(values)}f", *values)))


def test_a_captured_reply_reads_as_the_meter_showed_it() -> None:
    """The word order is most significant register first."""
    values, missing = decode([Register(0, "voltage_l1")], {0: CAPTURED})
    assert round(values["voltage_l1"], 3) == 221.917
    assert missing == ()


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


def test_the_sdm630_has_every_quantity_once() -> None:
    """The register table and the contract hold the same quantities."""
    assert sorted(register.quantity for register in SDM630.registers) == sorted(q.name for q in QUANTITIES)
