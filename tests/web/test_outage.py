"""What the pages show while the broker or the database is away."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fix_broker import Broker
from fix_postgres import PostgresServer
from mqtt_client import Client
from playwright.sync_api import Page, expect
from service import Service, mqtt_environment
from web.stage import PASSWORD, add_meter, add_past, add_people, environment, log_in_at, reading, wait_until_ready


@pytest.fixture
def address(crashing_postgres: PostgresServer, broker: Broker, page: Page, tmp_path: Path) -> Iterator[str]:
    """Give the address of a running web with one meter, at whose dashboard maria looks."""
    database = crashing_postgres.conninfo()
    add_people(database)
    add_meter(database, "m1", "flat")
    begin = (datetime.now(UTC) - timedelta(hours=5)).replace(minute=0, second=0, microsecond=0)
    add_past(database, "m1", begin, [100] * 16)
    variables = environment(database) | mqtt_environment(broker, "web")
    with Service("mmetering-web serve", variables, tmp_path):
        address = wait_until_ready(variables)
        log_in_at(page, address)
        expect(page.locator("canvas")).to_be_visible()
        yield address
        page.goto("about:blank")


def publish(broker: Broker, power: float) -> None:
    """Publish a reading of the meter."""
    gateway = Client(broker, "main")
    topic, payload = reading("m1", datetime.now(UTC), power_total=power)
    gateway.publish(topic, payload, retain=True)
    gateway.close()


def test_live_values_go_on_without_the_database(
    page: Page, page_errors: list[str], address: str, broker: Broker, crashing_postgres: PostgresServer
) -> None:
    """The session, the names and the tiles stay; the history is missing, which is said, and comes back by itself."""
    crashing_postgres.kill()
    banner = page.locator('[data-banner="database"]')
    expect(banner).to_contain_text("History is missing since")
    page.reload()
    publish(broker, 321)
    expect(page.locator('[data-meter="m1"] .figure')).to_have_text("321W")
    expect(page.locator('[data-meter="m1"] .tile-name')).to_have_text("M1")
    expect(page.locator("#profile .chart")).to_contain_text("the database is away")
    page.goto(f"{address}/meters/m1")
    expect(page.locator("#meter .figure")).to_have_text("321W")
    answer = page.goto(f"{address}/points/")
    assert answer
    assert answer.status == 503
    expect(page.get_by_role("heading")).to_have_text("Not now")
    page.goto(address)
    expect(banner).to_be_visible()
    crashing_postgres.start()
    expect(banner).to_be_hidden()
    expect(page.locator("canvas")).to_be_visible()
    assert all("503" in error for error in page_errors)
    page_errors.clear()


def test_nobody_can_log_in_without_the_database_and_is_told_so(
    page: Page, page_errors: list[str], address: str, crashing_postgres: PostgresServer
) -> None:
    """The login says what is wrong instead of blaming the password."""
    page.get_by_role("button", name="Log out").click()
    crashing_postgres.kill()
    page.goto(f"{address}/login")
    page.get_by_label("Name").fill("maria")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("The database is away")
    page_errors.clear()


def test_history_stays_without_the_broker(page: Page, address: str, broker: Broker) -> None:
    """The chart is there; the tiles show their last values as old ones, until the broker is back."""
    publish(broker, 321)
    tile = page.locator('[data-meter="m1"]')
    expect(tile).to_have_attribute("data-state", "online")
    broker.kill()
    banner = page.locator('[data-banner="broker"]')
    expect(banner).to_contain_text("Live values are missing since")
    expect(tile).to_have_attribute("data-state", "lost")
    expect(tile).to_contain_text("last value")
    page.goto(f"{address}/?days=60")
    expect(page.locator("canvas")).to_be_visible()
    broker.start()
    expect(banner).to_be_hidden()
    publish(broker, 123)
    expect(tile.locator(".figure")).to_have_text("123W")
