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
    ingest_health,
    ingest_is,
    label,
    meter_is,
    reading,
)
from hypothesis import given
from hypothesis import strategies as st
from mmetering_alerter.cause import INGEST, Sign, Subject, find, sign_of_absent
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


HEALTHY, AWAY = ingest_health(at(10).utc), ingest_health(at(10).utc, away=at(7).utc)
OTHER, OTHER_AWAY = ingest_health(at(10).utc, copy="2"), ingest_health(at(10).utc, away=at(5).utc, copy="2")

# What is heard live at second 10, when ingest is asked for, how it stands then, and if it fails since when.
INGEST_CASES: list[tuple[str, list[Said], float, Sign, float]] = [
    ("well", [HEALTHY], 99, W, 0),
    ("silent", [HEALTHY], 100, F, 10),
    ("nobody, in time", [], 89, U, 0),
    ("nobody", [], 90, F, 0),
    ("online only, in time", [ingest_is("online")], 99, U, 0),
    ("online only", [ingest_is("online")], 100, F, 10),
    ("away", [AWAY], 11, F, 7),
    ("one of two away", [AWAY, OTHER], 11, W, 0),
    ("both away", [AWAY, OTHER_AWAY], 11, F, 7),
    ("one away, one not yet heard", [AWAY, ingest_is("online", "2")], 11, U, 0),
    ("one away, one killed", [AWAY, OTHER, ingest_is("offline", "2")], 11, F, 10),
    ("killed", [HEALTHY, ingest_is("offline")], 11, F, 10),
    ("stopped", [HEALTHY, ingest_is("")], 11, F, 10),
    ("started again", [HEALTHY, ingest_is("offline"), ingest_is("online"), HEALTHY], 11, W, 0),
    ("well without a gateway", [HEALTHY, gateway_is("offline")], 11, W, 0),
    ("away without a gateway", [AWAY, gateway_is("offline")], 11, U, 0),
]


@pytest.mark.parametrize(
    ("said", "now", "sign", "since"), [c[1:] for c in INGEST_CASES], ids=[c[0] for c in INGEST_CASES]
)
def test_ingest_stands_still_when_no_copy_can_store(said: list[Said], now: float, sign: Sign, since: float) -> None:
    """One copy that can store is enough, silence is no good news, and without a gateway there is nothing to store."""
    world = World(SITE)
    hear(world, gateway_is("online"), now=0, retained=True)
    hear(world, *said, now=10)
    finding = find(world, at(now), 1)[INGEST]
    assert finding.sign is sign
    if sign is F:
        assert finding.since == at(since).utc


def test_what_the_broker_retains_of_ingest_does_not_make_it_well() -> None:
    """A copy that died with the broker stays `online` there, and a health that somebody retained is old."""
    world = World(SITE)
    hear(world, gateway_is("online"), ingest_is("online"), HEALTHY, ingest_is("offline", "2"), now=0, retained=True)
    assert find(world, at(1), SILENCE)[INGEST].sign is U
    assert find(world, at(90), SILENCE)[INGEST].sign is F


def test_a_gateways_clock_is_wrong_as_the_newest_batch_tells() -> None:
    """It fails since it was first heard to be off; who cannot tell, or had an older batch, changes nothing."""
    world, clock = World(SITE), Subject("clock", GATEWAY)
    hear(world, gateway_is("online"), ingest_health(at(10).utc), now=10)
    assert clock not in find(world, at(10), SILENCE)
    for now, offset in ((20, -9.9), (30, 42.0), (40, 43.0)):
        hear(world, ingest_health(at(now).utc, offset=offset), now=now)
    hear(world, ingest_health(at(35).utc, offset=0.0, copy="2"), ingest_health(at(45).utc, copy="3"), now=50)
    finding = find(world, at(50), SILENCE)[clock]
    assert (finding.sign, finding.since, finding.clock_offset_s) == (F, at(30).utc, 43.0)
    hear(world, ingest_health(at(60).utc, offset=-1.0), now=60)
    assert find(world, at(60), SILENCE)[clock].sign is W


def test_nobody_knows_the_clock_of_a_gateway_that_is_offline_or_was_removed() -> None:
    """A clock may be set before its gateway is back; with the gateway its clock's failure ends."""
    world, clock = World(SITE), Subject("clock", GATEWAY)
    hear(world, gateway_is("online"), ingest_health(at(10).utc, offset=42.0), gateway_is("offline"), now=10)
    assert find(world, at(11), SILENCE)[clock].sign is U
    hear(world, (SITE.gateway_status(GATEWAY), b""), now=12)
    assert clock not in find(world, at(12), SILENCE)
    assert sign_of_absent(world, clock) is W


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
