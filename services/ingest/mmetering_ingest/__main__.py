"""`mmetering-ingest run`: store every reading. `mmetering-ingest migrate`: bring the schema to this release.

`mmetering-ingest backup FILE` and `restore FILE`: all that the database holds, in one archive, and back.
`mmetering-ingest storage`: what the readings take on disk, and what retention would free.
"""

import argparse
import os
import signal
import sys
import threading
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import psycopg
from mmetering_runtime.config import ConfigError, Environment, database_from
from mmetering_runtime.log import start_logging
from sqlalchemy.exc import DBAPIError

from mmetering_ingest.backup.archive import BackupError, summary
from mmetering_ingest.backup.backup import backup, new_file
from mmetering_ingest.backup.restore import restore
from mmetering_ingest.config import Config
from mmetering_ingest.ingest import Ingest
from mmetering_ingest.keepers import keeping
from mmetering_ingest.quarter_hours import keep_quarter_hours
from mmetering_ingest.schema.logins import LoginError, make_logins, passwords_from
from mmetering_ingest.schema.migrate import migrate, newest_version, update_extension
from mmetering_ingest.schema.retention import keep_retention, retention_from, set_retention
from mmetering_ingest.schema.site import set_time_zone, time_zone_from
from mmetering_ingest.schema.storage import measure, report


def main() -> int:
    """Run the command of the command line; return 2 when a setting is wrong, 1 when it cannot be done."""
    options = _parser().parse_args()
    environment = Environment(os.environ)
    try:
        start_logging(environment)
        if options.command == "run":
            _run(Config.from_env(environment))
        elif options.command == "migrate":
            _migrate(environment, extension=options.extension)
        elif options.command == "backup":
            _backup(database_from(environment), options.file, files=options.files)
        elif options.command == "storage":
            _storage(database_from(environment))
        else:
            _restore(database_from(environment), options.file, replace=options.replace)
    except ConfigError as error:
        sys.stderr.write(f"mmetering-ingest: {error}\n")
        return 2
    except DBAPIError as error:
        sys.stderr.write(f"mmetering-ingest: {error.orig}\n")
        return 1
    except (BackupError, LoginError, OSError, psycopg.Error) as error:
        sys.stderr.write(f"mmetering-ingest: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mmetering-ingest", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("run", help="store every reading")
    migrating = commands.add_parser("migrate", help="bring the schema to this release")
    migrating.add_argument("--extension", action="store_true", help="first bring TimescaleDB to the server's version")
    saving = commands.add_parser("backup", help="write the database into an archive, while everything goes on")
    saving.add_argument("file", metavar="FILE", help="the archive; - is standard output")
    saving.add_argument("--files", action="store_true", help="pack the files of a tar on standard input, too")
    restoring = commands.add_parser("restore", help="bring an archive into an empty database, all or nothing")
    restoring.add_argument("file", metavar="FILE", help="the archive; - is standard input")
    restoring.add_argument("--replace", action="store_true", help="delete first what the database holds")
    commands.add_parser("storage", help="tell what the readings take on disk, and what retention would free")
    return parser


def _migrate(environment: Environment, *, extension: bool) -> None:
    conninfo, passwords = database_from(environment), passwords_from(environment)
    days, zone = retention_from(environment), time_zone_from(environment)
    if extension:
        update_extension(conninfo)
    migrate(conninfo)
    set_retention(conninfo, days)
    set_time_zone(conninfo, zone)
    make_logins(conninfo, passwords)
    sys.stdout.write(f"schema version {newest_version()}\n")


def _backup(conninfo: str, file: str, *, files: bool) -> None:
    to_keep = sys.stdin.buffer if files else None
    with nullcontext(sys.stdout.buffer) if file == "-" else new_file(Path(file)) as target:
        manifest = backup(conninfo, target, to_keep)
    sys.stderr.write(f"backed up: {summary(manifest)}\n")


def _restore(conninfo: str, file: str, *, replace: bool) -> None:
    with nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb") as source:
        manifest = restore(conninfo, source, replace=replace)
    sys.stderr.write(f"restored the same: {summary(manifest)}\n")


def _storage(conninfo: str) -> None:
    with psycopg.connect(conninfo, autocommit=True, prepare_threshold=None) as connection:
        sys.stdout.write(report(measure(connection)))


def _run(config: Config) -> None:
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    keepers = [partial(keep, config.database) for keep in (keep_quarter_hours, keep_retention)]
    with keeping(keepers, stopping):
        Ingest(config, stopping).run()


if __name__ == "__main__":
    sys.exit(main())
