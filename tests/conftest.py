"""The servers under test, each in a file of its own, and the marks that say which tests need them."""

import pytest

pytest_plugins = ["fix_postgres", "fix_timescale", "fix_broker", "fix_smtp", "fix_browser", "fix_disk"]

SERVERS = {"postgres_server", "crashing_postgres", "timescale_server", "broker", "mailbox"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the servers that it asks for, before `-m` chooses."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if fixtures & SERVERS:
            item.add_marker("servers")
        if "browser" in fixtures:
            item.add_marker("system")
        if "timescale_server" in fixtures:
            item.add_marker(pytest.mark.xdist_group("timescale"))  # in one worker: the server takes seconds to start
