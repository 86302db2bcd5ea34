"""Topics: built and read alike, and nothing can be smuggled into them."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_contract.errors import TopicError
from mmetering_contract.topic import Site, check_slug, gateway_of, levels_after, meter_of

SITE = Site("home")
slugs = st.from_regex(r"[a-z0-9-]{1,64}", fullmatch=True)

NO_SLUGS = ["", "x" * 65, "Flat", "a/b", "a+", "#", "a b", "a\n", "ä", "a.b", "a_b", "$share", "a\0"]


@pytest.mark.parametrize(
    ("topic", "expected"),
    [
        (SITE.gateway_status("main"), "mmetering/v1/home/gateway/main/status"),
        (SITE.gateway_health("main"), "mmetering/v1/home/gateway/main/health"),
        (SITE.batch("main"), "mmetering/v1/home/gateway/main/batch"),
        (SITE.receipt("main"), "mmetering/v1/home/gateway/main/receipt"),
        (SITE.meter_status("main", "pv"), "mmetering/v1/home/gateway/main/meter/pv/status"),
        (SITE.meter_info("main", "pv"), "mmetering/v1/home/gateway/main/meter/pv/info"),
        (SITE.live("main", "pv", "energy"), "mmetering/v1/home/gateway/main/meter/pv/reading/energy"),
        (SITE.service_status("ingest", "1"), "mmetering/v1/home/service/ingest/1/status"),
        (SITE.service_health("ingest", "1"), "mmetering/v1/home/service/ingest/1/health"),
        (SITE.label("pv"), "mmetering/v1/home/label/pv"),
        (SITE.alert("x1"), "mmetering/v1/home/alert/x1"),
        (SITE.batch(), "mmetering/v1/home/gateway/+/batch"),
        (SITE.live(), "mmetering/v1/home/gateway/+/meter/+/reading/+"),
    ],
)
def test_topics_are_those_of_the_documentation(topic: str, expected: str) -> None:
    """Each topic must be the one that third parties read about; without a name it must stand for all."""
    assert topic == expected


@pytest.mark.parametrize("text", [text for text in NO_SLUGS if text != "+"])
@pytest.mark.parametrize("build", [Site, SITE.batch, SITE.label, SITE.alert, lambda text: SITE.live("main", text)])
def test_no_level_can_be_smuggled_in(build: Callable[[str], object], text: str) -> None:
    """A name with a wildcard, a further level or anything else that is no slug must never become a topic."""
    with pytest.raises(TopicError):
        build(text)


@pytest.mark.parametrize("text", [*NO_SLUGS, "+"])
def test_no_slugs(text: str) -> None:
    """What is no slug must be refused, and shown in the error."""
    with pytest.raises(TopicError, match="is no slug"):
        check_slug(text)


def test_no_site_stands_for_all() -> None:
    """A service belongs to one site: its own may not be a wildcard."""
    with pytest.raises(TopicError):
        Site("+")


@given(slugs, slugs, slugs, slugs)
def test_topics_are_read_as_they_were_built(site: str, gateway: str, meter: str, group: str) -> None:
    """Gateway and meter must come out of a topic as they went in."""
    ours = Site(site)
    assert gateway_of(ours, ours.batch(gateway)) == gateway
    assert gateway_of(ours, ours.live(gateway, meter, group)) == gateway
    for topic in (ours.live(gateway, meter, group), ours.meter_status(gateway, meter), ours.meter_info(gateway, meter)):
        assert meter_of(ours, topic) == (gateway, meter)
    assert levels_after(ours, ours.label(meter)) == ("label", meter)


@pytest.mark.parametrize(
    "topic",
    [
        "",
        "mmetering/v1/home",
        "mmetering/v1/home/",
        "mmetering/v1/other/gateway/main/batch",
        "mmetering/v1/home2/gateway/main/batch",
        "mmetering/v2/home/gateway/main/batch",
        "/mmetering/v1/home/gateway/main/batch",
        "mmetering/v1/home/gateway//batch",
        "mmetering/v1/home/gateway/+/batch",
        "mmetering/v1/home/gateway/main/batch/",
        "mmetering/v1/home/gateway/Main/batch",
        "mmetering/v1/home/gateway/main/#",
        "mmetering/v1/home/gateway/main",
        "mmetering/v1/home/service/ingest/1/status",
        "$SYS/broker/uptime",
    ],
)
def test_foreign_topics_belong_to_no_gateway(topic: str) -> None:
    """A topic of another site or of no gateway must be refused: its payload must not be taken for a gateway's."""
    with pytest.raises(TopicError):
        gateway_of(SITE, topic)


@pytest.mark.parametrize(
    "topic", [SITE.batch("main"), SITE.label("pv"), "mmetering/v1/home/gateway/main/meter/pv", "mmetering/v1/home/x"]
)
def test_other_topics_belong_to_no_meter(topic: str) -> None:
    """A topic that is not below a meter must be refused."""
    with pytest.raises(TopicError):
        meter_of(SITE, topic)


@given(st.text(max_size=80))
def test_any_topic_is_read_or_refused(topic: str) -> None:
    """No topic may raise anything but TopicError."""
    with pytest.raises(TopicError):
        gateway_of(SITE, topic)
