"""The figures of ingest's health."""

from dataclasses import replace
from datetime import timedelta

from ingest_building import T0, delivery, reading
from mmetering_contract.state import IngestHealth, Spread
from mmetering_ingest.account import Outcome, Refused, Row
from mmetering_ingest.counts import Counts
from mmetering_ingest.refusal import Kind, Refusal


def health(counts: Counts) -> IngestHealth:
    """Return the figures."""
    return counts.health(T0, waiting=3, waiting_bytes=500, overruns=1, database_clock_offset_s=0.5, gateways={})


def test_what_commits_have_done_is_counted() -> None:
    """Each reading is new, there already or refused, and refusals are counted by their kind."""
    counts = Counts()
    one = delivery(reading(1), reading(2), reading(3))
    rows = [Row(one, each, 7) for each in one.readings]
    refused = [Refused(one, Refusal(kind, b"", "")) for kind in (Kind.OVERSIZE, Kind.MALFORMED, Kind.MALFORMED)]
    counts.committed([one, one], Outcome(rows, refused, duplicates=1), 0.1, T0)
    counts.committed([one], Outcome(rows[:1]), 0.1, T0 + timedelta(seconds=1))
    figures = health(counts)
    assert (figures.messages, figures.readings, figures.duplicates, figures.commits) == (3, 3, 1, 2)
    assert figures.rejected == {"oversize": 1, "malformed": 2}
    assert figures.committed_at == T0 + timedelta(seconds=1)
    assert (figures.waiting, figures.waiting_bytes, figures.overruns) == (3, 500, 1)


def test_lag_and_length_of_commits_are_those_of_the_last_interval() -> None:
    """Median and maximum stand from the end of an interval to the end of the next."""
    counts = Counts()
    for lag in (1, 2, 30):
        one = replace(delivery(reading(1)), newest=T0 - timedelta(seconds=lag))
        counts.committed([one], Outcome([Row(one, one.readings[0], 7)] * lag), lag / 100, T0)
    assert health(counts).lag_s is None
    counts.turn()
    figures = health(counts)
    assert (figures.lag_s, figures.commit_s, figures.commit_readings) == (
        Spread(2, 30),
        Spread(0.02, 0.3),
        Spread(2, 30),
    )
    counts.turn()
    assert (health(counts).lag_s, health(counts).commit_s) == (None, None)


def test_while_nothing_can_be_stored_the_begin_and_the_last_reason_are_told() -> None:
    """With the next commit that is over."""
    counts = Counts()
    counts.away("no route", T0)
    counts.away("57P03 starting up", T0 + timedelta(seconds=9))
    assert (health(counts).away_since, health(counts).away_reason) == (T0, "57P03 starting up")
    counts.committed([], Outcome(), 0.1, T0)
    assert (health(counts).away_since, health(counts).away_reason) == (None, "")
