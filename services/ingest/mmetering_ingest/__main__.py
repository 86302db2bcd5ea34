"""`mmetering-ingest run`: store every reading. `mmetering-ingest migrate`: bring the schema to this release."""

import argparse
import os
import signal
import sys
import threading

import psycopg
from mmetering_runtime.config import ConfigError, Environment, database_from
from mmetering_runtime.log import start_logging
from sqlalchemy.exc import DBAPIError

from mmetering_ingest.config import Config
from mmetering_ingest.ingest import Ingest
from mmetering_ingest.migrate import migrate, newest_version
from mmetering_ingest.quarter_hours import keep_quarter_hours


def main() -> int:
    """Run the command of the command line; return 2 when a setting is wrong, 1 when the database refuses."""
    parser = argparse.ArgumentParser(prog="mmetering-ingest", description=__doc__)
    parser.add_argument("command", choices=("run", "migrate"))
    command = parser.parse_args().command
    environment = Environment(os.environ)
    try:
        start_logging(environment)
        if command == "migrate":
            migrate(database_from(environment))
            sys.stdout.write(f"schema version {newest_version()}\n")
        else:
            _run(Config.from_env(environment))
    except ConfigError as error:
        sys.stderr.write(f"mmetering-ingest: {error}\n")
        return 2
    except (psycopg.Error, DBAPIError) as error:
        sys.stderr.write(f"mmetering-ingest: {error}\n")
        return 1
    return 0


def _run(config: Config) -> None:
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    quarter_hours = threading.Thread(target=keep_quarter_hours, args=(config.database, stopping), name="quarter-hours")
    try:
        quarter_hours.start()
        Ingest(config, stopping).run()
    finally:
        stopping.set()
        quarter_hours.join()


if __name__ == "__main__":
    sys.exit(main())
