"""The commands of docs/topics.md do what they say."""

import re
import subprocess
from pathlib import Path

import pytest
from fix_broker import Broker
from mmetering_demo.checkout import find_program
from mqtt_client import Client

DOCUMENT = (Path(__file__).parents[2] / "docs/topics.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^mosquitto_sub .*$", DOCUMENT, re.MULTILINE)
TOPICS = (
    "mmetering/v1/home/gateway/main/meter/flat-03/reading/live",
    "mmetering/v1/home/gateway/main/meter/flat-03/status",
    "mmetering/v1/home/alert/3f9a1c",
)

pytestmark = pytest.mark.servers


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_shows_something(broker: Broker, tmp_path: Path, command: str) -> None:
    """Each command, with the options file that the document describes, must show what is retained, and its topic."""
    for login, topic in zip(("main", "main", "alerter"), TOPICS, strict=True):
        client = Client(broker, login)
        client.publish(topic, b"payload", retain=True)
        client.close()
    options = f"-h {broker.host}\n-p {broker.port}\n-u reader\n-P {broker.password('reader')}\n"
    (tmp_path / "mosquitto_sub").write_text(options)
    program, arguments = find_program("mosquitto_sub"), command.removeprefix("mosquitto_sub")
    result = subprocess.run(
        ["sh", "-c", f"{program} -C 1 -W 30 {arguments}"],
        env={"XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    topic, payload = result.stdout.split()
    assert topic in TOPICS
    assert payload == "payload"


def test_there_are_commands() -> None:
    """The test above must have found them all."""
    assert len(COMMANDS) == DOCUMENT.count("\nmosquitto_sub ") >= 4
