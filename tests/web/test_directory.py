"""Labels between the database and the broker."""

from collections.abc import Iterator

import pytest
from fix_broker import Broker
from mmetering_contract.label import Label, decode_label
from mmetering_contract.payload import encode
from mmetering_web.directory import differences
from mqtt_client import Client
from wait import wait_for
from web.stage import SITE, add_meter, add_people, execute, running

A, B = Label("Flat 1", "flat"), Label("PV", "producer", "export")


@pytest.fixture
def alerter(broker: Broker) -> Iterator[Client]:
    """Give a client that may read labels."""
    client = Client(broker, "alerter")
    client.subscribe(SITE.label())
    yield client
    client.close()


@pytest.mark.parametrize(
    ("wanted", "held", "expected"),
    [
        ({}, {}, {}),
        ({"a": A}, {}, {"a": A}),
        ({"a": A}, {"a": A}, {}),
        ({"a": B}, {"a": A}, {"a": B}),
        ({}, {"a": A}, {"a": None}),
        ({"b": B}, {"a": A}, {"b": B, "a": None}),
    ],
)
def test_only_what_differs_is_published(
    wanted: dict[str, Label], held: dict[str, Label], expected: dict[str, Label | None]
) -> None:
    """New and changed labels go out, labels of meters without a point are taken back."""
    assert differences(wanted, held) == expected


def test_the_broker_holds_the_labels_of_the_database(database: str, broker: Broker, alerter: Client) -> None:
    """Labels are published, changed, and taken back where their meter lost its point while nobody looked."""
    add_meter(database, "m1", "flat")
    forgotten = Client(broker, "web")
    forgotten.publish(SITE.label("gone"), encode(A), retain=True)
    forgotten.close()

    def held() -> dict[str, str]:
        newest = {message.topic.rsplit("/", 1)[1]: message.payload for message in alerter.received}
        return {meter: decode_label(payload).point for meter, payload in newest.items() if payload}

    wait_for(lambda: held() == {"gone": "Flat 1"})
    with running(database, broker) as app:
        wait_for(lambda: held() == {"m1": "M1"})
        parts = app.extensions["mmetering"]
        parts.store.assign("m1", "Flat one", "flat", "import")
        parts.directory.refresh()
        wait_for(lambda: held() == {"m1": "Flat one"})
        wait_for(lambda: parts.live.labels().keys() == {"m1"})
        execute(database, "DELETE FROM installation")
        parts.directory.refresh()
        wait_for(lambda: held() == {})


def test_without_the_database_the_brokers_labels_stand_in(broker: Broker, empty_database: str) -> None:
    """A web that starts while the database is away still knows the meters' names."""
    client = Client(broker, "web")
    client.publish(SITE.label("m1"), encode(A), retain=True)
    client.close()
    with running(empty_database, broker) as app:
        wait_for(lambda: app.extensions["mmetering"].directory.labels == {"m1": A})


def test_who_is_there_is_told_to_the_broker(database: str, broker: Broker) -> None:
    """The web's presence is retained while it runs, and its will afterwards."""
    add_people(database)
    client = Client(broker, "alerter")
    client.subscribe(SITE.service_status("web"))
    with running(database, broker):
        client.wait_for(b"online")
    client.wait_for(b"offline")
    client.close()
