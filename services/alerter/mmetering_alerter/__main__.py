"""Run the alerter: `mmetering-alerter`, settings from the environment."""

import os
import signal
import sys
import threading
import time
from datetime import UTC, datetime

from mmetering_runtime.config import ConfigError, Environment
from mmetering_runtime.heartbeat import Heartbeat
from mmetering_runtime.log import Log, start_logging
from mmetering_runtime.mqtt import SessionDeadError

from mmetering_alerter.config import Config
from mmetering_alerter.mail import Postman
from mmetering_alerter.moment import Moment
from mmetering_alerter.mqtt import open_session
from mmetering_alerter.watch import Watch

AFTER_ERROR_S = 1.0

log = Log("alerter")


def main() -> int:
    """Run until SIGTERM or SIGINT; return the exit status."""
    environment = Environment(os.environ)
    try:
        start_logging(environment)
        config = Config.from_env(environment)
    except ConfigError as error:
        sys.stderr.write(f"mmetering-alerter: {error}\n")
        return 2
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    return run(config, stopping)


def run(config: Config, stopping: threading.Event) -> int:
    """Watch until `stopping`; return 0, or 1 if only a restart helps."""
    session = open_session(config.broker, config.copy)
    watch = Watch(config, session, Postman(config.smtp), _now)
    heartbeat = Heartbeat(config.heartbeat)
    session.start()
    try:
        while not stopping.is_set():
            _turn(watch, heartbeat, stopping)
    except SessionDeadError as error:
        log.error("session_dead", reason=error)
        return 1
    finally:
        session.stop()
    return 0


def _turn(watch: Watch, heartbeat: Heartbeat, stopping: threading.Event) -> None:
    """Take one step; the outermost catch, so that no defect in one message or mail ends the watch."""
    try:
        watch.step()
        heartbeat.beat()
    except SessionDeadError:
        raise
    except Exception:  # noqa: BLE001  logged; and without heartbeats the service is unhealthy
        log.error("step_failed", trace=True)
        stopping.wait(AFTER_ERROR_S)


def _now() -> Moment:
    return Moment(time.monotonic(), datetime.now(UTC))


if __name__ == "__main__":
    sys.exit(main())
