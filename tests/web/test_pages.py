"""The pages in a real browser, fed by a real broker and a real database."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fix_broker import Broker
from mmetering_contract.incident import Incident
from mmetering_contract.payload import encode
from mmetering_contract.quantity import QUANTITIES, Group
from mqtt_client import Client
from msgspec.structs import replace
from playwright.sync_api import Page, ViewportSize, expect
from service import Service, mqtt_environment
from web.stage import (
    SITE,
    Message,
    add_meter,
    add_past,
    add_people,
    environment,
    info,
    log_in_at,
    reading,
    status,
    wait_until_ready,
)

PHONE: ViewportSize = {"width": 360, "height": 740}


@dataclass
class House:
    """A running web with two meters: `m1` on the point M1, and `pv` on the producer PV; both have a past."""

    address: str
    gateway: Client

    def says(self, *messages: Message) -> None:
        """Publish as a gateway does."""
        for topic, payload in messages:
            self.gateway.publish(topic, payload, retain=True)


@pytest.fixture
def house(database: str, broker: Broker, page: Page, tmp_path: Path) -> Iterator[House]:
    """Give a running web."""
    add_people(database)
    begin = (datetime.now(UTC) - timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
    for slug, kind, counter in (("m1", "flat", "import"), ("pv", "producer", "export")):
        add_meter(database, slug, kind, counter)
        add_past(database, slug, begin, [100, 250, 400, 300, 200] * 50, counter)
    variables = environment(database) | mqtt_environment(broker, "web")
    with Service("mmetering-web serve", variables, tmp_path) as web:
        address = wait_until_ready(variables)
        gateway = Client(broker, "main")
        yield House(address, gateway)
        page.goto("about:blank")
        gateway.close()
        assert web.stop() == 0
        assert "Traceback" not in web.log


def enter(page: Page, house: House, path: str = "/") -> None:
    """Open a page and log in on the way."""
    log_in_at(page, house.address + path)


def test_a_tile_moves_with_its_meter(page: Page, house: House) -> None:
    """A value is seen soon after it was published, with its age, and the building's sums follow."""
    enter(page, house)
    tile = page.locator('[data-meter="m1"]')
    for age_s, power, shown in ((60, 412.4, "412"), (0, 1530.0, "1.53")):
        then = datetime.now(UTC) - timedelta(seconds=age_s)
        house.says(reading("m1", then, power_total=power), reading("pv", then, power_total=-250.0))
        expect(tile.locator('[data-field="power"]')).to_have_text(shown)
        expect(tile.locator('[data-field="age"]')).to_have_text(re.compile(r"^\d+ (s|min) ago$"))
    expect(tile).to_have_attribute("data-state", "online")
    expect(page.locator('[data-flow="consumption"] .figure')).to_have_text("1.53kW")
    expect(page.locator('[data-flow="production"] .figure')).to_have_text("250W")
    expect(page.locator('[data-flow="grid"]')).to_contain_text("From the grid")
    expect(page.locator('[data-flow="grid"] .figure')).to_have_text("1.28kW")
    expect(page.locator(".cover")).to_contain_text("covers 16 %")


def test_an_old_value_never_looks_live(page: Page, house: House) -> None:
    """A value turns late by itself; a meter that is offline says why, and is in no sum."""
    old = datetime.now(UTC) - timedelta(minutes=5)
    house.says(reading("m1", old, power_total=100), reading("pv", old, power_total=-1), info("pv", old, "no answer"))
    house.says(status("pv", online=False))
    enter(page, house)
    late, offline = page.locator('[data-meter="m1"]'), page.locator('[data-meter="pv"]')
    expect(late).to_have_attribute("data-state", "late")
    expect(late).to_contain_text("5 min ago")
    expect(offline).to_have_attribute("data-state", "offline")
    expect(offline).to_contain_text("offline: no answer, last value 5 min ago")
    expect(page.locator('[data-flow="consumption"]')).to_contain_text("no live value")


@pytest.mark.parametrize("path", ["/", "/meters/m1"])
def test_what_the_alerter_says_of_ingest_and_clocks_is_a_banner(
    page: Page, house: House, broker: Broker, path: str
) -> None:
    """A late history and a wrong clock are said on every page of values, with since when, until they are over."""
    alerter, now = Client(broker, "alerter"), datetime.now(UTC)
    late, clock = page.locator('[data-banner="late"]'), page.locator('[data-banner="clock"]')
    lasting = [
        Incident("a", 1, "ingest", now),
        Incident("b", 1, "clock", now, "main", clock_offset_s=42.4),
        Incident("c", 1, "clock", now, "attic", clock_offset_s=-3700.0),
    ]
    enter(page, house, path)
    expect(page.locator(".banners")).to_be_hidden()
    for incident in lasting:
        alerter.publish(SITE.alert(incident.id), encode(incident), retain=True)
    expect(late).to_contain_text(re.compile(r"History is late since \d\d:\d\d:\d\d: no reading is stored"))
    expect(clock).to_contain_text(
        re.compile(r"since \d\d:\d\d:\d\d: gateway main is 42 s ahead, attic is 1 h behind\.")
    )
    for incident in lasting:
        alerter.publish(SITE.alert(incident.id), encode(replace(incident, revision=2, resolved=now)), retain=True)
    expect(page.locator(".banners")).to_be_hidden()
    alerter.close()


