"""Pleasant pages for what goes wrong; programs get the same words as JSON."""

from flask import Flask, Response, make_response, render_template
from flask_wtf.csrf import CSRFError
from mmetering_runtime.log import Log
from werkzeug.exceptions import HTTPException

from mmetering_web.api import is_for_program, problem
from mmetering_web.chart import PeriodError
from mmetering_web.database import AwayError

HEADINGS = {
    400: "That request was not right",
    403: "Not for you",
    404: "Nothing here",
    405: "Not like this",
    503: "Not now",
}
TEXTS = {
    404: "There is no page at this address.",
    403: "You may not see this page.",
    405: "This address cannot be asked in this way.",
}
BROKEN = "Something broke on our side. It has been written down; please try again."

log = Log("web.errors")


def init_app(app: Flask) -> None:
    """Let the app answer errors."""
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(CSRFError, _forged)
    app.register_error_handler(PeriodError, _period)
    app.register_error_handler(AwayError, _away)
    app.register_error_handler(Exception, _broken)


def answer(status: int, text: str) -> Response:
    """Return an error's page, or its JSON."""
    if is_for_program():
        return problem(text, status)
    heading = HEADINGS.get(status, "That did not work")
    return make_response(render_template("error.html", status=status, heading=heading, text=text), status)


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    own_words = error.description != type(error).description and error.description
    return answer(status, own_words or TEXTS.get(status, error.description or error.name))


def _forged(_error: CSRFError) -> Response:
    return answer(
        400, "This form is too old, or cookies are switched off. Please go back, reload the page and try again."
    )


def _period(error: PeriodError) -> Response:
    return problem(str(error), 400)


def _away(_error: AwayError) -> Response:
    return answer(503, "The database is away, so there is no history now. Live values go on, on the dashboard.")


def _broken(_error: Exception) -> Response:
    log.error("request_failed", trace=True)
    return answer(500, BROKEN)
