"""The command `mmetering-web`."""

import subprocess
import sys
from pathlib import Path

import pytest
from free_port import free_port
from mmetering_web.password import is_right
from service import Service
from web.stage import add_meter, environment, execute


def run(database: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command."""
    script = str(Path(sys.executable).with_name("mmetering-web"))
    return subprocess.run(
        [script, *arguments],
        env=environment(database),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_people_are_added_with_a_password_from_stdin_or_a_file(database: str, tmp_path: Path) -> None:
    """Passwords rest as argon2id, and neither comes nor goes as an argument."""
    secret = tmp_path / "password"
    secret.write_text("another password\n")
    assert run(database, "person", "add", "maria", "--role", "administrator", stdin="correct horse\n").returncode == 0
    assert run(database, "person", "add", "tom", "--password-file", str(secret)).returncode == 0
    [(maria,), (tom,)] = execute(database, "SELECT password_hash FROM person ORDER BY name")
    assert str(maria).startswith("$argon2id$")
    assert is_right("correct horse", str(maria))
    assert is_right("another password", str(tom))
    listed = run(database, "person", "list").stdout.splitlines()
    assert [line.split("\t")[:2] for line in listed] == [["maria", "administrator"], ["tom", "viewer"]]


def test_a_password_can_be_changed(database: str) -> None:
    """The old one is void then."""
    run(database, "person", "add", "maria", stdin="correct horse\n")
    assert run(database, "person", "password", "maria", stdin="battery staple\n").returncode == 0
    [(known,)] = execute(database, "SELECT password_hash FROM person")
    assert is_right("battery staple", str(known))
    assert not is_right("correct horse", str(known))


@pytest.mark.parametrize(
    ("arguments", "stdin", "text"),
    [
        (["person", "add", "maria"], "short\n", "needs 10"),
        (["person", "add", "maria", "--password-file", "/nowhere"], "", "/nowhere"),
        (["person", "password", "nobody"], "correct horse\n", "nobody"),
        (["point", "add", "Flat 1", "--kind", "flat", "--meter", "ghost"], "", "ghost"),
    ],
)
def test_what_goes_wrong_is_one_sentence(database: str, arguments: list[str], stdin: str, text: str) -> None:
    """The command fails with a sentence and without a trace."""
    done = run(database, *arguments, stdin=stdin)
    assert done.returncode == 1
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_name_is_refused_or_passed_over(database: str) -> None:
    """A set-up that runs twice says so, or says nothing."""
    arguments = ["person", "add", "maria"]
    assert run(database, *arguments, stdin="correct horse\n").returncode == 0
    again = run(database, *arguments, stdin="other password\n")
    assert (again.returncode, "maria" in again.stderr) == (1, True)
    assert run(database, *arguments, "--if-missing").returncode == 0
    [(known,)] = execute(database, "SELECT password_hash FROM person")
    assert is_right("correct horse", str(known))


def test_points_are_added_and_listed(database: str) -> None:
    """A point is made with its meter; doing it again with --if-missing changes nothing."""
    add_meter(database, "pv")
    arguments = ["point", "add", "PV roof", "--kind", "producer", "--meter", "pv", "--counter", "export"]
    assert run(database, *arguments).returncode == 0
    assert run(database, *arguments[:-1], "import", "--if-missing").returncode == 0
    assert execute(database, "SELECT counter FROM installation") == [("export",)]
    assert run(database, "point", "list").stdout == "PV roof\tproducer\tpv\n"


def test_a_point_waits_for_its_meter(database: str, tmp_path: Path) -> None:
    """A set-up may name a meter before its first reading is stored."""
    command = "mmetering-web point add Attic --kind flat --meter flat-01 --wait 60"
    with Service(command, environment(database), tmp_path) as adding:
        add_meter(database, "flat-01")
        assert adding.wait() == 0
    assert execute(database, "SELECT name FROM point") == [("Attic",)]


def test_an_unreachable_database_is_one_sentence() -> None:
    """The command does not hang, and shows no password."""
    done = run(f"host=127.0.0.1 port={free_port()} password=hidden", "person", "list")
    assert done.returncode == 1
    assert "the database is away" in done.stderr
    assert "hidden" not in done.stdout + done.stderr


def test_a_wrong_setting_ends_the_start(database: str, tmp_path: Path) -> None:
    """The server does not start half configured."""
    with Service("mmetering-web serve", environment(database), tmp_path) as web:
        assert web.wait() == 1
    assert "MMETERING_MQTT_PASSWORD is not set" in web.log
