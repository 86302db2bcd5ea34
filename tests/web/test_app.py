"""What holds for every address."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from web.stage import add_meter

OPEN = {"account.login", "health.healthz", "static"}
PAGES = ["/", "/?days=60", "/tiles", "/points/", "/healthz", "/nothing", "/meters/nothing"]


def test_nothing_is_shown_without_a_login(app: Flask) -> None:
    """Every route but the open ones leads to the login, or refuses, whatever the method."""
    client = app.test_client()
    tried = 0
    for rule in app.url_map.iter_rules():
        if rule.endpoint in OPEN:
            continue
        for method in (rule.methods or set()) - {"OPTIONS"}:
            answer = client.open(rule.rule.replace("<slug>", "flat-01"), method=method)
            assert answer.status_code in (302, 400, 401), (rule.rule, method)
            if answer.status_code == 302:
                assert answer.headers["Location"].startswith("/login"), (rule.rule, method)
            tried += 1
    assert tried > 10


def test_what_is_open_tells_nothing_of_the_house(app: Flask, database: str) -> None:
    """The login page and the health check name no meter."""
    add_meter(database, "flat-01", "flat")
    app.extensions["mmetering"].directory.refresh()
    for path in ("/login", "/healthz"):
        answer = app.test_client().get(path)
        assert answer.status_code == 200
        assert "flat" not in answer.text.lower()


@pytest.mark.parametrize("path", PAGES)
def test_every_answer_says_what_a_browser_may_do(administrator: FlaskClient, path: str) -> None:
    """Scripts and styles come from us alone, nobody frames us, and no page has an inline script or style."""
    answer = administrator.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert "style=" not in answer.text
    assert "<script>" not in answer.text
    assert " on" not in "".join(part.split(">")[0] for part in answer.text.split("<input")[1:])


def test_static_files_may_be_kept_for_ever(administrator: FlaskClient) -> None:
    """Their address changes with their content, so a browser need not ask again."""
    address = administrator.get("/").text.split('rel="stylesheet" href="')[-1].split('"')[0]
    answer = administrator.get(address)
    assert answer.status_code == 200
    assert "max-age=31536000" in answer.headers["Cache-Control"]
    answer.close()


def test_pages_are_not_kept(administrator: FlaskClient) -> None:
    """Whoever uses the browser after a logout sees nothing."""
    assert administrator.get("/").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("path", "status", "text"), [
    ("/nothing", 404, "There is no page at this address."),
    ("/meters/nothing", 404, "There is no meter of this name."),
    ("/meters/NO%20SLUG", 404, "There is no page at this address."),
    ("/logout", 405, "This address cannot be asked in this way."),
])  # fmt: skip
def test_errors_have_a_page(visitor: FlaskClient, path: str, status: int, text: str) -> None:
    """What is wrong is said in words, with a way back."""
    answer = visitor.get(path)
    assert answer.status_code == status
    assert text in answer.text
    assert 'href="/"' in answer.text


def test_programs_get_errors_as_json(visitor: FlaskClient) -> None:
    """The charts' addresses never answer with a page."""
    answer = visitor.get("/api/meters/nothing/profile?days=1")
    assert (answer.status_code, answer.json) == (404, {"error": "There is no meter of this name."})


def test_a_fault_of_ours_has_a_page_and_is_logged(
    app: Flask, visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A defect shows no inside to the visitor, and its trace to us."""
    monkeypatch.setattr(app.extensions["mmetering"].live, "meters", lambda: 1 / 0)
    answer = visitor.get("/")
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.text
    assert "ZeroDivision" not in answer.text
    assert "request_failed" in caplog.text


def test_the_health_check_notices_a_dead_thread(app: Flask) -> None:
    """A process that no longer listens is to be started anew."""
    client = app.test_client()
    assert client.get("/healthz").status_code == 200
    app.extensions["mmetering"].feed.stop()
    assert client.get("/healthz").status_code == 503


def test_a_large_request_is_refused(visitor: FlaskClient) -> None:
    """Nobody fills our memory."""
    assert visitor.post("/logout", data={"csrf_token": "x" * 100_000}).status_code in (400, 413)
