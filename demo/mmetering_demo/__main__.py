"""`mmetering-demo`: the whole system on this machine, with simulated meters, until Ctrl-C or SIGTERM."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Mapping

from honcho.environ import parse_procfile
from honcho.manager import Manager
from mmetering_runtime.config import ConfigError, Environment

from mmetering_demo.broker import prepare_broker
from mmetering_demo.checkout import CHECKOUT
from mmetering_demo.folder import PERSON, Folder, RunningError
from mmetering_demo.mailbox import serve_mailbox
from mmetering_demo.ports import Ports, PortTakenError
from mmetering_demo.welcome import welcome

STOPPED = {128 + signal.SIGINT, 128 + signal.SIGTERM}  # honcho's status after a person's wish; no failure


def main() -> int:
    """Run the command of the command line; return 1 with one sentence on standard error when that cannot be."""
    parser = argparse.ArgumentParser(prog="mmetering-demo", description=__doc__)
    commands = ("run", "forget", "mailbox", "welcome")
    parser.add_argument("command", nargs="?", default="run", choices=commands)
    command = parser.parse_args().command
    folder = Folder.from_env(os.environ)
    try:
        ports = Ports.from_env(Environment(os.environ))
        if command == "run":
            return _run(folder, ports)
        if command == "forget":
            _forget(folder)
        elif command == "mailbox":
            host = Environment(os.environ).text("MMETERING_MAILBOX_HOST", "127.0.0.1")
            serve_mailbox(folder.mails, host, ports.smtp, ports.mailbox)
        else:
            welcome(folder, ports)
    except (ConfigError, PortTakenError, RunningError, OSError, subprocess.CalledProcessError) as error:
        print(f"mmetering-demo: {error}", file=sys.stderr)
        return 1
    return 0


def _run(folder: Folder, ports: Ports) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # as long as nothing runs; then it is the runner's
    signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))  # the terminal was closed
    ports.check_free()
    with folder.held():
        environment = folder.environment(ports)
        _prepare(folder, ports, environment)
        with folder.postgres(ports.postgres).running():
            _call(folder.as_owner(environment), "mmetering-ingest", "migrate")
            _add_person(folder, folder.with_login(environment, "web"))
            return _run_procfile(environment)


def _forget(folder: Folder) -> None:
    with folder.held():
        folder.forget()


def _prepare(folder: Folder, ports: Ports, environment: Mapping[str, str]) -> None:
    """Make what the programs want to find; what is there stays, and the past goes on where it ended."""
    prepare_broker(folder.broker, ports.mqtt)
    folder.make_person_password()
    building = ("--state", str(folder.building), "--port", f"flats={ports.modbus}")
    folder.plant.write_text(_call(environment, "mmetering-simulator", "plant", *building), encoding="utf-8")
    days = str(Environment(environment).integer("MMETERING_PAST_DAYS", 60, low=0, high=365))
    print(f"Writing what is missing of the last {days} days ...", flush=True)
    _call(environment, "mmetering-simulator", "past", "--spool", str(folder.spool), "--days", days)
    folder.postgres(ports.postgres).create(folder.database_password.read_text(encoding="utf-8").strip())


def _add_person(folder: Folder, environment: Mapping[str, str]) -> None:
    person = ("person", "add", PERSON, "--role", "administrator", "--if-missing")
    _call(environment, "mmetering-web", *person, "--password-file", str(folder.person_password))


def _call(environment: Mapping[str, str], *command: str) -> str:
    """Run a command to its end and return what it says."""
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


def _run_procfile(environment: Mapping[str, str]) -> int:
    manager = Manager()
    for name, command in parse_procfile((CHECKOUT / "Procfile").read_text()).processes.items():
        manager.add_process(name, command, env=dict(environment), cwd=CHECKOUT)
    manager.loop()
    return 0 if manager.returncode in STOPPED else 1


if __name__ == "__main__":
    sys.exit(main())
