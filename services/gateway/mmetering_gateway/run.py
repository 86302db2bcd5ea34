"""`mmetering-gateway run`: read the meters of the plant and publish every reading, until SIGTERM or SIGINT."""

import argparse
import logging
import signal
import threading

from mmetering_runtime.config import Environment
from mmetering_runtime.log import start_logging

from mmetering_gateway.clock import Clock, ntp_has_set_it
from mmetering_gateway.config import Config
from mmetering_gateway.gateway import Gateway
from mmetering_gateway.spool.spool import Spool


def run(environment: Environment, _chosen: argparse.Namespace) -> int:
    """Be the gateway until a signal ends it; return 0.

    Raises:
        ConfigError: a setting is wrong.
        SpoolError: the spool cannot be opened, or a gateway has it open.
    """
    start_logging(environment)
    # Every reply that does not come is ours to tell, once; pymodbus would tell it again.
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    config = Config.from_env(environment)
    spool = Spool(config.spool, config.bounds)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with spool:
        clock = Clock(ntp_has_set_it if config.asks_ntp else None, good_boot=spool.good_boot())
        Gateway(config, spool, clock).run(stopping)
    return 0
