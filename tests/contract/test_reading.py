"""A reading: what is taken, what is refused and with which place, and that nothing changes on the way."""

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_contract.errors import PayloadError
from mmetering_contract.payload import SEQ_MAX, encode
from mmetering_contract.quantity import BY_NAME
from mmetering_contract.reading import INT64, MAGNITUDE, Reading, decode_live, live_of

EPOCH = "0123456789abcdef"
GOOD: dict[str, object] = {
    "meter": "flat-03",
    "ts": "2026-11-23T02:53:50.000Z",
    "seq": 18231,
    "group": "live",
    "span_ms": 146,
    "quality": "good",
    "values": {"voltage_l1": 230.1, "power_total": -1012.9, "energy_import": 12_345},
    "epoch": EPOCH,
}

slugs = st.from_regex(r"[a-z0-9-]{1,64}", fullmatch=True)
gauges = st.floats(-MAGNITUDE, MAGNITUDE, allow_nan=False)
counters = st.integers(-INT64, INT64 - 1)
names = st.sampled_from(sorted(BY_NAME)) | st.from_regex(r"[a-z][a-z0-9_]{0,63}", fullmatch=True)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@st.composite
def readings(draw: st.DrawFn) -> Reading:
    """Make any reading that a gateway of today or of tomorrow may send."""
    measured = draw(st.sets(names, max_size=8))
    values: dict[str, int | float] = {
        name: draw(counters if name in BY_NAME and BY_NAME[name].whole else gauges | counters)
        for name in sorted(measured)
    }
    return Reading(
        meter=draw(slugs),
        ts=draw(st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31), timezones=zones)),  # noqa: DTZ001 naive bounds
        seq=draw(st.integers(1, SEQ_MAX)),
        group=draw(slugs),
        values=values,
        span_ms=draw(st.integers(0, 2**31 - 1)),
        quality=draw(st.sampled_from(["good", "suspect"])),
        suspect=tuple(draw(st.lists(names, max_size=3))),
        missing=tuple(draw(st.lists(names, max_size=3))),
        clock_synced=draw(st.booleans()),
    )


def payload(**changes: object) -> bytes:
    """Return the good payload with some keys changed."""
    return json.dumps(GOOD | changes).encode()


def test_a_good_payload_is_read() -> None:
    """Every key of a payload must come out with its value and type."""
    reading = decode_live(payload())
    assert reading.ts == datetime(2026, 11, 23, 2, 53, 50, tzinfo=UTC)
    assert reading.values == GOOD["values"]
    assert type(reading.values["energy_import"]) is int
    assert (reading.meter, reading.seq, reading.epoch, reading.clock_synced) == ("flat-03", 18231, EPOCH, True)


@given(readings(), st.from_regex(r"[0-9a-f]{8,32}", fullmatch=True))
def test_a_reading_survives_the_way(reading: Reading, epoch: str) -> None:
    """What is encoded must be decoded to the same values, the same instant and the same types."""
    live = live_of(reading, epoch)
    back = decode_live(encode(live))
    assert back == live
    assert {name: type(value) for name, value in back.values.items()} == {
        name: type(value) for name, value in reading.values.items()
    }


@given(st.dictionaries(st.text(min_size=1).filter(lambda key: key not in GOOD), st.integers() | st.text(), max_size=5))
def test_keys_of_tomorrow_are_passed_over(unknown: dict[str, object]) -> None:
    """A key that this version does not know must not keep a reading from being read."""
    ours = {"suspect", "missing", "clock_synced"}
    extra = {key: value for key, value in unknown.items() if key not in ours}
    assert decode_live(payload(**extra)) == decode_live(payload())


def test_quantities_of_tomorrow_are_kept() -> None:
    """A quantity that this version does not know must be there with its value, for `reading.extra`."""
    assert decode_live(payload(values={"flicker_l1": 2.5})).values == {"flicker_l1": 2.5}


@pytest.mark.parametrize("key", sorted(GOOD))
def test_every_key_is_needed(key: str) -> None:
    """A reading without one of its keys must be refused, and the error must name the key."""
    incomplete = {name: value for name, value in GOOD.items() if name != key}
    with pytest.raises(PayloadError, match=f"`{key}`"):
        decode_live(json.dumps(incomplete).encode())


