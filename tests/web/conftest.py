"""The web in this process, and a visitor of it."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from web.stage import add_people, log_in, running


@pytest.fixture
def app(database: str) -> Iterator[Flask]:
    """Give the running app over a fresh database with its people, without a broker."""
    add_people(database)
    with running(database) as app:
        yield app


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    """Give a browser in which tom, a viewer, is logged in."""
    client = app.test_client()
    assert log_in(client, "tom") == 302
    return client


@pytest.fixture
def administrator(app: Flask) -> FlaskClient:
    """Give a browser in which maria, an administrator, is logged in."""
    client = app.test_client()
    assert log_in(client, "maria") == 302
    return client
