"""The demo's ports."""

import socket

import pytest
from free_port import free_port
from mmetering_demo.ports import VARIABLES, Ports, PortTakenError
from mmetering_runtime.config import ConfigError, Environment


def ports() -> Ports:
    """Return ports that are free."""
    return Ports.from_env(Environment({variable: str(free_port()) for variable, _ in VARIABLES.values()}))


def test_free_ports_pass() -> None:
    """Ports on which nobody listens are no reason to complain."""
    ports().check_free()


def test_all_taken_ports_are_named() -> None:
    """One sentence has every port that somebody listens on and its variable, and no other."""
    mine = ports()
    with (
        socket.create_server(("127.0.0.1", mine.web)),
        socket.create_server(("127.0.0.1", mine.mqtt)),
        pytest.raises(PortTakenError) as error,
    ):
        mine.check_free()
    sentence = str(error.value)
    assert f"{mine.web} (MMETERING_WEB_PORT)" in sentence
    assert f"{mine.mqtt} (MMETERING_MQTT_PORT)" in sentence
    assert "MMETERING_SMTP_PORT" not in sentence


@pytest.mark.parametrize("value", ["http", "0", "65536"])
def test_what_is_no_port_is_refused(value: str) -> None:
    """A port that cannot be is refused with the name of its variable."""
    with pytest.raises(ConfigError, match="MMETERING_MODBUS_PORT"):
        Ports.from_env(Environment({"MMETERING_MODBUS_PORT": value}))
