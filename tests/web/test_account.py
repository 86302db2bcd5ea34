"""Logging in and out."""

import time

import pytest
from flask import Flask
from flask.testing import FlaskClient
from mmetering_web import account
from mmetering_web.account import safe_target
from web.stage import HASH, PASSWORD, add_people, execute, log_in, running, token


def test_the_right_password_lets_in(app: Flask) -> None:
    """After the login the dashboard is there, and the cookie is out of scripts' reach."""
    client = app.test_client()
    answer = client.post("/login", data={"name": "tom", "password": PASSWORD, "csrf_token": token(client)})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "tom" in client.get("/").text


def test_the_cookie_is_secure_over_tls(app: Flask) -> None:
    """A session that began over TLS never travels without it."""
    answer = app.test_client().get("/login", base_url="https://localhost")
    assert "Secure" in answer.headers["Set-Cookie"]


@pytest.mark.parametrize(("name", "password"), [("tom", "wrong"), ("nobody", PASSWORD), ("", ""), ("tom", "")])
def test_a_wrong_password_does_not(app: Flask, name: str, password: str) -> None:
    """Name or password: it is not said which."""
    client = app.test_client()
    form = {"name": name, "password": password, "csrf_token": token(client)}
    answer = client.post("/login", data=form)
    assert answer.status_code == 401
    assert "Name or password is wrong." in answer.text
    assert client.get("/").status_code == 302


def test_a_form_without_its_token_is_refused(app: Flask, visitor: FlaskClient) -> None:
    """Another site cannot log anybody in or out."""
    assert app.test_client().post("/login", data={"name": "tom", "password": PASSWORD}).status_code == 400
    assert visitor.post("/logout").status_code == 400
    assert visitor.get("/").status_code == 200


def test_after_some_failures_one_has_to_wait(app: Flask) -> None:
    """The sixth try is not even looked at, and others are let in."""
    client = app.test_client()
    assert [log_in(client, "tom", "wrong") for _ in range(5)] == [401] * 5
    assert log_in(client, "tom") == 429
    assert log_in(client, "TOM") == 429
    assert log_in(client, "maria") == 302


def test_logging_out_ends_the_session(visitor: FlaskClient) -> None:
    """Afterwards the dashboard asks for a login."""
    answer = visitor.post("/logout", data={"csrf_token": token(visitor, "/")})
    assert answer.headers["Location"] == "/login"
    assert visitor.get("/").status_code == 302


def test_the_login_leads_to_where_one_wanted_to_go(app: Flask) -> None:
    """The page that was asked for comes after the login."""
    client = app.test_client()
    address = client.get("/meters/flat-01?days=7").headers["Location"]
    assert address == "/login?next=/meters/flat-01?days%3D7"
    form = {"name": "tom", "password": PASSWORD, "csrf_token": token(client)}
    assert client.post(address, data=form).headers["Location"] == "/meters/flat-01?days=7"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/meters/a?days=7", "/meters/a?days=7"),
        (None, "/"),
        ("", "/"),
        ("https://evil.example", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\\..\\b", "/"),
        ("/\t/evil.example", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
def test_the_login_leads_nowhere_else(app: Flask, target: str | None, expected: str) -> None:
    """No link of somebody else's abuses our login."""
    with app.test_request_context():
        assert safe_target(target) == expected


@pytest.mark.parametrize("change", ["DELETE FROM person WHERE name = 'tom'", "UPDATE person SET password_hash = 'new'"])
def test_who_is_gone_or_has_a_new_password_is_logged_out(
    visitor: FlaskClient, database: str, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A session is checked again after a minute."""
    execute(database, change)
    assert visitor.get("/").status_code == 200
    later = time.time() + account.FRESH_S
    monkeypatch.setattr("mmetering_web.account.time.time", lambda: later)
    assert visitor.get("/").status_code == 302


def test_a_new_role_holds_after_a_minute(visitor: FlaskClient, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The session's copy of the role does not outlive the check."""
    execute(database, "UPDATE person SET role = 'administrator' WHERE name = 'tom'")
    assert visitor.get("/points/").status_code == 403
    later = time.time() + account.FRESH_S
    monkeypatch.setattr("mmetering_web.account.time.time", lambda: later)
    assert visitor.get("/points/").status_code == 200


def test_a_forged_session_is_none(database: str) -> None:
    """A session that another key has signed lets nobody in."""
    add_people(database)
    with running(database) as app:
        app.secret_key = "another secret key of 32 letters!"
        client = app.test_client()
        assert log_in(client, "tom") == 302
        app.secret_key = "the secret key of this very app.."
        assert client.get("/").status_code == 302


def test_an_outdated_hash_is_renewed(app: Flask, database: str) -> None:
    """Hashes grow stronger when their people log in."""
    weak = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$"
    from argon2 import PasswordHasher  # noqa: PLC0415  # only here are weak parameters wanted

    weak = PasswordHasher(1, 8, 1).hash(PASSWORD)
    execute(database, "UPDATE person SET password_hash = %s WHERE name = 'tom'", weak)
    client = app.test_client()
    assert log_in(client, "tom") == 302
    [(renewed,)] = execute(database, "SELECT password_hash FROM person WHERE name = 'tom'")
    assert str(renewed).split("$")[3] == HASH.split("$")[3]
    assert client.get("/").status_code == 200
