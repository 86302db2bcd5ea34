"""The dashboard's addresses."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from web.stage import QUARTER, add_meter, add_past


def test_the_tiles_stand_under_their_headings(app: Flask, visitor: FlaskClient, database: str) -> None:
    """Points by name, meters without a point by slug, with a link to each."""
    add_meter(database, "m1", "flat")
    add_meter(database, "m2")
    app.extensions["mmetering"].directory.refresh()
    for path in ("/", "/tiles"):
        text = visitor.get(path).text
        assert text.index("Flats") < text.index(">M1<") < text.index("Unassigned meters") < text.index(">m2<")
        assert 'href="/meters/m1"' in text


def test_names_are_escaped(app: Flask, visitor: FlaskClient, database: str) -> None:
    """A point's name is text, whatever it holds."""
    add_meter(database, "m1")
    parts = app.extensions["mmetering"]
    parts.store.assign("m1", "<script>alert(1)</script>", "flat", "import")
    parts.directory.refresh()
    text = visitor.get("/").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text


def test_the_profile_comes_as_columns(visitor: FlaskClient, database: str) -> None:
    """The database's JSON is passed through."""
    add_meter(database, "m1", "flat")
    begin = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    add_past(database, "m1", begin, [100, 200])
    answer = visitor.get(
        "/api/building/profile", query_string={"from": begin.isoformat(), "to": (begin + 2 * QUARTER).isoformat()}
    )
    assert answer.mimetype == "application/json"
    assert answer.json == {
        "t": [round(begin.timestamp()), round(begin.timestamp()) + 900],
        "consumption": [100, 200],
        "production": [None, None],
        "missing": [0, 0],
    }


@pytest.mark.parametrize("query", ["", "days=x", "from=2026-11-01", "from=2026-11-02&to=2026-10-01"])
def test_a_wrong_period_is_answered_in_words(visitor: FlaskClient, query: str) -> None:
    """The answer is 400 and says what to do."""
    answer = visitor.get(f"/api/building/profile?{query}")
    assert answer.status_code == 400
    assert answer.json
    assert len(answer.json["error"]) > 10


@pytest.mark.parametrize(("query", "chosen"), [("", "7"), ("?days=1", "1"), ("?days=60", "60"), ("?days=61", "7")])
def test_the_range_stands_in_the_address(visitor: FlaskClient, query: str, chosen: str) -> None:
    """A reload shows the same range again."""
    marked = visitor.get(f"/{query}").text.split('aria-current="true"')
    assert len(marked) == 2
    assert f'data-days="{chosen}"' in marked[0].rsplit("<a", 1)[1]
