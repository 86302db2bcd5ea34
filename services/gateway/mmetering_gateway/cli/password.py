"""The password of a meter, 0 to 9999: from a file, the environment or a prompt, never from the command line.

Without one a meter is tried with the password that its model comes with.
"""

import argparse
import getpass
from pathlib import Path

from mmetering_runtime.config import ConfigError, Environment

NAME = "MMETERING_METER_PASSWORD"
MOST = 9999


def add_password(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where the password comes from."""
    sources = parser.add_mutually_exclusive_group()
    sources.add_argument(
        "--password-file", type=Path, metavar="FILE", help=f"that holds the meter's password; or {NAME}"
    )
    sources.add_argument("--ask-password", action="store_true", help="ask for the meter's password; 1000 is tried else")


def password_of(environment: Environment, chosen: argparse.Namespace) -> int | None:
    """Return the meter's password; None where the one of its model is to be tried.

    Raises:
        ConfigError: it cannot be read, or is no number of four digits.
    """
    if chosen.ask_password:
        return _number(getpass.getpass("password of the meter: "), "what was typed")
    if chosen.password_file:
        file = Environment({f"{NAME}_FILE": str(chosen.password_file)})
        return _number(file.secret(NAME), str(chosen.password_file))
    if any(environment.variables.get(name) for name in (NAME, f"{NAME}_FILE")):
        return _number(environment.secret(NAME), NAME)
    return None


def _number(text: str, source: str) -> int:
    if not text.strip().isdecimal() or int(text) > MOST:
        raise ConfigError(f"{source} is no password of a meter, which is a number of 0 to {MOST}")
    return int(text)
