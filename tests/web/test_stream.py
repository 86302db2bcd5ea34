"""Live values over server-sent events."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from mmetering_web import stream
from mmetering_web.frame import Frame
from mmetering_web.stream import Streams, events
from web.stage import add_meter, info, reading


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the stream look more often than once a second."""
    monkeypatch.setattr(stream, "PACE_S", 0.01)


def hear(app: Flask, slug: str, **values: float) -> None:
    """Let the app hear a reading."""
    now = datetime.now(UTC)
    app.extensions["mmetering"].live.apply(*reading(slug, now, "live", **values), now)


def data(chunks: Iterator[object]) -> dict[str, Any]:
    """Return the next event's data."""
    return dict(
        json.loads(next(chunk for chunk in chunks if isinstance(chunk, bytes) and chunk.startswith(b"data: "))[6:])
    )


def test_a_page_gets_the_whole_and_then_what_changes(app: Flask, visitor: FlaskClient, database: str) -> None:
    """The first event holds all meters, the next only the changed one, and the sums."""
    add_meter(database, "m1", "flat")
    add_meter(database, "m2", "flat")
    app.extensions["mmetering"].directory.refresh()
    hear(app, "m1", power_total=100)
    answer = visitor.get("/stream", buffered=False)
    assert answer.mimetype == "text/event-stream"
    chunks = iter(answer.response)
    first = data(chunks)
    assert first["meters"]["m1"]["power"] == 100
    assert first["meters"]["m2"]["state"] == "lost"
    assert first["broker_since"]
    hear(app, "m1", power_total=200)
    second = data(chunks)
    assert {slug: tile["power"] for slug, tile in second["meters"].items()} == {"m1": 200}
    answer.close()


def test_a_meters_page_gets_its_values(app: Flask, visitor: FlaskClient) -> None:
    """The stream of one meter has all its quantities, and nobody else's."""
    hear(app, "m1", power_total=100, voltage_l1=230)
    hear(app, "m2", power_total=100)
    app.extensions["mmetering"].live.apply(*info("m1"), datetime.now(UTC))
    answer = visitor.get("/stream?meter=m1", buffered=False)
    frame = data(iter(answer.response))
    assert frame["detail"]["values"]["voltage_l1"]["value"] == 230
    assert frame["detail"]["serial"] == "12345"
    assert "meters" not in frame
    answer.close()


def test_a_meters_page_gets_only_what_changes(app: Flask, visitor: FlaskClient) -> None:
    """After the whole comes what a new reading has brought, and nothing of the groups that are read less often."""
    live, now = app.extensions["mmetering"].live, datetime.now(UTC)
    live.apply(*reading("m1", now, "quality", current_neutral=1.5), now)
    hear(app, "m1", voltage_l1=230)
    answer = visitor.get("/stream?meter=m1", buffered=False)
    chunks = iter(answer.response)
    assert set(data(chunks)["detail"]["values"]) == {"voltage_l1", "current_neutral"}
    hear(app, "m1", voltage_l1=231)
    assert set(data(chunks)["detail"]["values"]) == {"voltage_l1"}
    answer.close()


def test_the_streams_are_bounded(app: Flask, visitor: FlaskClient) -> None:
    """One too many is refused, and who leaves makes room; asking without reading takes none."""
    app.extensions["mmetering_streams"] = Streams(2)
    open_pages = [visitor.get("/stream", buffered=False) for _ in range(2)]
    assert visitor.get("/stream").status_code == 503
    open_pages.pop().close()
    assert visitor.head("/stream").status_code == 200
    again = visitor.get("/stream", buffered=False)
    assert again.status_code == 200
    for page in (*open_pages, again):
        page.close()


def test_a_quiet_stream_still_beats(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comment now and then shows us who has left."""
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.05)
    chunks = events(lambda: Frame(1, None, None, ""), Streams(1))
    assert [next(chunks).split(b":")[0] for _ in range(4)] == [b"retry", b"data", b"", b""]


def test_a_stream_ends_when_the_server_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """A restart waits for nobody, and nobody streams for ever without showing who he is."""
    streams = Streams(1)
    chunks = events(lambda: Frame(1, None, None, ""), streams)
    assert next(chunks)
    streams.stopping = True
    assert list(chunks) == []
    monkeypatch.setattr(stream, "LONGEST_S", 0)
    assert len(list(events(lambda: Frame(1, None, None, ""), Streams(1)))) == 1
