"""Settings: what is wrong ends the start, with its name."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg.conninfo
import pytest
from mmetering_runtime.config import ConfigError, Environment, broker_from, database_from

BROKER = {"MMETERING_MQTT_USERNAME": "main", "MMETERING_MQTT_PASSWORD": "secret"}


def test_the_broker_has_plain_defaults() -> None:
    """With a login alone, the broker must be the one on this machine, without TLS, for the site `home`."""
    broker = broker_from(Environment(BROKER))
    assert (broker.host, broker.port, broker.username, broker.ca_file) == ("127.0.0.1", 1883, "main", None)
    assert broker.site.slug == "home"


def test_the_broker_as_it_is_set() -> None:
    """Every variable must arrive in its field."""
    variables = {
        "MMETERING_SITE": "lindenstr-5",
        "MMETERING_MQTT_HOST": "broker.example",
        "MMETERING_MQTT_PORT": "18830",
        "MMETERING_MQTT_PASSWORD": "secret",
    }
    broker = broker_from(Environment(variables), username="ingest")
    assert (broker.site.slug, broker.host, broker.port) == ("lindenstr-5", "broker.example", 18830)
    assert (broker.username, broker.password) == ("ingest", "secret")


def test_an_empty_variable_counts_as_missing() -> None:
    """Compose sets what is not in .env to nothing; that must mean the default."""
    broker = broker_from(Environment({**BROKER, "MMETERING_MQTT_PORT": "", "MMETERING_MQTT_CA_FILE": ""}))
    assert (broker.port, broker.ca_file) == (1883, None)


def test_a_password_is_not_shown() -> None:
    """The broker's settings end up in logs and traces: the password must not."""
    assert "secret" not in repr(broker_from(Environment(BROKER)))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MMETERING_SITE", "Linden/5"),
        ("MMETERING_MQTT_PORT", "many"),
        ("MMETERING_MQTT_PORT", "0"),
        ("MMETERING_MQTT_PORT", "65536"),
        ("MMETERING_MQTT_PORT", "1e3"),
        ("MMETERING_MQTT_USERNAME", "a+b"),
        ("MMETERING_MQTT_USERNAME", ""),
        ("MMETERING_MQTT_PASSWORD", ""),
        ("MMETERING_MQTT_PASSWORD_FILE", "/nowhere/secret"),
        ("MMETERING_MQTT_CA_FILE", "/nowhere/ca.crt"),
        ("MMETERING_MQTT_CA_FILE", __file__),
    ],
)
def test_a_bad_variable_is_named(name: str, value: str) -> None:
    """A setting that cannot be must end the start with the variable's name and value, not later with a stack trace."""
    with pytest.raises(ConfigError, match=name) as caught:
        broker_from(Environment({**BROKER, name: value}))
    assert value in str(caught.value)


def test_with_an_authority_the_port_is_the_one_of_tls(tmp_path: Path) -> None:
    """With a CA file and no port, the port must be MQTT's with TLS."""
    make = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=test -keyout key.pem -out ca.pem"
    subprocess.run(make.split(), cwd=tmp_path, check=True, capture_output=True)
    ca_file = str(tmp_path / "ca.pem")
    broker = broker_from(Environment({**BROKER, "MMETERING_MQTT_CA_FILE": ca_file}))
    assert (broker.port, broker.ca_file) == (8883, ca_file)


@pytest.mark.parametrize(
    ("content", "secret"), [(b"abc", "abc"), (b"abc\n", "abc"), (b"abc\r\n", "abc"), (b" a b \n", " a b ")]
)
def test_a_secret_from_its_file(tmp_path: Path, content: bytes, secret: str) -> None:
    """A secret's file must win over the variable, and only the line's end be taken off."""
    file = tmp_path / "secret"
    file.write_bytes(content)
    assert Environment({"KEY": "other", "KEY_FILE": str(file)}).secret("KEY") == secret


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe"])
def test_a_file_without_a_secret_is_named(tmp_path: Path, content: bytes) -> None:
    """An empty or unreadable file must not pass for a secret."""
    file = tmp_path / "secret"
    file.write_bytes(content)
    with pytest.raises(ConfigError, match=f"KEY_FILE={file}"):
        Environment({"KEY_FILE": str(file)}).secret("KEY")


@pytest.mark.parametrize("read", [Environment.text, Environment.slug, Environment.path, Environment.secret])
def test_a_missing_variable_is_named(read: Callable[[Environment, str], object]) -> None:
    """Whatever its type, a variable without a default must be there."""
    with pytest.raises(ConfigError, match="NAME is not set"):
        read(Environment({}), "NAME")


@pytest.mark.parametrize("text", ["1", "5", "10"])
def test_a_number_may_be_its_bound(text: str) -> None:
    """Both ends of a range must be allowed."""
    assert Environment({"NUMBER": text}).integer("NUMBER", 5, low=1, high=10) == int(text)


PASSWORDS = ["plain", "with 'quotes'", 'and "double"', "back\\slash\\", "\\'", " spaces ", "a=b&c?d/e%20#@:", "ä€", "'"]


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize(
    "database",
    [
        "host=db user=ingest dbname=mmetering",
        "postgresql://ingest@db/mmetering",
        "postgresql://db/mmetering?user=ingest",
    ],
)
def test_any_password_reaches_the_database(database: str, password: str) -> None:
    """The password must reach libpq as it is, whatever quotes it holds, in both kinds of connection string."""
    conninfo = database_from(Environment({"MMETERING_DATABASE": database, "MMETERING_DATABASE_PASSWORD": password}))
    expected = {"host": "db", "user": "ingest", "dbname": "mmetering", "password": password}
    assert psycopg.conninfo.conninfo_to_dict(conninfo) == expected


def test_a_database_may_need_no_password() -> None:
    """Without a password the connection string must stay as it is."""
    assert database_from(Environment({"MMETERING_DATABASE": "dbname=x"})) == "dbname=x"


def test_the_database_password_from_its_file(tmp_path: Path) -> None:
    """The password may stand in a file; a file that is not there must be named."""
    file = tmp_path / "password"
    file.write_text("abc\n")
    variables = {"MMETERING_DATABASE": "dbname=x", "MMETERING_DATABASE_PASSWORD_FILE": str(file)}
    assert database_from(Environment(variables)) == "dbname=x password='abc'"
    file.unlink()
    with pytest.raises(ConfigError, match="MMETERING_DATABASE_PASSWORD_FILE"):
        database_from(Environment(variables))


def test_the_database_must_be_set() -> None:
    """Without a database the start must end with the variable's name."""
    with pytest.raises(ConfigError, match="MMETERING_DATABASE is not set"):
        database_from(Environment({}))
