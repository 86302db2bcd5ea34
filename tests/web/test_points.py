"""The points' page."""

from flask import Flask
from flask.testing import FlaskClient
from web.stage import add_meter, execute, token

GOOD = {"name": "Flat 1, left", "kind": "flat", "counter": "import"}


def send(client: FlaskClient, path: str, **form: str) -> str:
    """Send a form of the page and return the page that follows."""
    answer = client.post(path, data={"csrf_token": token(client, "/points/"), **form}, follow_redirects=True)
    assert answer.status_code == 200
    return answer.text


def test_only_administrators_may_see_or_change_points(visitor: FlaskClient, database: str) -> None:
    """A viewer is refused, in words, and nothing changes."""
    add_meter(database, "m1")
    assert "Only administrators" in visitor.get("/points/").text
    form = {"csrf_token": token(visitor, "/"), **GOOD}
    assert visitor.post("/points/m1", data=form).status_code == 403
    assert visitor.post("/points/m1/take-off", data=form).status_code == 403
    assert execute(database, "SELECT * FROM point") == []
    assert "Points" not in visitor.get("/").text


def test_a_meter_is_put_onto_a_point_and_taken_off(app: Flask, administrator: FlaskClient, database: str) -> None:
    """The change is confirmed, and shown everywhere at once."""
    add_meter(database, "m1")
    assert "m1 now measures Flat 1, left." in send(administrator, "/points/m1", **GOOD | {"name": "  Flat 1,  left "})
    assert app.extensions["mmetering"].directory.labels["m1"].point == "Flat 1, left"
    assert "Flat 1, left" in administrator.get("/").text
    assert "m1 has no point now." in send(administrator, "/points/m1/take-off")
    assert app.extensions["mmetering"].directory.labels == {}
    assert "Points without a meter: Flat 1, left." in administrator.get("/points/").text


def test_a_conflict_is_said_in_words(administrator: FlaskClient, database: str) -> None:
    """The page tells why a change was not made."""
    add_meter(database, "m1", "flat")
    add_meter(database, "m2")
    assert "take that one off first" in send(administrator, "/points/m2", **GOOD | {"name": "M1"})
    assert "There is no meter named" in send(administrator, "/points/ghost", **GOOD)


def test_wrong_input_changes_nothing(administrator: FlaskClient, database: str) -> None:
    """A form that our page did not make is refused in words."""
    add_meter(database, "m1")
    for wrong in ({"name": "  "}, {"name": "x" * 101}, {"kind": "castle"}, {"counter": "both"}):
        assert 'role="alert"' in send(administrator, "/points/m1", **GOOD | wrong)
    assert execute(database, "SELECT * FROM point") == []


def test_a_form_without_its_token_is_refused(administrator: FlaskClient, database: str) -> None:
    """Another site cannot change points in an administrator's name."""
    add_meter(database, "m1")
    assert administrator.post("/points/m1", data=GOOD).status_code == 400
    assert execute(database, "SELECT * FROM point") == []
