"""Settings come from environment variables; a secret may also stand in the file that NAME_FILE names.

A missing or malformed variable ends the start with its name and what was wrong with it.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mmetering_contract.errors import TopicError
from mmetering_contract.topic import Site, check_slug


class ConfigError(Exception):
    """Say which setting is wrong and why; only a person can mend it."""


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment variables, read with their types. Each reader raises ConfigError with the variable's name."""

    variables: Mapping[str, str]

    def text(self, name: str, default: str | None = None) -> str:
        """Return a variable; an empty one counts as missing."""
        value = self.variables.get(name) or default
        if value is None:
            raise ConfigError(f"{name} is not set")
        return value

    def integer(self, name: str, default: int, *, low: int, high: int) -> int:
        """Return a whole number between low and high, both allowed."""
        text = self.text(name, str(default))
        try:
            value = int(text)
        except ValueError:
            raise ConfigError(f"{name}={text!r} is no whole number") from None
        if not low <= value <= high:
            raise ConfigError(f"{name}={value} is not between {low} and {high}")
        return value

    def slug(self, name: str, default: str | None = None) -> str:
        """Return a slug as it may stand in a topic."""
        try:
            return check_slug(self.text(name, default))
        except TopicError as error:
            raise ConfigError(f"{name}: {error}") from None

    def path(self, name: str, default: str | None = None) -> Path:
        """Return a path, whether or not something lies there."""
        return Path(self.text(name, default))

    def optional_path(self, name: str) -> Path | None:
        """Return a path, or None where the variable is missing."""
        value = self.variables.get(name)
        return Path(value) if value else None

    def time_zone(self, name: str, default: str) -> ZoneInfo:
        """Return a time zone of the IANA database."""
        text = self.text(name, default)
        try:
            return ZoneInfo(text)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ConfigError(f"{name}={text!r} is no time zone such as Europe/Berlin") from None

    def secret(self, name: str) -> str:
        """Return a secret from NAME, or from the file that NAME_FILE names, without its line end."""
        file = self.variables.get(f"{name}_FILE")
        if not file:
            return self.text(name)
        try:
            secret = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{name}_FILE={file}: {error}") from None
        if not secret:
            raise ConfigError(f"{name}_FILE={file} is empty")
        return secret

    def optional_secret(self, name: str) -> str | None:
        """Return a secret, or None where neither NAME nor NAME_FILE is set."""
        return self.secret(name) if self.variables.get(name) or self.variables.get(f"{name}_FILE") else None


@dataclass(frozen=True, slots=True)
class Broker:
    """Where the broker is and how to log in. With a CA file the connection is TLS."""

    site: Site
    host: str
    port: int
    username: str
    password: str = field(repr=False)
    ca_file: str | None = None


def broker_from(environment: Environment, username: str | None = None) -> Broker:
    """Read MMETERING_SITE and MMETERING_MQTT_{HOST,PORT,USERNAME,PASSWORD,CA_FILE}.

    Args:
        environment: the variables.
        username: the login where MMETERING_MQTT_USERNAME is not set.

    Raises:
        ConfigError: with the variable's name.
    """
    ca_file = _ca_file_from(environment)
    return Broker(
        site=Site(environment.slug("MMETERING_SITE", "home")),
        host=environment.text("MMETERING_MQTT_HOST", "127.0.0.1"),
        port=environment.integer("MMETERING_MQTT_PORT", 8883 if ca_file else 1883, low=1, high=65535),
        username=environment.slug("MMETERING_MQTT_USERNAME", username),
        password=environment.secret("MMETERING_MQTT_PASSWORD"),
        ca_file=ca_file,
    )


def _ca_file_from(environment: Environment) -> str | None:
    file = environment.variables.get("MMETERING_MQTT_CA_FILE")
    if not file:
        return None
    try:
        ssl.create_default_context(cafile=file)
    except OSError as error:
        raise ConfigError(f"MMETERING_MQTT_CA_FILE={file}: {error}") from None
    return file


def database_from(environment: Environment) -> str:
    """Return the libpq connection string or URI of MMETERING_DATABASE, with MMETERING_DATABASE_PASSWORD where set.

    Raises:
        ConfigError: with the variable's name.
    """
    conninfo = environment.text("MMETERING_DATABASE")
    password = environment.optional_secret("MMETERING_DATABASE_PASSWORD")
    if password is None:
        return conninfo
    if "://" in conninfo:
        return f"{conninfo}{'&' if '?' in conninfo else '?'}password={quote(password, safe='')}"
    quoted = password.replace("\\", "\\\\").replace("'", "\\'")
    return f"{conninfo} password='{quoted}'"
