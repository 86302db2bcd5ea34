"""Log lines: one event a line, whatever the fields hold."""

import json
import logging
from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mmetering_runtime.config import ConfigError, Environment
from mmetering_runtime.log import Log, start_logging

log = Log("test.log")
WEIRD = ["", " ", "a b", "a=b", 'say "x"', "line\nline", "line\r\x1b[2J", "\u2028", "\0", "ä€", "\udc80", "\\"]


@pytest.fixture(autouse=True)
def _root_logger() -> Iterator[None]:
    """Give the root logger back as it was: `start_logging` takes it over."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    root.handlers[:] = before
    root.setLevel(level)


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the lines written; a failure inside logging would stand in stderr."""
    out, err = capsys.readouterr()
    assert not err
    return out.removesuffix("\n").split("\n")


def test_a_line_of_text(capsys: pytest.CaptureFixture[str]) -> None:
    """A line must hold time in UTC, level, logger, event and the fields in their order."""
    start_logging(Environment({}))
    log.info("batch_stored", rows=200, gateway="main", reason="no more")
    (line,) = lines(capsys)
    time, rest = line.split(" ", 1)
    assert datetime.fromisoformat(time.removeprefix("ts=")).utcoffset() is not None
    assert rest == 'level=info log=test.log event=batch_stored rows=200 gateway=main reason="no more"'


@pytest.mark.parametrize("value", WEIRD)
def test_no_value_breaks_a_line(capsys: pytest.CaptureFixture[str], value: str) -> None:
    """A value with spaces, quotes or control characters must stay on its line, and be readable again."""
    start_logging(Environment({}))
    log.warning("odd", value=value, after=1)
    (line,) = lines(capsys)
    text = line.partition(" value=")[2].removesuffix(" after=1")
    assert text.isprintable()
    assert (json.loads(text) if text.startswith('"') else text) == value


def test_what_people_write_stays_readable(capsys: pytest.CaptureFixture[str]) -> None:
    """Umlauts must not become escapes only because there is a space beside them."""
    start_logging(Environment({}))
    log.info("label", point="Küche links")
    assert lines(capsys)[0].endswith('point="Küche links"')


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # each example reads capsys empty
@given(st.dictionaries(st.text(), st.text() | st.integers() | st.binary() | st.none(), max_size=5))
def test_a_line_of_json(capsys: pytest.CaptureFixture[str], fields: dict[str, object]) -> None:
    """With MMETERING_LOG=json every line must be JSON and hold the event, whatever the fields are called."""
    start_logging(Environment({"MMETERING_LOG": "json"}))
    ours = {"ts", "level", "log", "event", "self"}
    log.info("odd", **{name: value for name, value in fields.items() if name not in ours})
    (line,) = lines(capsys)
    assert {"level": "info", "log": "test.log", "event": "odd"}.items() <= json.loads(line).items()


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_exception_stays_on_its_line(capsys: pytest.CaptureFixture[str], form: str) -> None:
    """Where an exception arose must be in the line of its event, not in lines of its own."""
    start_logging(Environment({"MMETERING_LOG": form}))
    try:
        int("gone")
    except ValueError:
        log.exception("failed", meter="pv")
    (line,) = lines(capsys)
    assert "ValueError: invalid literal" in line
    assert "test_log.py" in line
    assert "pv" in line


def test_lines_of_libraries_look_alike(capsys: pytest.CaptureFixture[str]) -> None:
    """A library that logs with Python's own logging must come out in the same form."""
    start_logging(Environment({"MMETERING_LOG": "json"}))
    logging.getLogger("library").warning("%s of %d", "three", 4)
    record = json.loads(lines(capsys)[0])
    assert (record["log"], record["level"], record["event"]) == ("library", "warning", "three of 4")


def test_another_form_is_refused() -> None:
    """A form that we do not have must end the start with the variable's name."""
    with pytest.raises(ConfigError, match="MMETERING_LOG='xml'"):
        start_logging(Environment({"MMETERING_LOG": "xml"}))
