"""Live values over server-sent events: at once the whole, then at most once a second what has changed.

Each stream holds a thread of the server, so there is a bound. A stream ends after a while, and the browser comes
again by itself: so it notices when somebody may no longer look.
"""

import threading
import time
from collections.abc import Callable, Iterator

from flask import Blueprint, Response, current_app, request
from mmetering_contract.payload import encode

from mmetering_web.frame import Frame, changes
from mmetering_web.house import house

PACE_S = 1.0
HEARTBEAT_S = 10.0  # a comment, so that we notice who has left, and proxies keep the line open
LONGEST_S = 900.0

blueprint = Blueprint("stream", __name__)


class Streams:
    """How many streams may run, and whether they still may."""

    def __init__(self, limit: int) -> None:
        """Allow so many at once."""
        self.slots = threading.BoundedSemaphore(limit)
        self.stopping = False
        self.ended: Callable[[], bool] = lambda: self.stopping  # the server asks its worker instead


@blueprint.get("/stream")
def stream() -> Response:
    """Send the dashboard, or with `meter` one meter, for as long as the page is open."""
    streams, parts, slug = _streams(), house(), request.args.get("meter")
    if request.method == "HEAD":  # a page asks whether it may come again; nobody would read, nor close, a stream
        return Response(mimetype="text/event-stream")
    if not streams.slots.acquire(blocking=False):
        return Response("Too many pages are open.", 503, {"Retry-After": "10"}, mimetype="text/plain")
    frames = events(lambda: parts.meter(slug) if slug else parts.dashboard(), streams)
    response = Response(frames, mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Accel-Buffering"] = "no"  # nginx would wait for more
    response.call_on_close(streams.slots.release)
    return response


def events(frame: Callable[[], Frame], streams: Streams) -> Iterator[bytes]:
    """Yield events until all streams end, or until this one has lived long enough."""
    begun = sent = time.monotonic()
    before: Frame | None = None
    yield b"retry: 2000\n\n"
    while not streams.ended() and time.monotonic() - begun < LONGEST_S:
        after = frame()
        change = changes(before, after)
        before = after
        if change:
            sent = time.monotonic()
            yield b"data: " + encode(change) + b"\n\n"
        elif time.monotonic() - sent > HEARTBEAT_S:
            sent = time.monotonic()
            yield b": still here\n\n"
        time.sleep(PACE_S)


def _streams() -> Streams:
    found = current_app.extensions["mmetering_streams"]
    assert isinstance(found, Streams)
    return found
