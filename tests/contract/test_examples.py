"""The examples of docs/topics.md are true: each is what the contract reads and writes."""

import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from mmetering_contract.command import decode_command, decode_result
from mmetering_contract.incident import decode_incident
from mmetering_contract.label import decode_label
from mmetering_contract.payload import encode
from mmetering_contract.plant import decode_plant
from mmetering_contract.reading import decode_live
from mmetering_contract.record import decode_batch, decode_receipt
from mmetering_contract.state import decode_gateway_health, decode_ingest_health, decode_meter_info

DOCUMENT = (Path(__file__).parents[2] / "docs/topics.md").read_text(encoding="utf-8")

# A heading with the topic, some words, and the example.
EXAMPLES = re.findall(r"^### `([^`]+)`$[^#]*?^```json\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)

DECODERS: dict[str, Callable[[bytes], object]] = {
    r"gateway/[^/]+/meter/[^/]+/reading/[^/]+": decode_live,
    r"gateway/[^/]+/meter/[^/]+/info": decode_meter_info,
    r"gateway/[^/]+/health": decode_gateway_health,
    r"service/ingest/[^/]+/health": decode_ingest_health,
    r"gateway/[^/]+/plant": decode_plant,
    r"gateway/[^/]+/command/[^/]+": decode_command,
    r"gateway/[^/]+/result/[^/]+": decode_result,
    r"gateway/[^/]+/batch": decode_batch,
    r"gateway/[^/]+/receipt": decode_receipt,
    r"alert/[^/]+": decode_incident,
    r"label/[^/]+": decode_label,
}


def same_times(value: object) -> object:
    """Return a JSON value with its times as such, for there are many ways to write one."""
    if isinstance(value, dict):
        return {key: same_times(item) for key, item in value.items()}
    if isinstance(value, list):
        return [same_times(item) for item in value]
    if isinstance(value, str) and value.endswith("Z"):
        return datetime.fromisoformat(value)
    return value


def test_every_example_is_found() -> None:
    """No example may be written so that the test below passes it over, and every payload must have one."""
    assert len(EXAMPLES) == DOCUMENT.count("```json")
    for topic in DECODERS:
        assert any(re.fullmatch(topic, example) for example, _ in EXAMPLES), topic


@pytest.mark.parametrize(("topic", "example"), EXAMPLES)
def test_an_example_is_true(topic: str, example: str) -> None:
    """An example must be read by the contract, and hold no key that the contract does not write."""
    (decode,) = (decoder for pattern, decoder in DECODERS.items() if re.fullmatch(pattern, topic))
    once = decode(example.encode())
    assert same_times(json.loads(encode(once))) == same_times(json.loads(example))


@pytest.mark.parametrize(("topic", "example"), EXAMPLES)
def test_an_example_stands_under_its_own_topic(topic: str, example: str) -> None:
    """Meter, group and id in an example must be those of the topic above it; a command's id stands in its result's."""
    payload, levels = json.loads(example), topic.split("/")
    for key in ("meter", "group") if "command" in levels else ("meter", "group", "id"):
        assert payload.get(key, levels[-1]) in levels
