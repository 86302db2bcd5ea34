"""The administrator's page of points: which meter hangs where, and which of its counters counts."""

from collections.abc import Callable

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from mmetering_contract.label import Counter, PointKind
from mmetering_runtime.log import Log

from mmetering_web.account import visitor
from mmetering_web.database import ConflictError
from mmetering_web.house import house

KINDS: dict[PointKind, str] = {
    "flat": "Flat",
    "common": "Common supply",
    "producer": "Producer",
    "grid": "Grid",
    "storage": "Storage",
}
COUNTERS: dict[Counter, str] = {"import": "Import: what flows in", "export": "Export: what flows out"}

LONGEST_NAME = 100

log = Log("web.points")
blueprint = Blueprint("points", __name__, url_prefix="/points")


@blueprint.before_request
def only_administrators() -> None:
    """Keep everybody else out."""
    somebody = visitor()
    if not somebody or not somebody.is_administrator:
        abort(403, description="Only administrators may change the points.")


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Show every meter with its point, and the points that have no meter."""
    parts = house()
    parts.directory.refresh()
    empty = [point for point in parts.store.points() if not point.meter]
    unknown = sorted(set(parts.live.meters()) - set(parts.directory.entries))
    return render_template(
        "points/index.html",
        entries=parts.directory.entries.values(),
        empty=empty,
        unknown=unknown,
        kinds=KINDS,
        counters=COUNTERS,
    )


@blueprint.post("/<slug>")
def assign(slug: str) -> ResponseReturnValue:
    """Put a meter onto a point."""
    name = " ".join(request.form.get("name", "").split())
    kind, counter = request.form.get("kind"), request.form.get("counter")
    if not 1 <= len(name) <= LONGEST_NAME:
        return _back(f"A point needs a name of 1 to {LONGEST_NAME} characters.")
    if kind not in KINDS or counter not in COUNTERS:
        return _back("Please choose a kind and a counter.")
    return _change(slug, f"{slug} now measures {name}.", lambda: house().store.assign(slug, name, kind, counter))


@blueprint.post("/<slug>/take-off")
def take_off(slug: str) -> ResponseReturnValue:
    """Take a meter off its point."""
    return _change(slug, f"{slug} has no point now.", lambda: house().store.take_off(slug))


def _change(slug: str, done: str, change: Callable[[], None]) -> ResponseReturnValue:
    try:
        change()
    except ConflictError as error:
        return _back(f"{str(error)[0].upper()}{str(error)[1:]}.")
    log.info("points_changed", meter=slug)
    house().directory.refresh()
    return _back(done, "done")


def _back(text: str, category: str = "problem") -> ResponseReturnValue:
    flash(text, category)
    return redirect(url_for("points.index"))
