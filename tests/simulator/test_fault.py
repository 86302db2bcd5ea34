"""What becomes of a reply on a bad line, byte by byte."""

import pytest
from mmetering_simulator import fault
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.frame import Frame, rtu_pack, rtu_reply

SHORT = rtu_pack(Frame(1, b"\x04\x04\x43\x66\x33\x34"))
LONG = rtu_pack(Frame(1, b"\x04\xa0" + bytes(range(160))))


@pytest.mark.parametrize(
    ("spoil", "unit", "pdu"),
    [
        (fault.wrong_unit, 2, SHORT[1:-2]),
        (fault.wrong_function, 1, b"\x03" + SHORT[2:-2]),
        (fault.two_registers_more, 1, b"\x04\x08" + SHORT[3:-2] + bytes(4)),
        (fault.exception(), 1, b"\x84\x06"),
        (fault.exception(2), 1, b"\x84\x02"),
    ],
)
def test_some_faults_have_a_right_crc(spoil: fault.Fault, unit: int, pdu: bytes) -> None:
    """A fault of the meter must come in a sound frame, which says something else than the meter would have."""
    assert rtu_reply(spoil(SHORT)) == Frame(unit, pdu)


@pytest.mark.parametrize(
    "spoil", [fault.truncated, fault.bad_crc, fault.noise_before, fault.noise_after, fault.nothing, fault.Reflections()]
)
def test_others_break_the_frame(spoil: fault.Fault) -> None:
    """A fault of the line must leave no sound frame."""
    assert rtu_reply(LONG) is not None
    assert rtu_reply(spoil(LONG)) is None


def test_reflections_pass_short_frames_and_strike_in_turn() -> None:
    """Short replies must pass and not count; of the long ones every third must be damaged."""
    spoil = fault.Reflections(every=3)
    arrived = [spoil(reply) == reply for reply in (LONG, SHORT, LONG, SHORT, LONG, SHORT, LONG, LONG, LONG)]
    assert arrived == [True, True, True, True, False, True, True, True, False]


def test_reflections_can_be_told_what_is_long() -> None:
    """The length that passes must be the one that was asked for."""
    assert fault.Reflections(longest=len(LONG))(LONG) == LONG
    assert fault.Reflections(longest=len(SHORT) - 1)(SHORT) != SHORT


def test_a_restart_strikes_the_meter_too() -> None:
    """With half of its reply a meter must have lost its power: it is silent as long as it takes to start."""
    meter = FixedMeter()
    assert fault.restart(meter, lambda: 100.0, silent_s=2.0)(SHORT) == SHORT[: len(SHORT) // 2]
    assert [meter.settings.awake(now) for now in (101.9, 102.0)] == [False, True]
