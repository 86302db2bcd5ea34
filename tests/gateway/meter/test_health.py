"""A meter is online with its first good reply and offline after three bad polls in a row."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from mmetering_gateway.meter.health import FAILURES_TO_OFFLINE, Condition

T0 = datetime(2026, 11, 23, tzinfo=UTC)


def test_one_lost_reply_is_no_failure_of_the_meter() -> None:
    """Two failures leave it online, the third makes it offline since then."""
    condition = Condition().answered(T0)
    for minute in (1, 2):
        condition = condition.failed(T0 + timedelta(minutes=minute), "no reply")
        assert condition.online
        assert condition.since == T0
    condition = condition.failed(T0 + timedelta(minutes=3), "no reply")
    assert condition.online is False
    assert condition.since == T0 + timedelta(minutes=3)
    assert condition.reason == "no reply"


def test_a_meter_that_never_answered_becomes_offline_too() -> None:
    """Silence from the start is told like any other."""
    condition = Condition()
    for _ in range(FAILURES_TO_OFFLINE):
        condition = condition.failed(T0, "no reply")
    assert condition.online is False
    assert condition.since == T0


@given(st.lists(st.booleans(), max_size=30))
def test_status_follows_from_the_last_polls(polls: list[bool]) -> None:
    """Whatever came before: a good poll last is online, three bad ones last are offline; all are counted."""
    condition = Condition()
    for good in polls:
        condition = condition.answered(T0) if good else condition.failed(T0, "no reply")
    assert (condition.polls, condition.failures) == (len(polls), polls.count(False))
    if polls and polls[-1]:
        assert condition.online is True
        assert condition.reason == ""
    if len(polls) >= FAILURES_TO_OFFLINE and not any(polls[-FAILURES_TO_OFFLINE:]):
        assert condition.online is False
