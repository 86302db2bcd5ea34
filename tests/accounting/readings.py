"""Readings of a counter for the tests: when the counter stood where."""

from collections.abc import Iterable
from datetime import UTC, datetime

from hypothesis import strategies as st
from mmetering_accounting.quarter import ms_of
from mmetering_accounting.sample import Row, Sample

QUARTER = 900_000
MINUTE = 60_000
T0 = ms_of(datetime(2026, 11, 2, tzinfo=UTC))  # a Monday
Q0 = T0 // QUARTER


def at(minutes: float, wh: int) -> Sample:
    """Return a sample so many minutes behind T0."""
    return Sample(T0 + round(minutes * MINUTE), wh)


def rows(samples: Iterable[Sample], suspect: Iterable[int] = ()) -> list[Row]:
    """Return the rows of `quarter_hour` that samples amount to, as ingest makes them; with suspect quarter hours."""
    by_quarter: dict[int, list[Sample]] = {}
    for sample in sorted(samples):
        by_quarter.setdefault(sample.ms // QUARTER, []).append(sample)
    bad = set(suspect)
    return [
        Row(
            *(quarter, part[0].wh, part[0].ms, part[-1].wh, part[-1].ms),
            min(sample.wh for sample in part),
            max(sample.wh for sample in part),
            int(quarter in bad),
        )
        for quarter, part in by_quarter.items()
    ]


@st.composite
def growing(draw: st.DrawFn) -> list[Sample]:
    """Draw samples of a counter that only grows, with steps from seconds to a day; many do not move it."""
    pauses = st.sampled_from([10, 60, 240, 300, 301, 900, 3600, 7200, 7201, 86_400]) | st.integers(1, 20_000)
    ms, wh = T0 + draw(st.integers(0, QUARTER)), draw(st.integers(0, 10**8))
    samples = [Sample(ms, wh)]
    for pause in draw(st.lists(pauses, max_size=12)):
        ms += 1000 * pause + draw(st.integers(0, 999))
        wh += draw(st.just(0) | st.integers(0, 1 + pause))
        samples.append(Sample(ms, wh))
    return samples
