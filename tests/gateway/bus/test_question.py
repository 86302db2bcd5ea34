"""A question takes the reply that answers it, and no other."""

import pytest
from mmetering_gateway.bus.errors import NoReplyError, RefusedError, WrongReplyError
from mmetering_gateway.bus.question import HOLDING, INPUT, WRITE, Question
from mmetering_gateway.planning.requests import Request

READ = Question(INPUT, 7, Request(0x46, 2))
WRITTEN = Question(WRITE, 7, Request(0x18, 2), (0x447A, 0))


def test_questions_are_written_as_the_standard_says() -> None:
    """Function, first register and count; a write counts its bytes and holds them."""
    assert READ.message == bytes.fromhex("04 0046 0002")
    assert Question(HOLDING, 7, Request(0xFC00, 2)).message == bytes.fromhex("03 FC00 0002")
    assert WRITTEN.message == bytes.fromhex("10 0018 0002 04 447A 0000")


def test_what_was_asked_for_is_taken() -> None:
    """Registers come out as they stand in the reply; a write has none."""
    assert READ.answer(bytes.fromhex("04 04 4248 0000")) == [0x4248, 0]
    assert WRITTEN.answer(bytes.fromhex("10 0018 0002")) == []


@pytest.mark.parametrize(
    ("question", "reply"),
    [
        (READ, "03 04 4248 0000"),  # another function
        (READ, "83 02"),  # its exception
        (READ, "04 02 4248"),  # one register less
        (READ, "04 08 4248 0000 0000 0000"),  # two more
        (READ, "04 04 4248"),  # less than it says
        (READ, "04 02 4248 0000"),  # more than it says
        (READ, "04"),
        (WRITTEN, "10 001C 0002"),  # another register
        (WRITTEN, "10 0018 0001"),  # fewer of them
        (WRITTEN, "10 0018 0002 00"),
        (WRITTEN, "10"),
    ],
)
def test_another_reply_is_refused(question: Question, reply: str) -> None:
    """A reply of another function, length or register is none to this question."""
    with pytest.raises(WrongReplyError):
        question.answer(bytes.fromhex(reply))


def test_an_exception_is_told_with_its_code() -> None:
    """A meter's refusal is told; a converter's word that the meter is silent is silence."""
    with pytest.raises(RefusedError) as told:
        READ.answer(bytes.fromhex("84 02"))
    assert told.value.code == 2
    for mute in ("84 0A", "84 0B"):
        with pytest.raises(NoReplyError) as silent:
            READ.answer(bytes.fromhex(mute))
        assert silent.type is NoReplyError
