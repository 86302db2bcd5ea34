"""`mmetering-import SOURCE`: bring the readings of mmetering-server in, over the broker, as those of a gateway.

SOURCE is a dump of mysqldump or phpMyAdmin (.sql or .sql.gz) or a server, mysql://USER@HOST/DATABASE, whose password
stands in MMETERING_OLD_DATABASE_PASSWORD or the file that MMETERING_OLD_DATABASE_PASSWORD_FILE names.
Exit status: 0 done, 1 it came to nothing or readings were refused, 2 a setting or an option is wrong, 130 Ctrl-C.
"""

import argparse
import os
import sys
from pathlib import Path

import msgspec
from mmetering_runtime.config import ConfigError, Environment, broker_from
from mmetering_runtime.log import start_logging

from mmetering_importer.dump import Dump
from mmetering_importer.inventory import epoch_of, flats_of, meters_of
from mmetering_importer.mapping import MappingError, entries_of, known_of
from mmetering_importer.mqtt import RefusedError
from mmetering_importer.mysql import Live
from mmetering_importer.plan import plan_of
from mmetering_importer.position import PositionError
from mmetering_importer.report import table
from mmetering_importer.source import Source, SourceError
from mmetering_importer.transfer import Old, Transfer, examine

URL = "mysql://"
LOGIN = "import"


def main() -> int:
    """Do what the command line says, and return the exit status; whatever ends it is told in one sentence."""
    options, environment = _parser().parse_args(), Environment(os.environ)
    try:
        return _run(options, environment)
    except (SourceError, RefusedError, OSError) as error:
        sys.stderr.write(f"mmetering-import: {error}\n")
        return 1
    except (ConfigError, MappingError, PositionError) as error:
        sys.stderr.write(f"mmetering-import: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="mmetering-import", description=__doc__)
    parser.add_argument("source", metavar="SOURCE", help="a dump, or mysql://USER@HOST/DATABASE")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--dry-run", action="store_true", help="say what the readings are worth, and send nothing")
    what.add_argument("--plan", action="store_true", help="print flats, meters and people as JSON, and send nothing")
    parser.add_argument("--json", action="store_true", help="with --dry-run: one JSON document")
    parser.add_argument("--mapping", type=Path, metavar="FILE", help="a TOML file that names the old meters")
    parser.add_argument("--position", type=Path, metavar="FILE", help="where to note how far it has come")
    parser.add_argument("--again", action="store_true", help="send all, also what has a receipt; nothing is doubled")
    return parser


def _run(options: argparse.Namespace, environment: Environment) -> int:
    zone = environment.time_zone("MMETERING_TIME_ZONE", "Europe/Berlin")
    source = _source(options.source, environment)
    flats = flats_of(source)
    entries = entries_of(options.mapping.read_text(encoding="utf-8")) if options.mapping else ()
    meters = meters_of(source, flats)
    known = known_of(meters, entries)
    if not known:
        raise SourceError("there is no meter to import")
    old = Old(source, epoch_of(meters), known, zone)
    if options.plan:
        _write_json(plan_of(source, flats, known, zone.key))
    elif options.dry_run:
        report = examine(old)
        _write_json(report) if options.json else sys.stdout.write(table(report))
    else:
        return _transfer(old, options, environment)
    return 0


def _source(place: str, environment: Environment) -> Source:
    if place.startswith(URL):
        return Live(place, environment.secret("MMETERING_OLD_DATABASE_PASSWORD"))
    return Dump(Path(place))


def _transfer(old: Old, options: argparse.Namespace, environment: Environment) -> int:
    start_logging(environment)
    broker = broker_from(environment, username=LOGIN)
    file = options.position or Path(f"mmetering-import-{old.epoch}.json")
    transfer = Transfer(old, broker, file, again=options.again)
    transfer.run()
    sys.stdout.write(_summary(transfer))
    return 1 if transfer.rejected else 0


def _summary(transfer: Transfer) -> str:
    is_new = transfer.stored or transfer.rejected
    begin = f"stored {transfer.stored:,} readings; " if is_new else "nothing new: "
    lines = [f"{begin}{transfer.before:,} {'' if is_new else 'readings '}had a receipt before"]
    if transfer.rejected:
        lines.append(f"refused {transfer.rejected:,} readings: the table `rejected` has them, with reasons")
    if transfer.rejected_before:
        lines.append(f"{transfer.rejected_before:,} had been refused before; --again sends them once more")
    return "\n".join(lines) + "\n"


def _write_json(document: object) -> None:
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document)).decode() + "\n")


if __name__ == "__main__":
    sys.exit(main())
