"""`mmetering-gateway`: read the meters of the plant and publish every reading."""

import logging
import os
import signal
import sys
import threading

from mmetering_runtime.config import ConfigError, Environment
from mmetering_runtime.log import start_logging

from mmetering_gateway.config import Config
from mmetering_gateway.gateway import Gateway
from mmetering_gateway.spool import Spool, SpoolError


def main() -> int:
    """Run the gateway until SIGTERM or SIGINT; return 2 when a setting is wrong."""
    environment = Environment(os.environ)
    try:
        start_logging(environment)
        # Every reply that does not come is ours to tell, once; pymodbus would tell it again.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        config = Config.from_env(environment)
        spool = Spool(config.spool)
    except (ConfigError, SpoolError) as error:
        sys.stderr.write(f"mmetering-gateway: {error}\n")
        return 2
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with spool:
        Gateway(config, spool).run(stopping)
    return 0


if __name__ == "__main__":
    sys.exit(main())
