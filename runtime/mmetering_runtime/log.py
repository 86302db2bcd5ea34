"""Log lines go to stdout: one event a line, `key=value`, or JSON with MMETERING_LOG=json. Never a secret."""

import json
import logging
import sys
from datetime import UTC, datetime

from mmetering_runtime.config import ConfigError, Environment

_FIELDS = "mmetering_fields"


class Log:
    """A named logger whose lines are an event and its fields."""

    def __init__(self, name: str) -> None:
        """Make the logger `name`, such as `gateway.poll`."""
        self._logger = logging.getLogger(name)

    def info(self, event: str, /, **fields: object) -> None:
        """Say that something happened."""
        self._logger.info(event, extra={_FIELDS: fields})

    def warning(self, event: str, /, **fields: object) -> None:
        """Say that something is not as it should be, and goes on."""
        self._logger.warning(event, extra={_FIELDS: fields})

    def error(self, event: str, /, **fields: object) -> None:
        """Say that something failed."""
        self._logger.error(event, extra={_FIELDS: fields})

    def exception(self, event: str, /, **fields: object) -> None:
        """Say that something failed unexpectedly, and where the current exception arose."""
        self._logger.error(event, exc_info=True, extra={_FIELDS: fields})  # noqa: LOG014 called where one is handled


def start_logging(environment: Environment) -> None:
    """Send all log lines to stdout.

    Raises:
        ConfigError: MMETERING_LOG is neither `text` nor `json`.
    """
    form = environment.text("MMETERING_LOG", "text")
    if form not in ("text", "json"):
        raise ConfigError(f"MMETERING_LOG={form!r} is neither text nor json")
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(_Formatter(as_json=form == "json"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


class _Formatter(logging.Formatter):
    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, object] = {
            "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "log": record.name,
            "event": record.getMessage(),
            **getattr(record, _FIELDS, {}),
        }
        if record.exc_info:
            fields["trace"] = self.formatException(record.exc_info)
        if self._as_json:
            return json.dumps(fields, default=str)
        return " ".join(f"{key}={_plain(value)}" for key, value in fields.items())


def _plain(value: object) -> str:
    text = str(value)
    if text and text.isprintable() and not any(character in text for character in ' "='):
        return text
    return json.dumps(text, ensure_ascii=not text.isprintable())
