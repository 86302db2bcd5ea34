"""The web under test: its settings, people, meters with a past in the database, and messages of a gateway."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPConnection
from zoneinfo import ZoneInfo

import psycopg
from fix_broker import Broker as BrokerServer
from fix_postgres import as_login
from flask import Flask
from flask.testing import FlaskClient
from free_port import free_port
from mmetering_contract.payload import encode
from mmetering_contract.reading import LiveReading
from mmetering_contract.state import MeterInfo
from mmetering_contract.topic import Site
from mmetering_runtime.config import Broker
from mmetering_web.app import create_app, stop_app
from mmetering_web.config import Config
from mmetering_web.password import hash_of
from playwright.sync_api import Page, expect
from wait import wait_for

SITE = Site("home")
ZONE = ZoneInfo("Europe/Berlin")
PASSWORD = "correct horse"
HASH = hash_of(PASSWORD)
SECRET = "0123456789abcdef0123456789abcdef"
QUARTER = timedelta(minutes=15)

Message = tuple[str, bytes]

expect.set_options(timeout=60_000)


def config(database: str, broker: BrokerServer | None = None) -> Config:
    """Return settings; without a broker they name a port where none listens."""
    port, password = (broker.port, broker.password("web")) if broker else (free_port(), "none")
    return Config(Broker(SITE, "127.0.0.1", port, "web", password), as_login(database, "web"), SECRET, time_zone=ZONE)


@contextmanager
def running(database: str, broker: BrokerServer | None = None) -> Iterator[Flask]:
    """Run the app in this process."""
    app = create_app(config(database, broker))
    try:
        yield app
    finally:
        stop_app(app)


def environment(database: str) -> dict[str, str]:
    """Return the variables of a web process, but for the broker's."""
    return {
        "MMETERING_DATABASE": as_login(database, "web"),
        "MMETERING_WEB_SECRET_KEY": SECRET,
        "MMETERING_WEB_PORT": str(free_port()),
        "MMETERING_TIME_ZONE": ZONE.key,
    }


def log_in(client: FlaskClient, name: str, password: str = PASSWORD, target: str = "/login") -> int:
    """Log in through the form and return the answer's status."""
    form = {"name": name, "password": password, "csrf_token": token(client)}
    return client.post(target, data=form).status_code


def log_in_at(page: Page, address: str) -> None:
    """Open a page of a running web in a browser, and let maria log in on the way."""
    page.goto(address)
    page.get_by_label("Name").fill("maria")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def wait_until_ready(variables: Mapping[str, str]) -> str:
    """Return the address of a web process once it answers."""
    port = int(variables["MMETERING_WEB_PORT"])

    def answers() -> bool:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == HTTPStatus.OK
        except ConnectionError:
            return False
        finally:
            connection.close()

    wait_for(answers, timeout=60)
    return f"http://127.0.0.1:{port}"


def token(client: FlaskClient, path: str = "/login") -> str:
    """Return the token of a page's forms."""
    return client.get(path).text.split('name="csrf_token" value="')[1].split('"')[0]


def execute(database: str, query: str, *parameters: object) -> list[tuple[object, ...]]:
    """Run a query and return its rows."""
    with psycopg.connect(database, autocommit=True) as connection:
        cursor = connection.execute(query, parameters)
        return cursor.fetchall() if cursor.description else []


def add_people(database: str) -> None:
    """Add the administrator maria and the viewer tom."""
    for name, role in (("maria", "administrator"), ("tom", "viewer")):
        execute(database, "INSERT INTO person (name, password_hash, role) VALUES (%s, %s, %s)", name, HASH, role)


def add_meter(database: str, slug: str, kind: str | None = None, counter: str = "import") -> None:
    """Add a meter; with a kind, on a point that is named like it in capitals."""
    execute(database, "INSERT INTO meter (slug, model, serial, gateway) VALUES (%s, 'sdm630', '12345', 'main')", slug)
    if kind:
        execute(
            database,
            """WITH new AS (INSERT INTO point (name, kind) VALUES (%s, %s) RETURNING id)
            INSERT INTO installation (point_id, meter_id, counter, from_ts)
            SELECT new.id, meter.id, %s, '2000-01-01Z' FROM new, meter WHERE slug = %s""",
            slug.upper(), kind, counter, slug,
        )  # fmt: skip


def add_past(
    database: str, slug: str, begin: datetime, energies: Sequence[int | None], counter: str = "import"
) -> None:
    """Store quarter hours of these energies (Wh) from `begin` on, and the reading at their end.

    A None is a quarter hour without any reading, so that its energy and that of the one before it are not known.
    """
    value, other = 1_000_000, "export" if counter == "import" else "import"
    query = f"""
        INSERT INTO quarter_hour
            (meter_id, bucket, readings, suspect, power_total, energy_{counter}, energy_{other})
        SELECT id, %(at)s, 15, 0, ROW(%(power)s, %(power)s - 10, %(power)s + 10)::gauge_span,
            ROW(%(first)s, %(at)s, %(first)s, %(at)s, %(first)s, %(first)s)::counter_span,
            ROW(0, %(at)s, 0, %(at)s, 0, 0)::counter_span
        FROM meter WHERE slug = %(slug)s"""
    with psycopg.connect(database) as connection:
        for number, energy in enumerate([*energies, 0]):
            parameters = {"at": begin + number * QUARTER, "power": (energy or 0) * 4, "first": value, "slug": slug}
            if energy is not None:
                connection.execute(query, parameters)
                value += energy


def reading(slug: str, at: datetime, group: str = "live", **values: float) -> Message:
    """Return a reading on its topic."""
    payload = LiveReading(
        meter=slug, ts=at, seq=1, group=group, values=values, span_ms=90, quality="good", epoch="abcdef01"
    )
    return SITE.live("main", slug, group), encode(payload)


def info(slug: str, since: datetime | None = None, reason: str = "") -> Message:
    """Return what a gateway says of a meter, on its topic."""
    what = MeterInfo("sdm630", "cellar", 3, since or datetime.now(UTC), reason, serial="12345")
    return SITE.meter_info("main", slug), encode(what)


def status(slug: str, *, online: bool) -> Message:
    """Return a meter's status on its topic."""
    return SITE.meter_status("main", slug), b"online" if online else b"offline"
