"""A headless Chromium under test. A page that logs an error fails its test."""

import os
import shutil
from collections.abc import Iterator

import pytest
from node import node
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

# In a container Chromium has no sandbox and no graphics card; the rest keeps it from calling home.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")  # not longer: Playwright keeps an event loop running, where asyncio.run() is refused
def browser() -> Iterator[Browser]:
    """The browser that the tests of a file share: Debian's, else the one that Playwright fetched."""
    # The Node that Playwright brings wants a library that a small machine lacks.
    os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(node()))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS, timeout=120_000)
        yield browser
        browser.close()


@pytest.fixture
def page_errors() -> list[str]:
    """Collect what the page logs as an error; a test that provokes errors checks and clears the list."""
    return []


@pytest.fixture
def page(browser: Browser, page_errors: list[str]) -> Iterator[Page]:
    """Give a page of this test's own, in English and in German time; afterwards no error may have been logged."""
    context = browser.new_context(locale="en-GB", timezone_id="Europe/Berlin")
    context.set_default_timeout(60_000)
    page = context.new_page()
    page.on("pageerror", lambda error: page_errors.append(str(error)))
    page.on("console", lambda message: page_errors.extend(_error(message)))
    yield page
    context.close()
    assert page_errors == []


def _error(message: ConsoleMessage) -> list[str]:
    return [f"{message.location.get('url')}: {message.text}"] if message.type == "error" else []
