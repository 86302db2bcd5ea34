"""Whether this process works, for the container's health check: open to all, and tells nothing of the house."""

from flask import Blueprint, Response

from mmetering_web.house import house

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """Return 200 while our own threads live; a broker or database that is away is not our illness."""
    parts = house()
    alive = parts.feed.is_alive and parts.directory.is_alive
    return Response("ok\n" if alive else "a thread has died\n", 200 if alive else 503, mimetype="text/plain")
