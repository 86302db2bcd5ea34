"""What gateways say of themselves and of their meters, the alerter of failures, and people of their meters."""

import json
from collections.abc import Callable

import pytest
from mmetering_contract.errors import PayloadError
from mmetering_contract.incident import decode_incident
from mmetering_contract.label import decode_label
from mmetering_contract.payload import encode
from mmetering_contract.state import decode_gateway_health, decode_meter_info

INFO = {
    "model": "sdm630",
    "bus": "cellar",
    "address": 3,
    "since": "2026-11-23T02:53:50Z",
    "serial": "12345678",
    "units": {"voltage_l1": "V"},
    "intervals": {"live": 10, "energy": 60},
}
HEALTH = {
    "at": "2026-11-23T02:53:50Z",
    "spooled": 3,
    "oldest_s": None,
    "outstanding": 1,
    "repeats": 0,
    "buses": {
        "cellar": {
            "load": 0.25,
            "requests": 900,
            "timeouts": 5,
            "garbled": 2,
            "exceptions": 1,
            "refused": 3,
            "overruns": 4,
        }
    },
    "meters": {
        "flat-03": {
            "polls": 5,
            "failures": 1,
            "turnaround_ms": 146.5,
            "lost": 3,
            "suspect": 1,
            "limit": 80,
            "answered_at": "2026-11-23T02:53:40Z",
        }
    },
    "dropped": 0,
    "archived": 8640,
    "clock": "synchronised",
    "undated": 2,
    "plant_revision": 3,
    "plant_error": "bus attic: no such bus",
}
INCIDENT = {
    "id": "main-flat-03-1",
    "revision": 2,
    "cause": "meter",
    "since": "2026-11-23T02:53:50Z",
    "gateway": "main",
    "subject": "flat-03",
    "meters": ["flat-03"],
    "mailed": 1,
}
LABEL = {"point": "Flat 3, left", "kind": "producer", "counter": "export"}
Decode = Callable[[bytes], object]


@pytest.mark.parametrize(
    ("decode", "good"),
    [(decode_meter_info, INFO), (decode_gateway_health, HEALTH), (decode_incident, INCIDENT), (decode_label, LABEL)],
)
def test_a_good_payload_survives_the_way(decode: Decode, good: dict[str, object]) -> None:
    """What is decoded and encoded again must say the same; a key of tomorrow must not disturb."""
    once = decode(json.dumps(good | {"tomorrow": 1}).encode())
    assert json.loads(encode(once)) == good


@pytest.mark.parametrize(
    ("decode", "good", "key", "value"),
    [
        (decode_meter_info, INFO, "address", 0),
        (decode_meter_info, INFO, "address", 248),
        (decode_meter_info, INFO, "bus", "a/b"),
        (decode_meter_info, INFO, "since", "2026-11-23T02:53:50"),
        (decode_meter_info, INFO, "units", {"voltage_l1": 1}),
        (decode_gateway_health, HEALTH, "spooled", "3"),
        (decode_gateway_health, HEALTH, "clock", "right"),
        (decode_meter_info, INFO, "intervals", {"live": 0.5}),
        (decode_gateway_health, HEALTH, "buses", {"Cellar": {"load": 0.5}}),
        (decode_gateway_health, HEALTH, "buses", {"cellar": {"requests": 5}}),
        (decode_gateway_health, HEALTH, "meters", {"flat-03": {"polls": 5}}),
        (decode_gateway_health, HEALTH, "clock", "slow"),
        (decode_incident, INCIDENT, "id", "a/b"),
        (decode_incident, INCIDENT, "cause", "moon"),
        (decode_incident, INCIDENT, "revision", 0),
        (decode_incident, INCIDENT, "revision", 2**31),
        (decode_incident, INCIDENT, "since", "2026-11-23T02:53:50"),
        (decode_incident, INCIDENT, "meters", ["Flat"]),
        (decode_label, LABEL, "point", ""),
        (decode_label, LABEL, "point", "Flat 3\nBcc: x@example.org"),
        (decode_label, LABEL, "kind", "garage"),
        (decode_label, LABEL, "counter", "both"),
    ],
)
def test_a_bad_value_is_refused_with_its_place(
    decode: Decode, good: dict[str, object], key: str, value: object
) -> None:
    """A value that breaks its type or range must be refused, and the error must say where it stood."""
    with pytest.raises(PayloadError, match=rf"\$\.{key}"):
        decode(json.dumps(good | {key: value}).encode())
