"""`mmetering-gateway`: read the meters of the plant and publish every reading. `replay` sends archived ones again."""

import argparse
import logging
import os
import signal
import sys
import threading

from mmetering_runtime.config import ConfigError, Environment
from mmetering_runtime.log import start_logging

from mmetering_gateway.config import Config
from mmetering_gateway.gateway import Gateway
from mmetering_gateway.replay import add_arguments, replay
from mmetering_gateway.spool import Spool, SpoolError


def main() -> int:
    """Run the command of the command line, by default the gateway; return 2 when a setting is wrong."""
    parser = argparse.ArgumentParser(prog="mmetering-gateway", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("run", help="read the meters until SIGTERM or SIGINT (the default)")
    add_arguments(commands.add_parser("replay", help="send archived readings once more"))
    arguments = parser.parse_args()
    environment = Environment(os.environ)
    try:
        start_logging(environment)
        if arguments.command == "replay":
            sys.stdout.write(f"{replay(environment, arguments)}\n")
        else:
            _run(environment)
    except (ConfigError, SpoolError) as error:
        sys.stderr.write(f"mmetering-gateway: {error}\n")
        return 2
    return 0


def _run(environment: Environment) -> None:
    # Every reply that does not come is ours to tell, once; pymodbus would tell it again.
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    config = Config.from_env(environment)
    spool = Spool(config.spool, config.bounds)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with spool:
        Gateway(config, spool).run(stopping)


if __name__ == "__main__":
    sys.exit(main())
