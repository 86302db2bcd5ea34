"""Batches, receipts, and the identity of a batch outside its payload."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_contract.errors import PayloadError
from mmetering_contract.payload import SEQ_MAX, encode
from mmetering_contract.record import (
    Batch,
    Device,
    Range,
    Receipt,
    decode_batch,
    decode_receipt,
    identity_of,
    ranges_of,
    read_identity,
)

EPOCH = "0123456789abcdef"
READING = {
    "meter": "flat-03",
    "ts": "2026-11-23T02:53:50.000Z",
    "seq": 1,
    "group": "live",
    "span_ms": 146,
    "quality": "good",
    "values": {"voltage_l1": 230.1},
}

# Close together, so that they form ranges; and some at the far end.
seqs = st.integers(1, 60) | st.integers(SEQ_MAX - 20, SEQ_MAX) | st.integers(1, SEQ_MAX)


def batch(**changes: object) -> bytes:
    """Return a good batch with some keys changed."""
    good = {"epoch": EPOCH, "meters": {"flat-03": {"model": "sdm630", "serial": "12345678"}}, "readings": [READING]}
    return json.dumps(good | changes).encode()


def test_a_batch_survives_the_way() -> None:
    """What is encoded must be decoded to the same batch, with the devices that its readings came from."""
    once = decode_batch(batch())
    assert decode_batch(encode(once)) == once
    assert once.meters == {"flat-03": Device("sdm630", "12345678")}
    assert once.readings[0].values == READING["values"]


def test_a_meter_may_have_no_serial_number_yet() -> None:
    """A meter that was never reached for its serial number must be sent without one."""
    once = decode_batch(batch(meters={"flat-03": {"model": "sdm630"}}))
    assert once.meters["flat-03"].serial is None
    assert b"serial" not in encode(once)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"epoch": None}, r"\$\.epoch"),
        ({"epoch": "xyz"}, r"\$\.epoch"),
        ({"epoch": EPOCH + "\n"}, r"\$\.epoch"),
        ({"meters": {}}, "`meters` lacks flat-03"),
        ({"meters": {"Flat": {"model": "sdm630"}}}, r"\$\.meters"),
        ({"meters": {"flat-03": {}}}, r"\$\.meters\[\.\.\.\]"),
        ({"meters": {"flat-03": {"model": "a\0"}}}, r"\.model"),
        ({"meters": {"flat-03": {"model": "sdm630", "serial": "1\n"}}}, r"\.serial"),
        ({"meters": {"flat-03": {"model": "x" * 201}}}, r"\.model"),
        ({"readings": READING}, r"\$\.readings"),
        ({"dropped": [[2, 1]]}, "2-1 is no range"),
        ({"readings": [READING, READING | {"seq": 0}]}, r"\$\.readings\[1\]\.seq"),
        ({"readings": [READING, READING | {"values": {"energy_import": 1.5}}]}, r"energy_import.*\$\.readings\[1\]"),
    ],
)
def test_a_bad_batch_is_refused_with_its_place(changes: dict[str, object], place: str) -> None:
    """A batch with anything malformed must be refused as a whole, and the error must say where."""
    with pytest.raises(PayloadError, match=place):
        decode_batch(batch(**changes))


@given(st.sets(seqs, max_size=30), st.sets(seqs, max_size=30))
def test_a_receipt_survives_the_way(stored: set[int], rejected: set[int]) -> None:
    """What ingest says is committed or refused must arrive as the same ranges."""
    receipt = Receipt(EPOCH, ranges_of(stored), ranges_of(rejected))
    assert decode_receipt(encode(receipt)) == receipt


@pytest.mark.parametrize(
    "ranges", [[[0, 1]], [[2, 1]], [[1, 2], [2, 3]], [[5, 6], [1, 2]], [[1, SEQ_MAX + 1]], [[1]], [1]]
)
@pytest.mark.parametrize("key", ["stored", "rejected", "dropped"])
def test_a_receipt_with_bad_ranges_is_refused(key: str, ranges: list[object]) -> None:
    """A receipt must not name seqs that cannot be, or name them twice: the spool would let go of the wrong rows."""
    with pytest.raises(PayloadError):
        decode_receipt(json.dumps({"epoch": EPOCH, key: ranges}).encode())


@pytest.mark.parametrize(
    ("numbers", "ranges"),
    [
        ([], ()),
        ([7], ((7, 7),)),
        ([3, 1, 2, 2], ((1, 3),)),
        ([1, 2, 4, 5, 9], ((1, 2), (4, 5), (9, 9))),
    ],
)
def test_ranges(numbers: list[int], ranges: tuple[Range, ...]) -> None:
    """Seqs in any order, also repeated, must become the fewest ascending ranges."""
    assert ranges_of(numbers) == ranges


@given(st.lists(st.integers(1, 200), max_size=50))
def test_ranges_hold_exactly_the_seqs(numbers: list[int]) -> None:
    """Written out, the ranges must be the seqs, and between two of them at least one must be missing."""
    ranges = ranges_of(numbers)
    assert [n for first, last in ranges for n in range(first, last + 1)] == sorted(set(numbers))
    assert all(after[0] > before[1] + 1 for before, after in pairwise(ranges))


@given(st.sets(seqs, min_size=1, max_size=50))
def test_an_identity_survives_the_way(numbers: set[int]) -> None:
    """The user properties must name exactly the seqs of the batch, so that it can be refused undecoded."""
    assert read_identity(identity_of(EPOCH, numbers)) == (EPOCH, ranges_of(numbers))


def test_foreign_user_properties_are_passed_over() -> None:
    """A property that we do not know must not disturb those that we do."""
    assert read_identity([("trace", "x"), *identity_of(EPOCH, [1])]) == (EPOCH, ((1, 1),))


@pytest.mark.parametrize(
    ("epoch", "ranges"),
    [
        ("", "1-2"),
        ("xyz", "1-2"),
        (EPOCH + "\n", "1-2"),
        (EPOCH, ""),
        (EPOCH, "1"),
        (EPOCH, "1-"),
        (EPOCH, "-1"),
        (EPOCH, "1-2,"),
        (EPOCH, "1-2\n"),
        (EPOCH, " 1-2"),
        (EPOCH, "0-1"),
        (EPOCH, "2-1"),
        (EPOCH, "1-2,2-3"),
        (EPOCH, "5-6,1-2"),
        (EPOCH, f"1-{SEQ_MAX + 1}"),
        (EPOCH, "1-" + "9" * 5000),
        (EPOCH, "\u0661-\u0662"),  # Arabic digits: digits to Python's \d and int(), not to us
    ],
)
def test_a_bad_identity_is_refused(epoch: str, ranges: str) -> None:
    """Properties that name no readings must be refused with what they said."""
    with pytest.raises(PayloadError):
        read_identity([("epoch", epoch), ("seqs", ranges)])


@pytest.mark.parametrize("missing", ["epoch", "seqs"])
def test_half_an_identity_is_refused(missing: str) -> None:
    """One property without the other must be refused."""
    with pytest.raises(PayloadError):
        read_identity([pair for pair in identity_of(EPOCH, [1]) if pair[0] != missing])


@given(st.lists(st.tuples(st.sampled_from(["epoch", "seqs", "x"]), st.text(max_size=40))))
def test_any_properties_give_an_identity_or_a_payload_error(properties: list[tuple[str, str]]) -> None:
    """Nothing that a stranger sends may raise anything but PayloadError."""
    try:
        _, ranges = read_identity(properties)
    except PayloadError:
        return
    assert ranges


def test_a_batch_without_readings_is_one() -> None:
    """An empty batch must be readable: there is nothing wrong in it."""
    assert decode_batch(batch(readings=[])) == Batch(EPOCH, {"flat-03": Device("sdm630", "12345678")}, ())
