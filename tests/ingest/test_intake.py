"""A message is taken apart: what is good is stored, what is bad is refused with its reason and its identity."""

from datetime import UTC, datetime, timedelta

import pytest
from ingest_building import EPOCH, SDM630, T0, batch, reading
from mmetering_contract.reading import Reading
from mmetering_contract.topic import Site
from mmetering_ingest.intake import open_delivery
from mmetering_ingest.newer import NewerReading
from mmetering_ingest.refusal import Kind
from msgspec.structs import asdict, replace

SITE = Site("home")
TOPIC = SITE.batch("main")
NOW = T0 + timedelta(hours=1)


def test_a_good_batch_is_all_readings() -> None:
    """The gateway comes from the topic, everything else from the payload."""
    readings = (reading(1), reading(2))
    delivery = open_delivery(SITE, TOPIC, *batch(*readings), NOW)
    assert (delivery.gateway, delivery.epoch, delivery.newest) == ("main", EPOCH, readings[-1].ts)
    assert [asdict(one) for one in delivery.readings] == [asdict(one) for one in readings]
    assert delivery.devices == {"flat-07": SDM630}
    assert delivery.refusals == ()


def test_what_was_dropped_is_told_also_by_a_batch_with_a_bad_reading() -> None:
    """Ranges that cannot be are refused with the batch: the database would not take them."""
    payload, properties = batch(reading(7), reading(8, power_total=5.5))
    told = payload[:-1] + b',"dropped":[[1,2],[5,6]]}'
    for good in (told, told.replace(b":5.5", b':"much"')):
        assert open_delivery(SITE, TOPIC, good, properties, NOW).dropped == ((1, 2), (5, 6))
    for bad in (told.replace(b"[1,2]", b"[2,1]"), told.replace(b"[1,2]", b"[2,1]").replace(b":5.5", b':"much"')):
        delivery = open_delivery(SITE, TOPIC, bad, properties, NOW)
        assert (delivery.dropped, delivery.readings, len(delivery.refusals)) == ((), (), 1)


@pytest.mark.parametrize("damage", [b'"power_total":NaN', b'"power_total":1e999', b'"power_total":"much"'])
def test_a_bad_reading_does_not_take_its_batch_along(damage: bytes) -> None:
    """The good readings are stored; the bad one is refused by its seq, as it came."""
    payload, properties = batch(reading(1), reading(2, power_total=5.5), reading(3))
    delivery = open_delivery(SITE, TOPIC, payload.replace(b'"power_total":5.5', damage), properties, NOW)
    if b"NaN" in damage:  # no JSON at all: nothing in it can be trusted
        assert delivery.readings == ()
        assert [refusal.seqs for refusal in delivery.refusals] == [((1, 3),)]
    else:
        assert [r.seq for r in delivery.readings] == [1, 3]
        assert [refusal.seqs for refusal in delivery.refusals] == [((2, 2),)]
        assert damage in delivery.refusals[0].payload


@pytest.mark.parametrize("payload", [b"", b"\xff\xfe", b"[]", b'{"epoch":1}', b"\0" * 10])
def test_what_cannot_be_read_is_refused_by_its_properties(payload: bytes) -> None:
    """The gateway learns which readings the message stood for."""
    delivery = open_delivery(SITE, TOPIC, payload, (("epoch", EPOCH), ("seqs", "1-3,7-7")), NOW)
    assert (delivery.gateway, delivery.epoch, delivery.readings) == ("main", EPOCH, ())
    assert [(r.payload, r.seqs) for r in delivery.refusals] == [(payload, ((1, 3), (7, 7)))]


def test_without_any_identity_it_is_kept_for_a_look() -> None:
    """A stranger's message has no epoch, and so no receipt."""
    delivery = open_delivery(SITE, TOPIC, b"hello", (), NOW)
    assert delivery.epoch == ""
    assert delivery.refusals[0].reason.startswith("JSON is malformed")


@pytest.mark.parametrize("topic", ["mmetering/v1/away/gateway/main/batch", "mmetering/v1/home/batch", "x"])
def test_a_foreign_topic_is_refused(topic: str) -> None:
    """Another site's batch is not ours to store."""
    delivery = open_delivery(SITE, topic, *batch(reading(1)), NOW)
    assert (delivery.gateway, delivery.readings) == ("", ())
    assert topic in delivery.refusals[0].reason


@pytest.mark.parametrize(
    ("ts", "good"),
    [
        (datetime(1999, 12, 31, 23, 59, tzinfo=UTC), False),
        (datetime(2000, 1, 1, tzinfo=UTC), True),
        (NOW + timedelta(hours=23), True),
        (NOW + timedelta(hours=25), False),
    ],
)
def test_impossible_times_are_refused(ts: datetime, good: bool) -> None:  # noqa: FBT001 a column of the table
    """A clock before 2000 or more than a day ahead would make chunks of its own."""
    delivery = open_delivery(SITE, TOPIC, *batch(reading(1), reading(2, ts=ts)), NOW)
    assert len(delivery.readings) == (2 if good else 1)
    assert [refusal.seqs for refusal in delivery.refusals] == ([] if good else [((2, 2),)])


