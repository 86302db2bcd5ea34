"""What a meter tells of itself is understood, or refused where nobody could."""

import struct

import pytest
from mmetering_gateway.meter.identity import Identity, StrangeError, identity_of, version_of
from mmetering_gateway.models.registers import Form

MARK = [0x4505, 0xD000]  # 2141.0


def a_float(value: float) -> list[int]:
    """Return a float as two registers, the most significant first."""
    return list(struct.unpack(">2H", struct.pack(">f", value)))


def test_a_meter_that_tells_nothing_is_read_as_its_manual_says() -> None:
    """Older units refuse all of it."""
    assert identity_of(None, None, None, None, None) == Identity()
    assert Identity().form == Form(swapped=False, factor=1)


def test_serial_number_code_and_version_come_in_one_reply() -> None:
    """A serial number is a whole number of 32 bits, and a version is read as the display shows it."""
    told = identity_of([0x00BC, 0x614E, 0x0070, 0x0108], None, None, None, None)
    assert (told.serial, told.code, told.firmware) == ("12345678", 0x70, "1.08")


def test_a_serial_number_may_come_alone() -> None:
    """Then nothing is known of code and version; a number of 0 is none."""
    assert identity_of([0x00BC, 0x614E], None, None, None, None) == Identity(serial="12345678")
    assert identity_of([0, 0], None, None, None, None) == Identity()


@pytest.mark.parametrize(
    "halves", [[0x00BC, 0, 0x614E, 0], [*a_float(0x00BC), *a_float(0x614E)]], ids=["integers", "floats"]
)
def test_the_halves_of_an_older_serial_number_are_put_together(halves: list[int]) -> None:
    """They may be integers, or floats like everything about them."""
    assert identity_of(None, halves, None, None, None).serial == "12345678"


@pytest.mark.parametrize(("order", "swapped"), [(MARK, False), (MARK[::-1], True), ([0, 0], False)])
def test_the_order_of_words_is_that_of_the_mark(order: list[int], swapped: bool) -> None:  # noqa: FBT001 a table's column
    """2141.0 reads in the order that every other float has; zero is a register that is not there."""
    assert identity_of(None, None, order, None, None).form.swapped == swapped


def test_the_prefix_is_read_in_the_order_of_the_meter() -> None:
    """1 is M: counters are a thousand times what they show."""
    assert identity_of(None, None, MARK, a_float(1.0), None).form.factor == 1000
    assert identity_of(None, None, MARK[::-1], a_float(1.0)[::-1], None).form == Form(swapped=True, factor=1000)
    assert identity_of(None, None, MARK, a_float(0.0), None).form.factor == 1


@pytest.mark.parametrize(
    ("order", "prefix", "reason"),
    [
        ([0x4505, 0xD001], None, "the order of its words is unknown: 2141.0 reads 4505 d001"),
        ([0xD0, 0x4505], None, "the order of its words is unknown"),
        (None, a_float(2.0), "the prefix of its counters is unknown: 2 is neither"),
        (None, [0x7FC0, 0], "the prefix of its counters is unknown: nan"),
        (MARK[::-1], a_float(1.0), "the prefix of its counters is unknown"),
    ],
)
def test_what_no_manual_knows_is_refused(order: list[int] | None, prefix: list[int] | None, reason: str) -> None:
    """Wrong numbers would be worse than none."""
    with pytest.raises(StrangeError, match=reason):
        identity_of(None, None, order, prefix, None)


@pytest.mark.parametrize(("ratio", "rated_a"), [(100.0, 500.0), (9999.0, 49_995.0), (0.0, None), (10_000.0, None)])
def test_transformers_carry_what_both_readings_of_the_manual_allow(ratio: float, rated_a: float | None) -> None:
    """A ratio to 5 A is the wider one; what cannot be set is not believed."""
    assert identity_of(None, None, None, None, a_float(ratio)).rated_current_a == rated_a


def test_a_version_has_two_digits_behind_its_point() -> None:
    """As the display shows it."""
    assert [version_of(word) for word in (0x0108, 0x0116, 0x1000)] == ["1.08", "1.16", "10.00"]
