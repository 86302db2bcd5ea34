"""The passwords of a deployment: made once, never overwritten, readable where they must be."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "mosquitto/make_secrets.py"
DATABASE = ["password", "ingest", "web", "reader"]  # the owner's, and the logins'
LOGINS = ["main", "ingest", "alerter", "web", "homeassistant", "reader", "health"]


def make(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script."""
    command = [sys.executable, str(SCRIPT), str(directory), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def contents(directory: Path) -> dict[str, str]:
    """Return name and content of every file."""
    return {path.name: path.read_text() for path in directory.iterdir() if path.is_file()}


def hashes(directory: Path) -> dict[str, str]:
    """Return login and hash of the broker's password file."""
    return dict(line.split(":") for line in (directory / "mosquitto-passwords").read_text().splitlines())


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Give a directory with secrets."""
    directory = tmp_path / "deep" / "secrets"
    result = make(directory)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    return directory


def test_every_secret_is_there(directory: Path) -> None:
    """Each login, the database, the web's key, Grafana and the health check must have their file, no two alike."""
    names = {f"mqtt-{login}.txt" for login in LOGINS} | {f"database-{login}.txt" for login in DATABASE}
    names |= {"web-secret-key.txt", "grafana-admin.txt"}
    made = contents(directory)
    assert set(made) == names | {"mosquitto-passwords", "mosquitto_sub", "smtp-password.txt"}
    assert made["smtp-password.txt"] == ""  # a person fills it in
    secrets = [made[name].strip() for name in names]
    assert len(set(secrets)) == len(secrets)
    assert all(len(secret) >= 32 and secret.isalnum() for secret in secrets)
    assert list(hashes(directory)) == LOGINS
    assert not any(secret in made["mosquitto-passwords"] for secret in secrets)


def test_containers_may_read_them_and_other_users_not(directory: Path) -> None:
    """A bind-mounted file must be readable by any user id in its container; on the host the directory must be shut."""
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    for path in directory.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644), path.name


def test_a_second_run_changes_nothing(directory: Path) -> None:
    """What exists must stay: a running system uses it."""
    (directory / "smtp-password.txt").write_text("the mail server's")
    before = contents(directory)
    assert make(directory).returncode == 0
    assert contents(directory) == before


def test_what_an_earlier_release_did_not_know_is_added(directory: Path) -> None:
    """A deployment from before the logins of the database must get them, and keep what it has."""
    for login in DATABASE[1:]:
        (directory / f"database-{login}.txt").unlink()
    before = contents(directory)
    assert make(directory).returncode == 0
    after = contents(directory)
    assert set(after) - set(before) == {f"database-{login}.txt" for login in DATABASE[1:]}
    assert before.items() <= after.items()


def test_another_gateway(directory: Path) -> None:
    """One more gateway must get a login, and nobody else another one."""
    before, before_hashes = contents(directory), hashes(directory)
    assert make(directory, "--gateway", "attic", "--gateway", "barn").returncode == 0
    after = contents(directory)
    assert set(after) - set(before) == {"mqtt-attic.txt", "mqtt-barn.txt"}
    assert {name: after[name] for name in before if name != "mosquitto-passwords"} == {
        name: text for name, text in before.items() if name != "mosquitto-passwords"
    }
    assert set(hashes(directory)) == {*LOGINS, "attic", "barn"}
    assert before_hashes.items() <= hashes(directory).items()


def test_a_deleted_password_is_made_anew(directory: Path) -> None:
    """To change a password one deletes its file: file and hash must both be new, for the health check everywhere."""
    before, before_hashes = contents(directory), hashes(directory)
    for login in ("web", "health"):
        (directory / f"mqtt-{login}.txt").unlink()
    assert make(directory).returncode == 0
    after = contents(directory)
    changed = {"mqtt-web.txt", "mqtt-health.txt", "mosquitto_sub", "mosquitto-passwords"}
    assert {name for name in before if before[name] != after[name]} == changed
    assert after["mqtt-health.txt"].strip() in after["mosquitto_sub"]
    assert {name for name, line in hashes(directory).items() if before_hashes[name] != line} == {"web", "health"}


def test_logins_of_others_stay(directory: Path) -> None:
    """A login that someone added with mosquitto_passwd must stay."""
    with (directory / "mosquitto-passwords").open("a") as file:
        file.write("nodered:$7$101$salt$hash\n")
    assert make(directory).returncode == 0
    assert hashes(directory)["nodered"] == "$7$101$salt$hash"


@pytest.mark.parametrize("slug", ["web", "ingest", "reader", "health", "Main", "a/b", "a+", "", "x" * 65])
def test_no_gateway_gets_such_a_name(tmp_path: Path, slug: str) -> None:
    """A gateway must not be called like a service, nor have a name that cannot stand in a topic."""
    result = make(tmp_path / "secrets", "--gateway", slug)
    assert result.returncode == 2
    assert f"argument --gateway: {slug!r} is" in result.stderr
    assert not (tmp_path / "secrets").exists()
