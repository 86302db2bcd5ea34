"""The page of one meter: all its quantities live, its power and energy over time, its counters."""

from collections.abc import Sequence
from datetime import UTC, datetime

from flask import Blueprint, Response, abort, render_template, request
from flask.typing import ResponseReturnValue
from mmetering_contract.errors import TopicError
from mmetering_contract.topic import check_slug

from mmetering_web.api import passed_through
from mmetering_web.chart import days_of, period_of, reading_instants
from mmetering_web.dashboard import RANGES, chosen_range
from mmetering_web.database import AwayError
from mmetering_web.house import House, house
from mmetering_web.rows import CounterReading
from mmetering_web.tables import NOW, SECTIONS

blueprint = Blueprint("meter", __name__)


@blueprint.get("/meters/<slug>")
def index(slug: str) -> ResponseReturnValue:
    """Show one meter; the live values come over the stream."""
    parts, now = house(), datetime.now(UTC)
    _check_known(parts, slug)
    counters, frame = _counters(parts, slug, now), parts.meter(slug)
    return render_template(
        "meter/index.html",
        slug=slug,
        entry=parts.directory.entries.get(slug),
        label=parts.directory.labels.get(slug),
        frame=frame,
        known=frame.detail.values if frame.detail else {},
        now=NOW,
        sections=SECTIONS,
        counters=counters,
        ranges=RANGES,
        days=chosen_range(),
    )


@blueprint.get("/api/meters/<slug>/profile")
def profile(slug: str) -> Response:
    """Return energy and power per quarter hour as columns of JSON; the period comes as in `period_of`."""
    parts = house()
    _check_known(parts, slug)
    period = period_of(request.args, parts.config.time_zone, datetime.now(UTC))
    return passed_through(parts.store.meter_profile(slug, period))


@blueprint.get("/api/meters/<slug>/days")
def days(slug: str) -> Response:
    """Return energy per local day as columns of JSON; the period comes as in `period_of`."""
    parts = house()
    _check_known(parts, slug)
    zone = parts.config.time_zone
    period = period_of(request.args, zone, datetime.now(UTC))
    return passed_through(parts.store.meter_days(slug, days_of(period, zone)))


def _check_known(parts: House, slug: str) -> None:
    try:
        check_slug(slug)
    except TopicError:
        abort(404)
    if slug not in parts.directory.entries and slug not in parts.live.meters():
        abort(404, description="There is no meter of this name.")


def _counters(parts: House, slug: str, now: datetime) -> Sequence[tuple[str, CounterReading]] | None:
    names = reading_instants(parts.config.time_zone, now)
    try:
        found = {reading.wanted: reading for reading in parts.store.counters_at(slug, [at for _, at in names])}
    except AwayError:
        return None
    return [(name, found[at]) for name, at in names if at in found]
