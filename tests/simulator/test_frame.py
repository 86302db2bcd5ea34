"""Frames, byte by byte."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mmetering_simulator.answer import answer
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.frame import (
    MBAP,
    RTU,
    Frame,
    FrameError,
    Framing,
    collided,
    crc16,
    mbap_pack,
    mbap_take,
    rtu_pack,
    rtu_reply,
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


def test_a_sound_reply_is_known_from_the_rest() -> None:
    """A converter to TCP must take a reply with a right CRC for one, and nothing else."""
    frame = Frame(7, b"\x84\x02")
    assert rtu_reply(rtu_pack(frame)) == frame
    for other in (b"", b"\xff", rtu_pack(frame)[:-1], b"\xff" + rtu_pack(frame), rtu_pack(frame)[:-1] + b"\x00"):
        assert rtu_reply(other) is None


def test_equal_frames_survive_a_collision_and_others_do_not() -> None:
    """Meters that say the same at once must be understood; where they differ the CRC must be wrong."""
    one, other = (rtu_pack(Frame(1, b"\x03\x04" + struct.pack(">I", serial))) for serial in (23040101, 23040102))
    assert collided([one, one]) == one
    assert rtu_reply(collided([one, other])) is None
    short = rtu_pack(Frame(1, b"\x83\x02"))
    assert rtu_reply(collided([one, short])) is None
    assert len(collided([short, one])) == len(one)


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
