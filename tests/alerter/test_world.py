"""What the alerter takes from the topics."""

import pytest
from alerter.building import GATEWAY, MIDNIGHT, SITE, at, building, gateway_is, hear, info, label, reading
from mmetering_alerter.world import World
from mmetering_contract.errors import ContractError

FLAT = (GATEWAY, "flat-1")


@pytest.mark.parametrize("offset", [-86_400, -1, 0])
def test_a_retained_reading_is_no_sign_of_life(offset: float) -> None:
    """A retained reading tells when the meter was last read, and not that it works."""
    world = World(SITE)
    hear(world, *building({"flat-1": "main"}), reading("flat-1", at(offset).utc), now=0, retained=True)
    assert world.meters[FLAT].heard is None
    assert world.meters[FLAT].last == at(offset).utc


def test_a_live_reading_is_heard_when_it_arrives() -> None:
    """The arrival counts for the silence, and the reading's own time is kept for the mail."""
    world = World(SITE)
    hear(world, reading("flat-1", at(10).utc), now=12)
    assert world.meters[FLAT].heard == at(12)
    assert world.meters[FLAT].last == at(10).utc


def test_a_wrong_clock_does_not_put_the_last_reading_into_the_future_or_the_past() -> None:
    """Of a gateway whose clock is ahead or was never set, the arrival counts."""
    world = World(SITE)
    hear(world, reading("flat-1", at(9999).utc), now=10)
    hear(world, reading("flat-1", MIDNIGHT.replace(year=1970), synced=False), now=20)
    assert world.meters[FLAT].last == at(20).utc


@pytest.mark.parametrize("topic", [SITE.meter_status(*FLAT), SITE.meter_info(*FLAT)])
def test_an_empty_payload_removes_the_meter(topic: str) -> None:
    """A meter whose status or info is taken back is no longer watched."""
    world = World(SITE)
    hear(world, *building({"flat-1": "main"}), now=0, retained=True)
    hear(world, (topic, b""), now=1)
    assert world.behind(GATEWAY) == {}
    hear(world, reading("flat-1", at(2).utc), now=2)
    assert world.behind(GATEWAY) == {}


def test_meters_are_awaited_anew_when_their_gateway_is_back() -> None:
    """The time behind an offline gateway does not count as a meter's silence."""
    world = World(SITE)
    hear(world, *building({"flat-1": "main"}), reading("flat-1", at(1).utc), now=1)
    hear(world, gateway_is("offline"), now=10)
    hear(world, gateway_is("online"), now=500)
    assert world.meters[FLAT].awaited == at(500)
    assert world.meters[FLAT].heard is None


def test_a_gateway_that_says_online_again_changes_nothing() -> None:
    """A gateway repeats its status on every connect; what was heard still counts."""
    world = World(SITE)
    hear(world, *building({"flat-1": "main"}), reading("flat-1", at(1).utc), now=1)
    hear(world, gateway_is("online"), now=10)
    assert world.meters[FLAT].heard == at(1)


def test_the_point_is_the_name_then_the_gateways_label_then_the_slug() -> None:
    """People read the name that they gave, in one line."""
    world = World(SITE)
    assert world.name("flat-1") == "flat-1"
    hear(world, info("flat-1", "main", label="Label\u2028of Anna"), now=0)
    assert world.name("flat-1") == "Label of Anna"
    hear(world, label("flat-1", "Flat 1,\u2029left"), now=0)
    assert world.name("flat-1") == "Flat 1, left"
    hear(world, (SITE.label("flat-1"), b""), now=0)
    assert world.name("flat-1") == "Label of Anna"


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (SITE.gateway_status("attic"), b"on"),
        (SITE.meter_status("attic", "flat-1"), b"\xff"),
        (SITE.meter_info("attic", "flat-1"), b"{}"),
        (SITE.live("attic", "flat-1", "live"), b"[1]"),
        (SITE.live("attic", "flat-2", "live"), reading("flat-1", MIDNIGHT)[1]),
        (SITE.label("flat-1"), b'{"point": 3}'),
        (SITE.service_status("ingest", "1"), b"perhaps"),
        (SITE.service_health("ingest", "1"), b"{}"),
        (SITE.service_status("web", "1"), b"online"),
        ("mmetering/v1/other/gateway/attic/status", b"online"),
        (SITE.batch("attic"), b"{}"),
        ("mmetering/v1/home/gateway/Attic/status", b"online"),
    ],
)
def test_a_malformed_or_foreign_message_is_an_error_and_changes_nothing(topic: str, payload: bytes) -> None:
    """What cannot be understood is refused as a whole."""
    world = World(SITE)
    with pytest.raises(ContractError):
        hear(world, (topic, payload), now=0)
    assert world == World(SITE)