@pytest.mark.parametrize(
    ("key", "value", "place"),
    [
        ("meter", "", r"\$\.meter"),
        ("meter", "Flat", r"\$\.meter"),
        ("meter", "flat/03", r"\$\.meter"),
        ("meter", "+", r"\$\.meter"),
        ("meter", "flat-03\n", r"\$\.meter"),
        ("meter", "x" * 65, r"\$\.meter"),
        ("meter", 3, r"\$\.meter"),
        ("ts", "2026-11-23T02:53:50.000", r"timezone.*\$\.ts"),
        ("ts", "2026-11-23", r"\$\.ts"),
        ("ts", "2026-02-30T00:00:00Z", r"\$\.ts"),
        ("ts", "2026-11-23T24:00:00Z", r"\$\.ts"),
        ("ts", 1_795_402_430, r"\$\.ts"),
        ("ts", "0001-01-01T00:00:00+14:00", "zone"),
        ("ts", "9999-12-31T23:59:59-12:00", "zone"),
        ("seq", 0, r"\$\.seq"),
        ("seq", -1, r"\$\.seq"),
        ("seq", SEQ_MAX + 1, r"\$\.seq"),
        ("seq", 1.0, r"\$\.seq"),
        ("seq", True, r"\$\.seq"),
        ("seq", "1", r"\$\.seq"),
        ("group", "a/b", r"\$\.group"),
        ("span_ms", -1, r"\$\.span_ms"),
        ("span_ms", 2**31, r"\$\.span_ms"),
        ("quality", "fine", r"\$\.quality"),
        ("suspect", "power_total", r"\$\.suspect"),
        ("suspect", ["a\0"], r"\$\.suspect\[0\]"),
        ("missing", [None], r"\$\.missing\[0\]"),
        ("clock_synced", 1, r"\$\.clock_synced"),
        ("epoch", "0123456", r"\$\.epoch"),
        ("epoch", EPOCH + "\n", r"\$\.epoch"),
        ("epoch", EPOCH.upper(), r"\$\.epoch"),
        ("values", [], r"\$\.values"),
        ("values", {"voltage_l1": None}, r"\$\.values"),
        ("values", {"voltage_l1": "230"}, r"\$\.values"),
        ("values", {"voltage_l1": True}, r"\$\.values"),
        ("values", {"voltage_l1": {}}, r"\$\.values"),
        ("values", {"nul\0": 1}, r"\$\.values"),
        ("values", {"": 1}, r"\$\.values"),
        ("values", {"voltage_l1": 3.5e38}, "voltage_l1"),
        ("values", {"voltage_l1": -3.5e38}, "voltage_l1"),
        ("values", {"tomorrow": 10**400}, "tomorrow"),
        ("values", {"energy_import": 1.0}, "energy_import.*whole Wh"),
        ("values", {"energy_import": INT64}, "energy_import"),
        ("values", {"reactive_energy_import": 0.5}, "whole varh"),
        ("values", {"charge": 1.5}, "whole mAh"),
        ("values", {"energy_net": -1.5}, "energy_net.*whole Wh"),
    ],
)
def test_a_bad_value_is_refused_with_its_place(key: str, value: object, place: str) -> None:
    """A value that breaks its type or range must be refused, and the error must say where it stood."""
    with pytest.raises(PayloadError, match=place):
        decode_live(payload(**{key: value}))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "0x10", "1_000", "01", "9" * 5000])
def test_no_number_that_json_does_not_have(number: str) -> None:
    """What Python's own reader takes for a number must be refused: one NaN makes a column's mean NaN."""
    text = payload(values={"voltage_l1": 230}).decode().replace("230", number)
    with pytest.raises(PayloadError):
        decode_live(text.encode())


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_gateway_cannot_make_a_reading_without_a_number(value: float) -> None:
    """NaN and infinity must be refused where a reading is made, not first where it is read."""
    with pytest.raises(ValueError, match="voltage_l1"):
        Reading(
            meter="m",
            ts=datetime(2026, 1, 1, tzinfo=UTC),
            seq=1,
            group="live",
            values={"voltage_l1": value},
            span_ms=0,
            quality="good",
        )


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"online",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"\xef\xbb\xbf" + payload(),
        payload() + b"{}",
        payload()[:-1],
        b'{"meter":"\\ud800"}',
        b'{"x":' + b"[" * 200_000,
        b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
)
def test_junk_is_refused(junk: bytes) -> None:
    """Bytes that are no reading must give a PayloadError and nothing else, however deeply they are nested."""
    with pytest.raises(PayloadError):
        decode_live(junk)


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_give_a_reading_or_a_payload_error(junk: bytes) -> None:
    """Nothing that a stranger sends may raise anything but PayloadError."""
    with pytest.raises(PayloadError):
        decode_live(junk)


@given(st.data())
def test_a_damaged_payload_gives_a_reading_or_a_payload_error(data: st.DataObject) -> None:
    """A payload with any one byte changed must be read or refused, never raise anything else."""
    good = payload()
    place = data.draw(st.integers(0, len(good) - 1))
    damaged = good[:place] + data.draw(st.binary(max_size=2)) + good[place + 1 :]
    with suppress(PayloadError):
        decode_live(damaged)
