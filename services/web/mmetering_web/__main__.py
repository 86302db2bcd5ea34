"""The command `mmetering-web`: serve the pages; people and points from a terminal. Passwords never as arguments."""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from getpass import getpass
from pathlib import Path

from mmetering_runtime.config import ConfigError, Environment, database_from
from mmetering_runtime.log import start_logging

from mmetering_web.config import Config
from mmetering_web.database import AwayError, ConflictError, Database, StoreError
from mmetering_web.password import SHORTEST, hash_of
from mmetering_web.points import COUNTERS, KINDS
from mmetering_web.rows import ROLES
from mmetering_web.server import Server
from mmetering_web.store import Store


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    try:
        start_logging(Environment(os.environ))
        return int(options.run(options))
    except (ConfigError, StoreError) as error:
        sys.stderr.write(f"mmetering-web: {error}\n")
        return 1


def _serve(_options: argparse.Namespace) -> int:
    Server(Config.from_env(Environment(os.environ))).run()
    return 0


def _person_add(options: argparse.Namespace) -> int:
    with _store() as store:
        if options.if_missing and store.person_by_name(options.name):
            return 0
        store.add_person(options.name, hash_of(_password(options)), options.role)
    return 0


def _person_password(options: argparse.Namespace) -> int:
    with _store() as store:
        store.set_password(options.name, hash_of(_password(options)))
    return 0


def _person_list(_options: argparse.Namespace) -> int:
    with _store() as store:
        for person in store.people():
            sys.stdout.write(f"{person.name}\t{person.role}\t{person.created_at:%Y-%m-%d}\n")
    return 0


def _point_add(options: argparse.Namespace) -> int:
    deadline = time.monotonic() + options.wait
    with _store() as store:
        while True:
            try:
                if not (options.if_missing and any(point.name == options.name for point in store.points())):
                    store.assign(options.meter, options.name, options.kind, options.counter)
                return 0
            except (AwayError, ConflictError):
                if time.monotonic() > deadline:
                    raise
            time.sleep(0.5)


def _point_list(_options: argparse.Namespace) -> int:
    with _store() as store:
        for point in store.points():
            sys.stdout.write(f"{point.name}\t{point.kind}\t{point.meter or '-'}\n")
    return 0


@contextmanager
def _store() -> Iterator[Store]:
    database = Database(database_from(Environment(os.environ)))
    try:
        yield Store(database)
    finally:
        database.close()


def _password(options: argparse.Namespace) -> str:
    """Return the password from the file, from a terminal without echo, or else from the first line of stdin."""
    file: Path | None = options.password_file
    if file:
        try:
            password = file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"--password-file {file}: {error}") from None
    elif sys.stdin.isatty():
        password = getpass("Password: ")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if len(password) < SHORTEST:
        raise ConfigError(f"the password has {len(password)} characters, and needs {SHORTEST}")
    return password


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("mmetering-web", description="The dashboard of a building's meters.")
    areas = parser.add_subparsers(required=True)
    serve = areas.add_parser("serve", help="serve the pages; settings come from the environment")
    serve.set_defaults(run=_serve)

    person = areas.add_parser("person", help="who may log in").add_subparsers(required=True)
    add = person.add_parser("add", help="add somebody; the password comes from stdin or a file")
    add.add_argument("name")
    add.add_argument("--role", choices=ROLES, default="viewer")
    add.add_argument("--password-file", type=Path)
    add.add_argument("--if-missing", action="store_true", help="do nothing when there is such a person already")
    add.set_defaults(run=_person_add)
    password = person.add_parser("password", help="give somebody a new password, from stdin or a file")
    password.add_argument("name")
    password.add_argument("--password-file", type=Path)
    password.set_defaults(run=_person_password)
    person.add_parser("list", help="list everybody").set_defaults(run=_person_list)

    point = areas.add_parser("point", help="what is metered").add_subparsers(required=True)
    add = point.add_parser("add", help="put a meter onto a point, a new one where nobody knows its name")
    add.add_argument("name")
    add.add_argument("--kind", choices=tuple(KINDS), required=True)
    add.add_argument("--meter", required=True, help="slug of the meter")
    add.add_argument("--counter", choices=tuple(COUNTERS), default="import", help="which counter counts")
    add.add_argument("--if-missing", action="store_true", help="do nothing when there is such a point already")
    add.add_argument("--wait", type=float, default=0.0, metavar="S", help="wait so long for the meter's first reading")
    add.set_defaults(run=_point_add)
    point.add_parser("list", help="list the points").set_defaults(run=_point_list)
    return parser


if __name__ == "__main__":
    sys.exit(main())
