"""Who is there: logging in and out. Only the login itself needs the database.

A session is a signed cookie with the person in it. Once a minute the person is read again, so that one who is gone or
has a new password is logged out; while the database is away the signed copy counts.
"""

import hashlib
import math
import time
from dataclasses import asdict, dataclass, field

from flask import Blueprint, Flask, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from mmetering_runtime.log import Log

from mmetering_web.database import AwayError
from mmetering_web.house import house
from mmetering_web.password import hash_of, is_outdated, is_right
from mmetering_web.rows import Person, Role
from mmetering_web.throttle import Throttle

FRESH_S = 60.0  # a session that was checked so recently is not checked again

log = Log("web.account")
blueprint = Blueprint("account", __name__)


@dataclass(frozen=True)
class Visitor(UserMixin):
    """Somebody who is logged in, as the signed session holds him.

    Attributes:
        id: of the person.
        name: of the person.
        role: of the person.
        stamp: changes with the password.
        checked_at: when the database last confirmed all this, seconds since 1970.
    """

    id: int
    name: str
    role: Role
    stamp: str
    checked_at: float

    @property
    def is_administrator(self) -> bool:
        """Whether he may change things."""
        return self.role == "administrator"


@dataclass(frozen=True)
class Throttles:
    """Failures of one person from one address, and of one address."""

    person: Throttle = field(default_factory=lambda: Throttle(5))
    address: Throttle = field(default_factory=lambda: Throttle(20))


def init_app(app: Flask) -> None:
    """Let the app know its visitors."""
    manager = LoginManager(app)  # type: ignore[no-untyped-call]  # Flask-Login leaves it untyped
    manager.user_loader(visitor_of_session)  # type: ignore[no-untyped-call]  # likewise
    app.extensions["mmetering_throttles"] = Throttles()
    app.register_blueprint(blueprint)


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Ask for name and password."""
    problem, status, name = "", 200, request.form.get("name", "").strip()
    if request.method == "POST":
        try:
            problem, status = _try_login(name, request.form.get("password", ""))
        except AwayError:
            problem, status = "The database is away, and nobody can log in without it. Please try again later.", 503
    if visitor():
        return redirect(safe_target(request.args.get("next")))
    return render_template("account/login.html", name=name, problem=problem), status


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """End the session."""
    logout_user()  # type: ignore[no-untyped-call]  # Flask-Login leaves it untyped
    session.clear()
    return redirect(url_for("account.login"))


def visitor() -> Visitor | None:
    """Return who asks, None where nobody is logged in."""
    user: object = current_user._get_current_object()  # noqa: SLF001  # werkzeug's way to what is behind the proxy
    return user if isinstance(user, Visitor) else None


def visitor_of_session(_person_id: str) -> Visitor | None:
    """Return who the session belongs to, None where he is gone or has a new password."""
    try:
        known = Visitor(**session["visitor"])
    except (KeyError, TypeError):
        return None
    if 0 <= time.time() - known.checked_at < FRESH_S:
        return known
    try:
        person = house().store.person_by_id(known.id)
    except AwayError:
        return known
    if person is None or _stamp(person.password_hash) != known.stamp:
        return None
    return _remember(person)


def safe_target(target: str | None) -> str:
    """Return where to go after the login: a path of ours, else the dashboard."""
    home = url_for("dashboard.index")
    if not target or not target.startswith("/") or target[1:2] in ("/", "\\"):
        return home
    return target if target.isprintable() and "\\" not in target else home


def _try_login(name: str, password: str) -> tuple[str, int]:
    throttles = current_app.extensions["mmetering_throttles"]
    address, now = request.remote_addr, time.monotonic()
    wait = max(throttles.person.wait((name.lower(), address), now), throttles.address.wait(address, now))
    if wait:
        return f"Too many failed logins. Please wait {math.ceil(wait / 60)} min.", 429
    person = house().store.person_by_name(name)
    if not is_right(password, person.password_hash if person else None) or person is None:
        throttles.person.failed((name.lower(), address), now)
        throttles.address.failed(address, now)
        log.warning("login_failed", name=name, address=address)
        return "Name or password is wrong.", 401
    throttles.person.succeeded((name.lower(), address))
    _let_in(person, password)
    return "", 200


def _let_in(person: Person, password: str) -> None:
    store = house().store
    if is_outdated(person.password_hash):
        store.set_password(person.name, hash_of(password))
        person = store.person_by_name(person.name) or person
    session.clear()
    session.permanent = True
    login_user(_remember(person))  # type: ignore[no-untyped-call]  # Flask-Login leaves it untyped
    log.info("login", name=person.name, address=request.remote_addr)


def _remember(person: Person) -> Visitor:
    found = Visitor(person.id, person.name, person.role, _stamp(person.password_hash), time.time())
    session["visitor"] = asdict(found)
    return found


def _stamp(password_hash: str) -> str:
    return hashlib.sha256(password_hash.encode()).hexdigest()[:16]
