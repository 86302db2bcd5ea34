"""pymodbus gets replies from their first byte on, in whatever pieces they come and whatever comes before them."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_gateway.bus.hearing import Hearing
from mmetering_simulator.frame import Frame, rtu_pack

READ = rtu_pack(Frame(7, bytes.fromhex("03 fc00 0002")))
WRITE = rtu_pack(Frame(7, bytes.fromhex("10 0014 0002 04 41400000")))
REPLIES = {
    READ: (rtu_pack(Frame(7, bytes.fromhex("03 04 0015 f97b"))), rtu_pack(Frame(7, bytes.fromhex("83 02")))),
    WRITE: (rtu_pack(Frame(7, bytes.fromhex("10 0014 0002"))),),
}
EXCHANGES = [(question, reply) for question, replies in REPLIES.items() for reply in replies]


def taken(hearing: Hearing, question: bytes, came: bytes, cuts: Sequence[int]) -> list[bytes]:
    """Return what pymodbus is given at each piece that comes, nothing of it being used."""
    hearing.ask(question)
    return [hearing.hear(came[:end]) for end in sorted({*(cut for cut in cuts if 0 < cut < len(came)), len(came)})]


@given(
    st.sampled_from(EXCHANGES),
    st.integers(0, 1),
    st.sampled_from([b"", b"\x00", b"\xff\x00"]),
    st.lists(st.integers(1, 30)),
)
def test_a_reply_begins_with_its_first_byte(
    exchange: tuple[bytes, bytes], echoes: int, stray: bytes, cuts: list[int]
) -> None:
    """Echo and stray bytes are taken off, and nothing of the reply is, however it is cut up."""
    question, reply = exchange
    hearing = Hearing()
    pieces = taken(hearing, question, echoes * question + stray + reply, cuts)
    assert pieces[-1] == reply
    assert all(reply.startswith(piece) for piece in pieces)
    assert (hearing.echoed, hearing.heard) == (bool(echoes), stray + reply)


@pytest.mark.parametrize("question", [READ, WRITE])
def test_an_echo_alone_is_silence(question: bytes) -> None:
    """Who hears nothing but itself has heard nobody."""
    hearing = Hearing()
    assert taken(hearing, question, question, range(20)) == [b""] * len(question)
    assert (hearing.echoed, hearing.heard) == (True, b"")


def test_noise_is_heard() -> None:
    """Bytes that are no reply are passed on, and remembered also when pymodbus has used some of them."""
    hearing = Hearing()
    hearing.ask(READ)
    assert hearing.hear(b"\x55\x55") == b""
    assert hearing.hear(bytes(9)) == bytes(9)
    hearing.hear(b"\x01")
    assert hearing.heard == b"\x55\x55" + bytes(9) + b"\x01"


def test_each_question_begins_anew() -> None:
    """What was heard after one question is not what was heard after the next."""
    hearing = Hearing()
    taken(hearing, READ, READ + b"\x00", ())
    hearing.ask(READ)
    assert (hearing.echoed, hearing.heard) == (False, b"")
