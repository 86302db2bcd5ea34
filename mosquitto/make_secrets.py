#!/usr/bin/env python3
"""Make the passwords of a deployment: make_secrets.py DIR [--gateway SLUG]...

What exists stays, so it may run again, for one more gateway. To change a password, delete its file and run again.
Needs Python's own library only.
"""

import argparse
import base64
import hashlib
import re
import secrets
import sys
from pathlib import Path

SERVICES = ("ingest", "alerter", "web", "homeassistant", "reader", "health")
DATABASE_LOGINS = ("password", "ingest", "web", "reader")  # the first is the owner's
ITERATIONS = 1000  # as Mosquitto 2.1 does; our passwords are random, so that no number of them matters
HASH_BYTES = 64  # Mosquitto takes no other length
SLUG = re.compile(r"[a-z0-9-]{1,64}")


def password_hash(password: str, salt: bytes) -> str:
    """Return a password as it stands in Mosquitto's password file.

    Source: Mosquitto's src/password_mosq.c, PBKDF2 with SHA-512: `$7$iterations$salt$hash`.
    """
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS, HASH_BYTES)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def write(path: Path, text: str) -> None:
    """Write a file in place, readable by the user ids of the containers; the directory keeps all others out."""
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)


def make_secret(path: Path) -> bool:
    """Write a random secret unless the file exists; return whether it was written."""
    if path.exists():
        return False
    write(path, secrets.token_hex(24) + "\n")
    return True


def make_login(directory: Path, login: str, hashes: dict[str, str]) -> None:
    """Make a login's password, and its hash where that is missing or was another password's."""
    path = directory / f"mqtt-{login}.txt"
    if make_secret(path) or login not in hashes:
        hashes[login] = password_hash(path.read_text(encoding="utf-8").strip(), secrets.token_bytes(12))


def make_logins(directory: Path, logins: list[str]) -> None:
    """Make the passwords of all logins and Mosquitto's password file; logins that others put there stay."""
    path = directory / "mosquitto-passwords"
    before = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    hashes = dict(line.split(":", 1) for line in before if ":" in line)
    for login in logins:
        make_login(directory, login, hashes)
    write(path, "".join(f"{login}:{line}\n" for login, line in hashes.items()))


def make_health_options(directory: Path) -> None:
    """Write the options of the health check's mosquitto_sub into a file: arguments show in the process list."""
    password = (directory / "mqtt-health.txt").read_text(encoding="utf-8").strip()
    write(directory / "mosquitto_sub", f"-u health\n-P {password}\n")


def gateway(text: str) -> str:
    """Return the name of a gateway; argparse shows the error."""
    if not SLUG.fullmatch(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no slug: 1 to 64 of a-z, 0-9 and '-'")
    if text in SERVICES:
        raise argparse.ArgumentTypeError(f"{text!r} is the login of a service")
    return text


def main() -> int:
    """Make what is missing."""
    parser = argparse.ArgumentParser(description="Make the passwords of a deployment; what exists stays.")
    parser.add_argument("directory", type=Path, metavar="DIR")
    parser.add_argument("--gateway", type=gateway, action="append", metavar="SLUG", help="default: main")
    arguments = parser.parse_args()
    directory: Path = arguments.directory
    directory.mkdir(parents=True, exist_ok=True)
    directory.chmod(0o700)
    make_logins(directory, [*(arguments.gateway or ["main"]), *SERVICES])
    make_health_options(directory)
    for login in DATABASE_LOGINS:
        make_secret(directory / f"database-{login}.txt")
    for name in ("web-secret-key", "grafana-admin"):
        make_secret(directory / f"{name}.txt")
    if not (directory / "smtp-password.txt").exists():
        write(directory / "smtp-password.txt", "")  # the mail server's; only a person knows it
    (directory / "tls").mkdir(exist_ok=True)  # for make_certificates.sh; the broker wants it even when empty
    return 0


if __name__ == "__main__":
    sys.exit(main())
