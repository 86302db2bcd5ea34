"""The dashboard: the building now, a live tile per meter, and the load profile."""

from datetime import UTC, datetime

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue

from mmetering_web.api import passed_through
from mmetering_web.chart import period_of
from mmetering_web.house import house

RANGES = {"1": "Today", "7": "7 days", "60": "60 days"}  # local days, today included
USUAL_RANGE = "7"

blueprint = Blueprint("dashboard", __name__)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Show the building; the live values come over the stream."""
    parts = house()
    return render_template(
        "dashboard/index.html", groups=parts.groups(), frame=parts.dashboard(), ranges=RANGES, days=chosen_range()
    )


@blueprint.get("/tiles")
def tiles() -> ResponseReturnValue:
    """Return the tiles alone: an open page asks for them when meters come or go."""
    return render_template("dashboard/_tiles.html", groups=house().groups())


@blueprint.get("/api/building/profile")
def profile() -> Response:
    """Return consumption and production per quarter hour as columns of JSON; the period comes as in `period_of`."""
    parts = house()
    return passed_through(parts.store.building_profile(period_of(request.args, parts.config.time_zone, _now())))


def chosen_range() -> str:
    """Return the range that the address asks for, or the usual one."""
    wanted = request.args.get("days", USUAL_RANGE)
    return wanted if wanted in RANGES else USUAL_RANGE


def _now() -> datetime:
    return datetime.now(UTC)
