"""What the alerter holds for the cause."""

import pytest
from alerter.building import (
    GATEWAY,
    MIDNIGHT,
    SITE,
    Said,
    at,
    building,
    gateway_is,
    hear,
    info,
    label,
    meter_is,
    reading,
)
from hypothesis import given
from hypothesis import strategies as st
from mmetering_alerter.cause import Sign, Subject, find, sign_of_absent
from mmetering_alerter.world import World

SILENCE = 90
METERS = {"flat-1": "main", "flat-2": "main", "heat": "roof"}
W, F, U = Sign.WELL, Sign.FAILING, Sign.UNKNOWN

# What is heard after everything was read at second 10, and how flat-1, flat-2, bus main and heat stand at second 60.
CASES: list[tuple[str, list[Said], tuple[Sign, Sign, Sign, Sign]]] = [
    ("nothing", [], (W, W, W, W)),
    ("one meter", [meter_is("flat-1", "offline")], (F, W, W, W)),
    ("a whole bus", [meter_is("flat-1", "offline"), meter_is("flat-2", "offline")], (F, F, F, W)),
    ("a meter alone on its bus", [meter_is("heat", "offline")], (W, W, W, F)),
    ("the gateway", [gateway_is("offline")], (U, U, U, U)),
    ("the gateway after a meter", [meter_is("flat-1", "offline"), gateway_is("offline")], (U, U, U, U)),
    ("the gateway for a moment", [gateway_is("offline"), gateway_is("online")], (U, U, U, U)),
]


@pytest.mark.parametrize(("said", "signs"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_each_subject_stands_as_the_topics_say(said: list[Said], signs: tuple[Sign, ...]) -> None:
    """A meter's status decides, behind an offline gateway nothing is known, and a bus fails with all its meters."""
    world = World(SITE)
    hear(world, *building(METERS), now=0, retained=True)
    hear(world, *(reading(meter, at(10).utc) for meter in METERS), now=10)
    hear(world, *said, now=20)
    found = find(world, at(60), SILENCE)
    subjects = [
        Subject("meter", GATEWAY, "flat-1"),
        Subject("meter", GATEWAY, "flat-2"),
        Subject("bus", GATEWAY, "main"),
        Subject("meter", GATEWAY, "heat"),
    ]
    assert tuple(found[subject].sign for subject in subjects) == signs
    assert Subject("bus", GATEWAY, "roof") not in found


@pytest.mark.parametrize(
    ("heard", "now", "sign"),
    [(None, 89, U), (None, 90, F), (50, 139, W), (50, 140, F)],
)
def test_readings_that_stop_are_silence_although_the_status_is_online(
    heard: float | None, now: float, sign: Sign
) -> None:
    """Silence counts from the last live reading, or from the start of the watch."""
    world = World(SITE)
    hear(world, *building({"flat-1": "main"}), reading("flat-1", at(-1000).utc), now=0, retained=True)
    if heard is not None:
        hear(world, reading("flat-1", at(heard).utc), now=heard)
    finding = find(world, at(now), SILENCE)[Subject("meter", GATEWAY, "flat-1")]
    assert finding.sign is sign
    assert finding.since == at(-1000 if heard is None else heard).utc


def test_a_bus_is_silent_since_its_last_meter_is() -> None:
    """A meter that died long before its bus does not make the bus older."""
    world = World(SITE)
    hear(world, *building(METERS), now=0, retained=True)
    hear(world, reading("flat-1", at(1).utc), now=1)
    hear(world, reading("flat-2", at(500).utc), now=500)
    finding = find(world, at(1000), SILENCE)[Subject("bus", GATEWAY, "main")]
    assert (finding.sign, finding.since, finding.meters) == (F, at(500).utc, ("flat-1", "flat-2"))


def test_a_gateway_is_offline_since_its_will_came_or_else_since_its_last_reading() -> None:
    """Whoever was there knows when it went; from a retained status only the last reading tells."""
    there, later = World(SITE), World(SITE)
    hear(there, *building(METERS), now=0, retained=True)
    hear(there, gateway_is("offline"), now=70)
    hear(later, *building(METERS), reading("flat-1", at(50).utc), gateway_is("offline"), now=900, retained=True)
    gateway = Subject("gateway", GATEWAY)
    assert find(there, at(1000), SILENCE)[gateway].since == at(70).utc
    assert find(later, at(1000), SILENCE)[gateway].since == at(50).utc


def test_a_meter_that_never_answered_is_offline_since_its_gateway_says_so() -> None:
    """Without any reading the info tells since when."""
    world = World(SITE)
    hear(world, meter_is("flat-1", "offline"), info("flat-1", "main", since=-7200), now=0, retained=True)
    assert find(world, at(1), SILENCE)[Subject("meter", GATEWAY, "flat-1")].since == at(-7200).utc


@pytest.mark.parametrize(
    ("said", "meter", "gateway"),
    [
        ([], U, U),
        ([gateway_is("offline")], U, U),
        ([gateway_is("online")], W, U),
        ([gateway_is("online"), (SITE.gateway_status(GATEWAY), b"")], W, W),
    ],
)
def test_what_the_topics_do_not_speak_of_was_removed_only_if_its_gateway_can_tell(
    said: list[Said], meter: Sign, gateway: Sign
) -> None:
    """A broker that lost its memory does not end an incident."""
    world = World(SITE)
    hear(world, *said, now=0)
    assert sign_of_absent(world, Subject("meter", GATEWAY, "flat-1")) is meter
    assert sign_of_absent(world, Subject("gateway", GATEWAY)) is gateway


RETAINED = [
    gateway_is("online"),
    gateway_is("offline", "roof"),
    meter_is("pv", "online", "roof"),
    *(
        said
        for meter, bus in METERS.items()
        for said in (info(meter, bus), reading(meter, MIDNIGHT), label(meter, meter))
    ),
    meter_is("flat-1", "offline"),
    meter_is("flat-2", "offline"),
    meter_is("heat", "online"),
]


@given(st.permutations(RETAINED))
def test_retained_topics_may_arrive_in_any_order(said: list[Said]) -> None:
    """A broker hands out what it retains in an order of its own; the judgement is the same."""
    one, other = World(SITE), World(SITE)
    hear(one, *RETAINED, now=0, retained=True)
    hear(other, *said, now=0, retained=True)
    assert find(one, at(5), SILENCE) == find(other, at(5), SILENCE)
    assert {meter: one.name(meter) for meter in METERS} == {meter: other.name(meter) for meter in METERS}
