"""Requests to a meter and its answers, PDU by PDU."""

import struct
from dataclasses import replace

import pytest
from mmetering_simulator.answer import answer
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.models import MODELS

WRITE = b"\x10\x00\x02\x00\x02\x04" + struct.pack(">f", 15.0)  # the demand period


def _read(function: int, start: int, count: int) -> bytes:
    return struct.pack(">BHH", function, start, count)


def test_a_value_is_big_endian_with_its_high_register_first() -> None:
    """A float32 must lie in two registers, most significant byte first."""
    reply = answer(_read(4, 0x0034, 2), FixedMeter({0x0034: -1234.5}), now=0)
    assert reply == b"\x04\x04" + struct.pack(">f", -1234.5)


def test_gaps_read_zero_beside_values() -> None:
    """Undefined registers inside the map must read 0.0 where a value is read with them, as real units answer."""
    reply = answer(_read(4, 0x002A, 4), FixedMeter({0x002A: 1.0}), now=0)
    assert reply == b"\x04\x08" + struct.pack(">ff", 1.0, 0.0)


@pytest.mark.parametrize(
    ("pdu", "code"),
    [
        (_read(4, 0, 82), 2),  # more than 80 registers
        (_read(4, 0, 0), 2),
        (_read(4, 1, 2), 2),  # odd start
        (_read(4, 0, 3), 2),  # odd count
        (_read(4, 0x002C, 2), 2),  # nothing but a gap
        (_read(4, 0x017C, 4), 2),  # beyond the map
        (_read(4, 0xFFFE, 4), 2),  # beyond all addresses
        (_read(3, 0x0100, 2), 2),
        (_read(3, 0xFC02, 4), 2),
        (_read(6, 0, 1), 1),  # a function that an SDM630 lacks
        (b"\x04\x00\x00", 1),  # cut short
        (b"\x08\x00\x01\xaa\x55", 1),  # another sub-function
        (b"\x08\x00\x00\xaa", 3),  # no register of data
        (b"\x10\x00\x02\x00\x04\x08" + bytes(8), 2),  # two parameters at once
        (b"\x10\x00\x02\x00\x01\x02" + bytes(2), 2),  # half a parameter
        (b"\x10\x00\x03\x00\x02\x04" + bytes(4), 2),  # the middle of a parameter
        (b"\x10\x00\x34\x00\x02\x04" + bytes(4), 2),  # no parameter
        (b"\x10\xfc\x00\x00\x02\x04" + bytes(4), 2),  # the serial number
        (WRITE[:-1], 3),  # cut short
        (WRITE[:5] + b"\x03" + WRITE[6:], 3),  # another byte count
        (b"\x10\x01", 3),
    ],
)
def test_exceptions(pdu: bytes, code: int) -> None:
    """What a real meter refuses must be refused with its exception code."""
    assert answer(pdu, FixedMeter(), now=0) == bytes((pdu[0] | 0x80, code))


@pytest.mark.parametrize(("start", "count"), [(0, 80), (0, 2), (0x017C, 2), (0x0156, 40)])
def test_the_map_can_be_read_to_its_ends(start: int, count: int) -> None:
    """Up to 80 registers anywhere in the map must be readable at once."""
    reply = answer(_read(4, start, count), FixedMeter(), now=0)
    assert reply[:2] == bytes((4, 2 * count))


@pytest.mark.parametrize(("start", "count"), [(0xFC00, 2), (0xFC00, 4), (0xFC02, 1), (0xFC03, 1)])
def test_identity_is_readable_by_register(start: int, count: int) -> None:
    """Serial number, meter code and software version must be readable together and apart."""
    identity = struct.pack(">IHH", 23040101, 0x0070, 0x0108)
    begin = 2 * (start - 0xFC00)
    reply = answer(_read(3, start, count), FixedMeter(serial=23040101), now=0)
    assert reply == bytes((3, 2 * count)) + identity[begin : begin + 2 * count]


def test_a_write_is_confirmed_and_read_back() -> None:
    """A write must be answered with address and count (V1.8, page 20), and be what is read from then on."""
    meter = FixedMeter()
    assert answer(WRITE, meter, now=0) == WRITE[:5]
    assert answer(_read(3, 0x0002, 2), meter, now=0) == b"\x03\x04" + struct.pack(">f", 15.0)


def test_a_query_comes_back() -> None:
    """Function 08 with sub-function 0 must return the query: the manual's own example (V1.8, page 22)."""
    assert answer(b"\x08\x00\x00\xaa\x55", FixedMeter(), now=0) == b"\x08\x00\x00\xaa\x55"


def test_the_least_limit_counts() -> None:
    """A request must be refused beyond the unit's own limit, and beyond the one of the moment."""
    meter = FixedMeter(model=replace(MODELS["sdm630"], limit=50))
    assert answer(_read(4, 0, 52), meter, now=0) == b"\x84\x02"
    assert answer(_read(4, 0, 50), meter, now=0)[:2] == b"\x04\x64"
    assert answer(_read(4, 0, 50), meter, now=0, limit=80)[:2] == b"\x04\x64"
    assert answer(_read(4, 0, 50), meter, now=0, limit=48) == b"\x84\x02"


def test_an_address_is_there_once_it_is_set() -> None:
    """What a model lacks must be refused, until a test gives it to the unit."""
    meter = FixedMeter()
    assert answer(_read(4, 0x0180, 2), meter, now=0) == b"\x84\x02"
    meter.set(0x0180, 7.0)
    assert answer(_read(4, 0x0180, 2), meter, now=0) == b"\x04\x04" + struct.pack(">f", 7.0)
