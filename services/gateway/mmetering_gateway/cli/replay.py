"""`mmetering-gateway replay`: send archived readings once more, to refill a database.

The gateway is stopped meanwhile; as soon as it runs again it sends them, the present first. What the database
has already is stored only once.
"""

import argparse
import sys
from datetime import datetime

from mmetering_runtime.config import Environment
from mmetering_runtime.log import start_logging

from mmetering_gateway.config import bounds_from, spool_from
from mmetering_gateway.spool.spool import Spool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the parser which readings can be chosen."""
    parser.add_argument("--from", dest="first", type=_seq, default=1, metavar="SEQ", help="from this number on")
    parser.add_argument(
        "--since", type=_instant, metavar="ISO", help="from this time on, such as 2026-11-20T00:00+01:00"
    )
    parser.add_argument("--rejected", action="store_true", help="also those that were refused")


def run(environment: Environment, chosen: argparse.Namespace) -> int:
    """Open the chosen readings of the spool again, tell how many, and return 0.

    Raises:
        ConfigError: a setting is malformed.
        SpoolError: the spool cannot be opened, or a gateway has it open.
    """
    start_logging(environment)
    with Spool(spool_from(environment), bounds_from(environment)) as spool:
        count = spool.replay(chosen.first, chosen.since, rejected=chosen.rejected)
    sys.stdout.write(f"{count} readings will be sent again when the gateway runs.\n")
    return 0


def _seq(text: str) -> int:
    if int(text) < 1:
        raise ValueError(text)
    return int(text)


def _instant(text: str) -> datetime:
    """Return an instant; without a zone the machine's holds."""
    return datetime.fromisoformat(text).astimezone()
