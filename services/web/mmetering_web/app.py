"""Puts the web together. Everything but the login, the health check and static files wants a visitor who is known."""

import hashlib
from datetime import timedelta
from pathlib import Path

from flask import Flask, redirect, request, url_for
from flask.sessions import SecureCookieSessionInterface
from flask.typing import ResponseReturnValue
from flask_wtf import CSRFProtect
from werkzeug.middleware.proxy_fix import ProxyFix

from mmetering_web import account, dashboard, errors, filters, headers, health, meter, points, stream
from mmetering_web.api import is_for_program, problem
from mmetering_web.config import Config
from mmetering_web.house import House

STATIC = Path(__file__).parent / "static"
OPEN = frozenset({"account.login", "health.healthz", "static"})
SESSION_DAYS = 30
LARGEST_REQUEST = 64 * 1024  # bytes; our forms have a few lines


class SessionInterface(SecureCookieSessionInterface):
    """Sessions whose cookie is Secure whenever the request came over TLS."""

    def get_cookie_secure(self, app: Flask) -> bool:  # noqa: ARG002  # Flask's signature
        """Whether browsers may send the cookie over TLS only."""
        return request.is_secure


def create_app(config: Config) -> Flask:
    """Return the app, its threads running; `stop_app` ends them."""
    # The digest in the path lets browsers keep static files for ever, and the modules' relative imports with them.
    app = Flask(__name__, static_url_path=f"/static/{_digest(STATIC)}")
    app.config.update(
        SECRET_KEY=config.secret_key,
        SESSION_COOKIE_NAME="mmetering",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(days=SESSION_DAYS),
        SEND_FILE_MAX_AGE_DEFAULT=timedelta(days=365),
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        WTF_CSRF_TIME_LIMIT=None,  # a form is good for as long as its session
    )
    app.session_interface = SessionInterface()
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    if config.proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, *[config.proxies] * 3)  # type: ignore[method-assign]  # as its manual says
    CSRFProtect(app)  # type: ignore[no-untyped-call]  # Flask-WTF leaves it untyped
    app.before_request(_only_visitors)
    account.init_app(app)
    errors.init_app(app)
    headers.init_app(app)
    filters.init_app(app, config.time_zone)
    for area in (dashboard, meter, points, stream, health):
        app.register_blueprint(area.blueprint)
    app.context_processor(
        lambda: {"visitor": account.visitor(), "site": config.broker.site.slug, "time_zone": config.time_zone.key}
    )
    app.extensions["mmetering_streams"] = stream.Streams(config.streams)
    app.extensions["mmetering"] = parts = House.of(config)
    parts.start()
    return app


def stop_app(app: Flask) -> None:
    """End the streams and the threads of an app."""
    app.extensions["mmetering_streams"].stopping = True
    app.extensions["mmetering"].stop()


def _only_visitors() -> ResponseReturnValue | None:
    if request.endpoint is None or request.endpoint in OPEN or account.visitor():
        return None
    if is_for_program():
        return problem("log in first", 401)
    wanted = request.full_path.rstrip("?") if request.method == "GET" and request.path != "/" else None
    return redirect(url_for("account.login", next=wanted))


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]
