"""What travels together, and when it is sent again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_contract.reading import Reading
from mmetering_contract.record import BATCH_BYTES, BATCH_READINGS, Device, decode_batch
from mmetering_importer.parcel import (
    FIRST_WAIT_S,
    NO_SUBSCRIBERS,
    NOBODY_WAIT_S,
    OUTSTANDING,
    Parcel,
    Window,
    parcels_of,
)

T0 = datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=UTC)  # with a fraction, as long as a time can be
EPOCH = "0123456789abcdef"


def reading(seq: int, meter: str, **values: int) -> Reading:
    """Return a reading in doubt, which is the longest."""
    return Reading(
        meter=meter,
        ts=T0 + timedelta(minutes=15 * seq),
        seq=seq,
        group="energy",
        values={**values},
        span_ms=0,
        quality="suspect",
        suspect=tuple(values),
    )


def parcels(readings: int, meters: int, name: int = 64) -> list[Parcel]:
    """Return readings of several meters with names of this length, as they are sent."""
    slugs = [f"{n:0{name}}" for n in range(meters)]
    devices = {slug: Device("m" * 200, "s" * 200) for slug in slugs}
    values = {
        "energy_export": 10**15,
        "energy_export_l1": 10**15,
        "energy_export_l2": 10**15,
        "energy_export_l3": 10**15,
    }
    given = (reading(seq, slugs[seq % meters], **values) for seq in range(1, readings + 1))
    return list(parcels_of(EPOCH, devices, given))


@given(st.integers(0, 500), st.integers(1, 250), st.integers(3, 64))
def test_parcels_hold_everything_in_order_and_fit_a_batch(readings: int, meters: int, name: int) -> None:
    """No parcel is larger than a batch may be, in bytes and in readings, and together they are what was given."""
    packed = parcels(readings, meters, name)
    assert all(len(parcel.payload) <= BATCH_BYTES for parcel in packed)
    batches = [decode_batch(parcel.payload) for parcel in packed]
    assert [reading.seq for batch in batches for reading in batch.readings] == [*range(1, readings + 1)]
    assert [seq for parcel in packed for seq in parcel.seqs] == [*range(1, readings + 1)]
    assert all(len(batch.readings) <= BATCH_READINGS for batch in batches)


def test_a_window_has_an_end() -> None:
    """So many parcels may lack a receipt, and no more."""
    window = Window()
    for parcel in parcels(OUTSTANDING * BATCH_READINGS * 2, 1, 3)[:OUTSTANDING]:
        assert not window.full
        window.add(parcel, 0)
    assert window.full


def test_a_parcel_is_due_again_ever_later() -> None:
    """Without a receipt it is sent after 30 s, then after twice the wait each time, and never later than 10 minutes."""
    window, [parcel] = Window(), parcels(10, 1)
    window.add(parcel, 0)
    now, waits = 0.0, []
    for turn in range(7):
        assert window.due(now) == [parcel]
        window.sent(parcel, (1, turn), now)
        waits.append(parcel.due - now)
        assert window.due(parcel.due - 1) == []
        now = parcel.due
    assert waits == [30, 60, 120, 240, 480, 600, 600]


def test_where_nobody_subscribes_it_is_asked_again_soon() -> None:
    """The broker's word that nobody is there shortens the wait of that parcel; whoever comes gets all at once."""
    window, [one, two] = Window(), parcels(10, 1) + parcels(10, 1)
    for parcel in (one, two):
        window.add(parcel, 0)
        window.sent(parcel, (1, id(parcel)), 0)
    window.answered((1, id(one)), NO_SUBSCRIBERS, 1)
    assert (one.due, two.due) == (1 + NOBODY_WAIT_S, FIRST_WAIT_S)
    window.hurry(2)
    assert window.due(2) == [one, two]


@pytest.mark.parametrize(
    ("ranges", "settled", "oldest"),
    [([(1, 10)], 10, None), ([(1, 4)], 4, 5), ([(1, 2), (4, 10)], 9, 3), ([(11, 90)], 0, 1), ([], 0, 1)],
)
def test_a_receipt_takes_out_what_it_names(ranges: list[tuple[int, int]], settled: int, oldest: int | None) -> None:
    """A parcel leaves when every reading of it has a receipt, once, and the oldest without one is known."""
    window = Window()
    for parcel in parcels(10, 1):
        window.add(parcel, 0)
    assert window.settle(ranges) == settled
    assert window.settle(ranges) == 0
    assert window.oldest() == oldest
    assert (len(window) == 0) == (oldest is None)