def test_a_reading_of_a_meter_that_the_batch_does_not_describe_is_refused() -> None:
    """The others are stored."""
    payload, properties = batch(reading(1), reading(2, meter="flat-08"))
    payload = payload.replace(b'"flat-08":{"model":"sdm630","serial":"23040107"}', b'"flat-09":{"model":"sdm630"}')
    delivery = open_delivery(SITE, TOPIC, payload, properties, NOW)
    assert [r.seq for r in delivery.readings] == [1]
    assert delivery.refusals[0].reason == "`meters` lacks flat-08"


@pytest.mark.parametrize(
    ("topic", "payload", "kind"),
    [
        (TOPIC, b"{", Kind.MALFORMED),
        (TOPIC, b"\xff", Kind.MALFORMED),
        (TOPIC, b'{"x":' * 20_000, Kind.MALFORMED),
        (TOPIC, b'{"epoch":1}', Kind.WRONG_TYPE),
        (TOPIC, b'{"readings":[{"values":{"power_total": -Infinity}}]}', Kind.NOT_A_NUMBER),
        (TOPIC, b" " * 262_145, Kind.OVERSIZE),
        ("mmetering/v1/away/gateway/main/batch", b"{}", Kind.WRONG_SITE),
        ("mmetering/v1/home/gateway/main/status", b"{}", Kind.FOREIGN_TOPIC),
        ("mmetering/v1/home/gateway/main/batch/x", b"{}", Kind.FOREIGN_TOPIC),
        ("x", b"{}", Kind.FOREIGN_TOPIC),
    ],
)
def test_a_message_that_is_refused_has_its_kind(topic: str, payload: bytes, kind: Kind) -> None:
    """It is counted by it."""
    delivery = open_delivery(SITE, topic, payload, (), NOW)
    assert [refusal.kind for refusal in delivery.refusals] == [kind]


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (b'"power_total":5.5', b'"power_total":"much"', Kind.WRONG_TYPE),
        (b'"power_total":5.5', b'"power_total":null', Kind.WRONG_TYPE),
        (b'"power_total":5.5', b'"power_total":1e999', Kind.NOT_A_NUMBER),
        (b'"power_total":5.5', b'"power_total":1e39', Kind.WRONG_TYPE),
        (b'"power_total":5.5', b'"energy_import":5.5', Kind.WRONG_TYPE),
        (b'"power_total":5.5', b'"energy_import":9223372036854775808', Kind.WRONG_TYPE),
        (b'"power_total":5.5', b'"Not a name":5.5', Kind.WRONG_TYPE),
        (b'"span_ms":146', b'"span_ms":-1', Kind.WRONG_TYPE),
        (b'"group":"live"', b'"group":"Live"', Kind.WRONG_TYPE),
        (b"2026-11-23T02:45:20Z", b"1999-11-23T02:45:20Z", Kind.TOO_OLD),
        (b"2026-11-23T02:45:20Z", b"2126-11-23T02:45:20Z", Kind.IN_FUTURE),
        (b"2026-11-23T02:45:20Z", b"9999-12-31T23:59:59Z", Kind.WRONG_TYPE),
        (b"2026-11-23T02:45:20Z", b"2026-11-23T02:45:20", Kind.WRONG_TYPE),
        (b'"meter":"flat-07"', b'"meter":"flat-09"', Kind.UNDESCRIBED_METER),
    ],
)
def test_a_reading_that_is_refused_has_its_kind(before: bytes, after: bytes, kind: Kind) -> None:
    """It is counted by it, and the good reading beside it is stored."""
    payload, properties = batch(reading(1, power_total=1.0), reading(2, power_total=5.5))
    head, tail = payload.rsplit(b'{"meter"', 1)
    bad = head + (b'{"meter"' + tail).replace(before, after)
    assert bad != payload
    delivery = open_delivery(SITE, TOPIC, bad, properties, NOW)
    assert [good.seq for good in delivery.readings] == [1]
    assert [(refusal.kind, refusal.seqs) for refusal in delivery.refusals] == [(kind, ((2, 2),))]


def test_what_a_newer_release_says_is_kept() -> None:
    """Unknown quantities and groups are part of the reading, and its unknown keys stay with it."""
    payload, properties = batch(reading(1, power_total=1), reading(2, cos_phi=0.5))
    newer = payload.replace(b'"seq":2,"group":"live"', b'"seq":2,"group":"tariffs","tariff":{"now":2}')
    delivery = open_delivery(SITE, TOPIC, newer.replace(b'{"epoch"', b'{"version":2,"epoch"'), properties, NOW)
    old, new = delivery.readings
    assert isinstance(new, NewerReading)
    assert (new.group, new.values, new.keys) == ("tariffs", {"cos_phi": 0.5}, {"tariff": {"now": 2}})
    assert (type(old) is Reading, old.values) == (True, {"power_total": 1})


def test_the_newest_time_of_a_batch_is_told_even_when_it_is_refused() -> None:
    """But for times that were never better than a guess."""
    future = NOW + timedelta(days=30)
    guess = replace(reading(3, ts=future + timedelta(days=1)), clock_synced=False)
    assert open_delivery(SITE, TOPIC, *batch(reading(1), reading(2, ts=future), guess), NOW).newest == future
    assert open_delivery(SITE, TOPIC, *batch(guess), NOW).newest is None
