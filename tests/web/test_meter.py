"""The page of a meter."""

from datetime import UTC, datetime

from flask import Flask
from flask.testing import FlaskClient
from mmetering_contract.quantity import QUANTITIES
from mmetering_web.chart import midnight, today
from web.stage import SITE, ZONE, add_meter, add_past, info, reading


def test_every_quantity_has_its_place(app: Flask, visitor: FlaskClient, database: str) -> None:
    """Whatever a meter measures is shown with its unit, and once."""
    add_meter(database, "m1", "flat")
    app.extensions["mmetering"].directory.refresh()
    text = visitor.get("/meters/m1").text
    for quantity in QUANTITIES:
        assert text.count(f'data-quantity="{quantity.name}" data-unit="{quantity.unit}"') == 1


def test_only_what_the_meter_has_is_shown(app: Flask, visitor: FlaskClient) -> None:
    """Sections, tables and rows of which nothing is known are hidden; the table that people look at stands always."""
    live, now = app.extensions["mmetering"].live, datetime.now(UTC)
    live.apply(*info("m1"), now)
    bare = visitor.get("/meters/m1").text
    assert bare.count("<details") == bare.count('<details class="card" hidden>') == 3
    assert bare.count('<table class="quantities">') == 1
    live.apply(*reading("m1", now, "quality", current_neutral=1.5), now)
    text = visitor.get("/meters/m1").text
    assert text.count('<details class="card" hidden>') == 2
    assert text.count('<table class="quantities">') == 2
    assert text.count("<tr hidden>") == bare.count("<tr hidden>") - 1


def test_the_counters_at_midnight_are_shown(app: Flask, visitor: FlaskClient, database: str) -> None:
    """Counter readings stand with the site's time and its offset."""
    add_meter(database, "m1", "flat")
    begin = midnight(today(ZONE, datetime.now(UTC)), ZONE)
    add_past(database, "m1", begin, [100])
    app.extensions["mmetering"].directory.refresh()
    text = visitor.get("/meters/m1").text
    assert "1,000.000" in text
    assert f"{begin.astimezone(ZONE).day} " in text
    assert ", 00:00 (UTC+0" in text


def test_a_meter_that_was_only_heard_has_a_page(app: Flask, visitor: FlaskClient) -> None:
    """What the broker tells is enough, before anything is stored."""
    live = app.extensions["mmetering"].live
    for topic, payload in (info("new"), reading("new", datetime.now(UTC), power_total=1)):
        live.apply(topic, payload, datetime.now(UTC))
    text = visitor.get("/meters/new").text
    assert "cellar" in text
    assert "12345" in text


def test_a_gateway_cannot_put_markup_into_the_page(app: Flask, visitor: FlaskClient) -> None:
    """What a gateway says of a meter is text."""
    payload = info("m1")[1].replace(b'"12345"', b'"<b>1</b>"')
    app.extensions["mmetering"].live.apply(SITE.meter_info("main", "m1"), payload, datetime.now(UTC))
    text = visitor.get("/meters/m1").text
    assert "<b>1</b>" not in text
    assert "&lt;b&gt;1&lt;/b&gt;" in text


def test_profile_and_days_come_as_columns(app: Flask, visitor: FlaskClient, database: str) -> None:
    """Both charts get their numbers."""
    add_meter(database, "m1", "flat")
    app.extensions["mmetering"].directory.refresh()
    profile = visitor.get("/api/meters/m1/profile?from=2026-10-25&to=2026-10-25").json
    days = visitor.get("/api/meters/m1/days?from=2026-10-24&to=2026-10-26").json
    assert profile
    assert days
    assert len(profile["t"]) == len(profile["power"]) == 100
    assert days["expected"] == [96, 100, 96]
