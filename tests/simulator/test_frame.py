"""Frames, byte by byte."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.frame import (
    MBAP,
    RTU,
    Frame,
    FrameError,
    Framing,
    answer,
    crc16,
    mbap_pack,
    mbap_take,
    rtu_pack,
    rtu_take,
)

# What a gateway sent to a real SDM630 and what came back (ESPHome, pull request 8032).
REQUEST = bytes.fromhex("01 04 00 00 00 50 F0 36")
REPLY_BEGINS = bytes.fromhex("01 04 A0 43 5D EA DE")


def _read(function: int, start: int, count: int) -> bytes:
    return struct.pack(">BHH", function, start, count)


def test_captured_request_has_our_crc() -> None:
    """A request that a real SDM630 took must have a right CRC for us."""
    assert crc16(REQUEST[:-2]) == 0x36F0
    assert rtu_take(bytearray(REQUEST)) == Frame(1, REQUEST[1:-2])


def test_captured_reply_is_what_we_say() -> None:
    """A meter that measures what the captured one did must answer with its bytes."""
    request = rtu_take(bytearray(REQUEST))
    assert request is not None
    reply = rtu_pack(Frame(1, answer(request.pdu, FixedMeter({0x0000: 221.91745}), now=0)))
    assert reply.startswith(REPLY_BEGINS)
    assert len(reply) == 5 + 2 * 80


def test_a_value_is_big_endian_with_its_high_register_first() -> None:
    """A float32 must lie in two registers, most significant byte first."""
    reply = answer(_read(4, 0x0034, 2), FixedMeter({0x0034: -1234.5}), now=0)
    assert reply == b"\x04\x04" + struct.pack(">f", -1234.5)


def test_what_was_never_set_reads_zero() -> None:
    """Undefined registers inside the map must read 0.0, as real units answer."""
    assert answer(_read(4, 0x002C, 2), FixedMeter({0x002A: 1.0}), now=0) == b"\x04\x04\x00\x00\x00\x00"


@pytest.mark.parametrize(
    ("pdu", "code"),
    [
        (_read(4, 0, 82), 2),  # more than 80 registers
        (_read(4, 0, 0), 2),
        (_read(4, 1, 2), 2),  # odd start
        (_read(4, 0, 3), 2),  # odd count
        (_read(4, 0x017C, 4), 2),  # beyond the map
        (_read(4, 0xFFFE, 4), 2),  # beyond all addresses
        (_read(3, 0x0100, 2), 2),
        (_read(3, 0xFC02, 4), 2),
        (_read(6, 0, 1), 1),  # a function that an SDM630 lacks
        (b"\x10\x00\x18\x00\x02\x04\x44\x7a\x00\x00", 1),  # writing is refused
        (b"\x04\x00\x00", 1),  # cut short
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


frames = st.builds(
    Frame,
    unit=st.integers(1, 247),
    pdu=st.builds(_read, st.sampled_from([3, 4]), st.integers(0, 0xFFFF), st.integers(0, 0xFFFF)),
)


@pytest.mark.parametrize("framing", [MBAP, RTU])
@settings(deadline=None)
@given(sent=st.lists(frames, min_size=1, max_size=4), cuts=st.lists(st.integers(1, 9), min_size=1))
def test_requests_survive_any_cutting(framing: Framing, sent: list[Frame], cuts: list[int]) -> None:
    """Requests must come out whole and in order, however the stream was cut into pieces."""
    stream = b"".join(map(framing.pack, sent))
    buffer, taken = bytearray(), []
    while stream:
        cut = cuts[len(stream) % len(cuts)]
        buffer += stream[:cut]
        stream = stream[cut:]
        while frame := framing.take(buffer):
            taken.append(frame)
    assert taken == sent
    assert not buffer


@settings(deadline=None)
@given(frames, st.integers(0, 63))
def test_one_flipped_bit_silences_an_rtu_request(frame: Frame, bit: int) -> None:
    """A request with a wrong CRC must vanish, as no meter answers it."""
    data = bytearray(rtu_pack(frame))
    data[bit // 8] ^= 1 << bit % 8
    if data[1] != 16:  # which announces a longer frame, whose end is then awaited
        assert rtu_take(data) is None
        assert not data


def test_a_wrong_crc_takes_all_that_was_heard_with_it() -> None:
    """Behind a wrong CRC nobody knows where the next request begins: all that was heard must go."""
    data = bytearray(rtu_pack(Frame(1, _read(4, 0, 2))))
    data[-1] ^= 1
    data += rtu_pack(Frame(1, _read(4, 2, 2)))
    assert rtu_take(data) is None
    assert not data


def test_a_write_is_taken_with_all_its_data() -> None:
    """A request to write must be cut where its byte count says."""
    frame = Frame(1, bytes.fromhex("10 00 18 00 02 04 44 7A 00 00"))
    data = bytearray(rtu_pack(frame))
    assert rtu_take(data[:6]) is None
    assert rtu_take(data[:-1]) is None
    assert rtu_take(data) == frame


def test_tcp_keeps_the_transaction() -> None:
    """A transaction id must go through both ways."""
    frame = Frame(7, _read(4, 0, 2), 0xBEEF)
    assert mbap_pack(frame) == bytes.fromhex("BEEF 0000 0006 07 04 0000 0002")
    assert mbap_take(bytearray(mbap_pack(frame))) == frame


@pytest.mark.parametrize("header", ["GET / HTTP/1.1", "\0\0\0\0\0\1\1\1", "\0\0\0\0\1\0\1\1"])
def test_other_protocols_are_no_modbus(header: str) -> None:
    """A stream that is no Modbus TCP must be refused, not waited for."""
    with pytest.raises(FrameError):
        mbap_take(bytearray(header.encode()))
