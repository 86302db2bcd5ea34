"""Commands to a gateway and their results."""

import json
from datetime import UTC, datetime

import pytest
from mmetering_contract.command import VERBS, Command, Result, decode_command, decode_result
from mmetering_contract.errors import PayloadError
from mmetering_contract.payload import encode
from mmetering_contract.topic import check_slug

COMMAND = {"id": "9c1f", "expires": "2026-11-23T02:54:00Z"}


def test_a_command_survives_the_way() -> None:
    """What is encoded must be decoded to the same command, with arguments of any type that JSON has."""
    command = Command("9c1f", datetime(2026, 11, 23, 2, 54, tzinfo=UTC), {"meter": "flat-03", "bauds": [9600], "to": 4})
    assert decode_command(encode(command)) == command
    assert decode_command(json.dumps(COMMAND).encode()).arguments == {}


@pytest.mark.parametrize(
    "result",
    [
        Result("9c1f", "running", progress="address 17 of 247", share=0.07),
        Result("9c1f", "done", value={"found": [{"address": 3, "serial": "12345678"}]}),
        Result("9c1f", "failed", error="no answer: are A and B swapped?"),
    ],
)
def test_a_result_survives_the_way(result: Result) -> None:
    """Progress and outcome must arrive as they were sent, and say nothing else."""
    assert decode_result(encode(result)) == result
    assert {"id", "state"} < json.loads(encode(result)).keys()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", "a/b"),
        ("id", "+"),
        ("id", None),
        ("expires", "2026-11-23T02:54:00"),
        ("expires", 1_795_402_430),
        ("arguments", ["flat-03"]),
    ],
)
def test_a_bad_command_is_refused_with_its_place(key: str, value: object) -> None:
    """An id that is no level of a topic, or an expiry of no certain instant, must be refused."""
    with pytest.raises(PayloadError, match=rf"\$\.{key}"):
        decode_command(json.dumps(COMMAND | {key: value}).encode())


@pytest.mark.parametrize("key", COMMAND)
def test_a_command_needs_its_id_and_its_expiry(key: str) -> None:
    """Without them it could be neither answered nor outdated."""
    with pytest.raises(PayloadError, match=f"`{key}`"):
        decode_command(json.dumps({name: value for name, value in COMMAND.items() if name != key}).encode())


def test_a_result_has_one_of_three_states() -> None:
    """Whoever waits must know whether more is to come."""
    with pytest.raises(PayloadError, match=r"\$\.state"):
        decode_result(b'{"id": "9c1f", "state": "perhaps"}')


def test_every_verb_is_a_level_of_a_topic() -> None:
    """A verb stands in the topic of its commands."""
    assert [check_slug(verb) for verb in VERBS] == list(VERBS)