def test_a_new_meter_appears_by_itself(page: Page, house: House) -> None:
    """An open dashboard shows a meter as soon as it is heard of."""
    enter(page, house)
    expect(page.locator('[data-meter="pv"]')).to_be_visible()
    house.says(reading("attic", datetime.now(UTC), power_total=77))
    expect(page.locator('[data-meter="attic"] .figure')).to_have_text("77W")
    expect(page.get_by_role("heading", name="Unassigned meters")).to_be_visible()


def test_the_load_profile_is_drawn_and_survives_a_reload(page: Page, house: House) -> None:
    """The chart stands on the database's numbers, tells them under the cursor, and keeps its range."""
    enter(page, house)
    chart = page.locator("#profile .chart")
    expect(chart.locator("canvas")).to_be_visible()
    expect(page.locator("#profile .legend")).to_contain_text("Consumption")
    page.get_by_role("link", name="60 days").click()
    expect(page).to_have_url(re.compile(r"days=60$"))
    page.reload()
    expect(page.get_by_role("link", name="60 days")).to_have_attribute("aria-current", "true")
    expect(chart.locator("canvas")).to_be_visible()
    chart.focus()
    page.keyboard.press("End")
    expect(chart.locator(".tooltip")).to_contain_text("kW")
    expect(chart).to_have_attribute("aria-label", re.compile("Consumption .* kWh"))


def test_a_meters_page_is_live_and_has_its_charts(page: Page, house: House) -> None:
    """Quantities arrive with their ages, counters in kWh; power and energy are drawn."""
    now = datetime.now(UTC)
    house.says(reading("m1", now, power_total=500, voltage_l1=230.12), info("m1", now))
    house.says(reading("m1", now, "energy", energy_import=1_234_567))
    enter(page, house, "/meters/m1")
    expect(page.locator('[data-quantity="voltage_l1"]')).to_have_text("230.1")
    expect(page.locator('[data-quantity="energy_import"]')).to_have_text("1,234.57")
    expect(page.locator('[data-quantity="voltage_l2"]')).to_have_text("\N{EN DASH}")
    expect(page.locator("#meter .figure")).to_have_text("500W")
    expect(page.locator(".facts")).to_contain_text("cellar")
    expect(page.locator("canvas")).to_have_count(3)


def test_what_a_meter_turns_out_to_have_is_folded_below(page: Page, house: House) -> None:
    """Quality appears, folded, once it is read; a value keeps standing while other groups bring theirs."""
    now = datetime.now(UTC)
    house.says(reading("m1", now, power_total=500))
    enter(page, house, "/meters/m1")
    expect(page.locator("#meter .figure")).to_have_text("500W")
    expect(page.locator("summary:visible")).to_have_count(0)
    house.says(reading("m1", now, "quality", power_factor_l1=0.957, current_neutral=1.5))
    expect(page.locator("summary:visible")).to_have_text(re.compile("Power quality"))
    cell = page.locator('[data-quantity="power_factor_l1"]')
    expect(cell).to_be_hidden()
    page.locator("summary:visible").click()
    expect(cell).to_be_visible()
    expect(cell).to_have_text("0.957")
    expect(page.locator('[data-quantity="phase_angle_l1"]')).to_be_hidden()
    house.says(reading("m1", datetime.now(UTC), power_total=600))
    expect(page.locator("#meter .figure")).to_have_text("600W")
    expect(cell).to_have_text("0.957")


def test_the_pages_fit_a_phone(page: Page, house: House) -> None:
    """On 360 pixels nothing sticks out to the side."""
    page.set_viewport_size(PHONE)
    now = datetime.now(UTC)
    house.says(reading("m1", now, power_total=1), info("m1"), reading("a-" * 32, now))
    for group in Group:
        house.says(reading("m1", now, group, **{q.name: 12_345_678 for q in QUANTITIES if q.group is group}))
    enter(page, house)
    for path in ("/?days=60", "/meters/m1", "/points/", "/login"):
        page.goto(house.address + path)
        page.wait_for_load_state("load")
        if path != "/points/":
            expect(page.locator("canvas").first).to_be_visible()
        for summary in page.locator("summary").all():
            summary.click()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


@pytest.mark.parametrize(("scheme", "darker"), [("light", "text"), ("dark", "paper")])
def test_light_and_dark_follow_the_system(page: Page, house: House, scheme: str, darker: str) -> None:
    """In the dark the paper is darker than the text."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(f"{house.address}/login")
    style = page.evaluate("(({color, backgroundColor}) => [color, backgroundColor])(getComputedStyle(document.body))")
    text, paper = (sum(map(int, re.findall(r"\d+", colour))) for colour in style)
    assert ("text" if text < paper else "paper") == darker


def test_everything_works_without_a_mouse(page: Page, house: House) -> None:
    """The first key leads past the navigation, every tile is reached, and what has the focus shows it."""
    enter(page, house)
    expect(page.locator('[data-meter="m1"]')).to_be_visible()
    page.reload()
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.locator('[data-meter="m1"]').focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert page.locator(":focus").evaluate("element => getComputedStyle(element).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/meters/m1$"))


def test_an_administrator_names_a_meter(page: Page, house: House) -> None:
    """A point given in the browser is on the dashboard at once, and at the broker."""
    enter(page, house, "/points/")
    page.locator("#name-m1").fill("Flat 7, attic")
    page.get_by_role("button", name="Save m1").click()
    expect(page.get_by_role("status")).to_have_text("m1 now measures Flat 7, attic.")
    page.get_by_role("link", name="Dashboard").click()
    expect(page.locator('[data-meter="m1"]')).to_contain_text("Flat 7, attic")
    assert SITE.label("m1") == "mmetering/v1/home/label/m1"
