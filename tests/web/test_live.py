"""The live state."""

from datetime import UTC, datetime, timedelta

import pytest
from mmetering_contract.errors import ContractError
from mmetering_contract.incident import Incident
from mmetering_contract.label import Label
from mmetering_contract.payload import encode
from mmetering_contract.reading import LiveReading
from mmetering_contract.state import MeterInfo
from mmetering_web.live import Live
from msgspec.structs import replace
from web.stage import SITE, Message, info, reading, status

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def hear(live: Live, *messages: Message, now: datetime = NOW, retained: bool = False) -> None:
    """Apply messages in order."""
    for topic, payload in messages:
        live.apply(topic, payload, now, retained=retained)


def test_the_newest_reading_counts() -> None:
    """A value is the one that came last."""
    live = Live(SITE)
    hear(live, reading("flat-01", NOW - timedelta(seconds=10), power_total=100))
    hear(live, reading("flat-01", NOW, power_total=200))
    value = live.meters()["flat-01"].value("power_total")
    assert value
    assert (value.value, value.at) == (200, NOW)


def test_a_value_that_could_not_be_read_is_unknown_and_not_the_old_one() -> None:
    """When the newest reading lacks a value, no older one is shown in its place."""
    live = Live(SITE)
    hear(live, reading("flat-01", NOW - timedelta(seconds=10), power_total=100, frequency=50))
    lacking = LiveReading(
        meter="flat-01", ts=NOW, seq=2, group="live", values={"frequency": 50}, span_ms=9, quality="good",
        missing=("power_total",), epoch="abcdef01",
    )  # fmt: skip
    hear(live, (SITE.live("main", "flat-01", "live"), encode(lacking)))
    value = live.meters()["flat-01"].value("power_total")
    assert value
    assert value.value is None


@pytest.mark.parametrize(
    ("gaps", "interval"),
    [([], 10), ([2], 2), ([2, 2, 60, 2, 2], 2), ([30, 30, 30, 2, 2, 2], 2), ([86_400], 900)],
)
def test_the_interval_is_learned_from_the_gaps(gaps: list[int], interval: float) -> None:
    """The usual distance of the last readings is the interval; an outage does not count as one."""
    live, at = Live(SITE), NOW - timedelta(days=2)
    hear(live, reading("flat-01", at, power_total=1))
    for gap in gaps:
        at += timedelta(seconds=gap)
        hear(live, reading("flat-01", at, power_total=1))
    value = live.meters()["flat-01"].value("power_total")
    assert value
    assert value.interval_s == interval


def test_until_the_gaps_say_it_the_gateway_tells_the_interval() -> None:
    """A value of a group that is read every quarter of an hour is not late after some minutes."""
    live = Live(SITE)
    what = MeterInfo("sdm630", "cellar", 3, NOW, intervals={"demand": 900})
    hear(live, reading("m", NOW, "demand", power_demand=1), (SITE.meter_info("main", "m"), encode(what)))
    value = live.meters()["m"].value("power_demand")
    assert value
    assert value.interval_s == 900


def test_a_clock_that_runs_ahead_makes_no_value_younger() -> None:
    """A reading is at the latest as young as its arrival."""
    live = Live(SITE)
    hear(live, reading("flat-01", NOW + timedelta(hours=1), power_total=100))
    assert live.meters()["flat-01"].newest == NOW


def test_a_clock_that_was_never_set_makes_no_value_older() -> None:
    """While a gateway only guesses the time, the arrival of a reading counts."""
    guess = LiveReading(
        meter="flat-01", ts=datetime(1970, 1, 1, tzinfo=UTC), seq=2, group="live", values={"frequency": 50}, span_ms=9,
        quality="good", clock_synced=False, epoch="abcdef01",
    )  # fmt: skip
    live = Live(SITE)
    hear(live, (SITE.live("main", "flat-01", "live"), encode(guess)))
    assert live.meters()["flat-01"].newest == NOW


def test_of_two_gateways_the_one_with_the_newest_reading_counts() -> None:
    """A meter that has moved to another gateway is shown as that one tells, whatever is retained of the old one."""
    live = Live(SITE)
    hear(live, reading("flat-01", NOW, power_total=1))
    topic, payload = reading("flat-01", NOW - timedelta(days=1), power_total=2)
    hear(live, (topic.replace("/main/", "/attic/"), payload), retained=True)
    assert live.meters()["flat-01"].gateway == "main"


def test_an_empty_payload_takes_back() -> None:
    """A meter of which everything was taken back is gone."""
    live = Live(SITE)
    messages = [reading("flat-01", NOW, power_total=1), info("flat-01"), status("flat-01", online=True)]
    hear(live, *messages)
    assert "flat-01" in live.meters()
    hear(live, *((topic, b"") for topic, _ in messages))
    assert live.meters() == {}


def test_labels_come_and_go() -> None:
    """The broker's labels are kept until they are taken back, or the connection is a new one."""
    live, label = Live(SITE), Label("Flat 1", "flat")
    hear(live, (SITE.label("a"), encode(label)), (SITE.label("b"), encode(label)), (SITE.label("b"), b""))
    assert live.labels() == {"a": label}
    live.forget_retained()
    assert live.labels() == {}


def test_incidents_last_until_they_are_resolved_or_taken_back() -> None:
    """What the alerter says to be wrong is known by its cause, the oldest first, until that is over."""
    live, hour = Live(SITE), timedelta(hours=1)
    first = Incident("a", 1, "clock", NOW, "main", clock_offset_s=42.0)
    second, other = Incident("b", 1, "clock", NOW + hour, "attic"), Incident("c", 1, "ingest", NOW)
    hear(live, *((SITE.alert(incident.id), encode(incident)) for incident in (second, other, first)))
    assert (live.failures("clock"), live.failures("ingest"), live.failures("bus")) == ([first, second], [other], [])
    hear(live, (SITE.alert("a"), encode(replace(first, revision=2, resolved=NOW))), (SITE.alert("c"), b""))
    assert (live.failures("clock"), live.failures("ingest")) == ([second], [])
    live.forget_retained()
    assert live.failures("clock") == []


def test_a_gateway_is_offline_only_when_it_was_said() -> None:
    """A gateway of which nothing was heard counts as there."""
    live = Live(SITE)
    assert not live.gateway_is_offline("main")
    hear(live, (SITE.gateway_status("main"), b"offline"))
    assert live.gateway_is_offline("main")


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (SITE.gateway_status("main"), b"perhaps"),
        (SITE.meter_info("main", "flat-01"), b"{}"),
        (SITE.live("main", "flat-01", "live"), b"\xff"),
        (SITE.live("main", "flat-02", "live"), reading("flat-01", NOW)[1]),
        (SITE.live("main", "flat-01", "energy"), reading("flat-01", NOW)[1]),
        (SITE.label("flat-01"), b'{"point":"","kind":"flat"}'),
        (SITE.alert("a"), b'{"id":"a"}'),
        (SITE.batch("main"), b"{}"),
        ("mmetering/v1/elsewhere/gateway/main/status", b"online"),
    ],
)
def test_a_bad_message_is_refused_and_changes_nothing(topic: str, payload: bytes) -> None:
    """What is malformed, foreign or on the wrong topic leaves the live state as it was."""
    live = Live(SITE)
    with pytest.raises(ContractError):
        live.apply(topic, payload, NOW)
    assert (live.meters(), live.labels(), live.gateway_is_offline("main")) == ({}, {}, False)
