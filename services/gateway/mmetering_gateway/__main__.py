"""`mmetering-gateway`: read meters and publish every reading; and all that a person does on a bus.

Exit status: 0 done, 1 it came to nothing, 2 a setting or an option is wrong, 130 Ctrl-C.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from mmetering_runtime.config import ConfigError, Environment

from mmetering_gateway import run
from mmetering_gateway.bus.errors import ModbusError
from mmetering_gateway.cli import commission, diagnose, identify, plan, read, replay, scan, settings, simulate
from mmetering_gateway.commands import CommandError
from mmetering_gateway.spool.spool import SpoolError

Run = Callable[[Environment, argparse.Namespace], int]


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: what it does in a line, its options, and the function that runs it and returns the exit status."""

    help: str
    run: Run
    add_arguments: Callable[[argparse.ArgumentParser], None] = lambda _parser: None


ENTRIES = {
    "run": Entry("read the meters until SIGTERM or SIGINT (the default)", run.run),
    "scan": Entry("look which meters answer on a bus", scan.run, scan.add_arguments),
    "commission": Entry("give new meters addresses and names, one by one", commission.run, commission.add_arguments),
    "identify": Entry("ask a meter who it is", identify.run, identify.add_arguments),
    "read": Entry("read a meter once", read.run, read.add_arguments),
    "watch": Entry("read a meter again and again", read.watch, read.add_watch_arguments),
    "diagnose": Entry("say what is wrong with a bus or a meter", diagnose.run, diagnose.add_arguments),
    "set-address": Entry("give a meter another address", settings.set_address, settings.add_address_arguments),
    "set-baud": Entry("give a meter another speed", settings.set_baud, settings.add_baud_arguments),
    "plan": Entry("show what will be asked, and how busy the buses are", plan.run, plan.add_arguments),
    "replay": Entry("send archived readings once more", replay.run, replay.add_arguments),
    "simulate": Entry("run simulated meters; takes the options of the simulator", simulate.run, simulate.add_arguments),
}


def main() -> int:
    """Run the command of the command line, by default the gateway, and return the exit status."""
    parser = argparse.ArgumentParser(prog="mmetering-gateway", description=__doc__)
    parser.set_defaults(command="run")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, entry in ENTRIES.items():
        entry.add_arguments(
            commands.add_parser(name, help=entry.help, description=entry.help, add_help=name != "simulate")
        )
    chosen, rest = parser.parse_known_args()  # argparse before 3.12.7 leaves over what follows an option
    if rest and (not hasattr(chosen, "rest") or (rest[0][0] == "-" and chosen.command != "simulate")):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    chosen.rest = [*getattr(chosen, "rest", ()), *rest]
    return _run(ENTRIES[chosen.command or "run"], Environment(os.environ), chosen)


def _run(entry: Entry, environment: Environment, chosen: argparse.Namespace) -> int:
    """Run a command; whatever ends it is told in one sentence."""
    if entry.run not in (run.run, replay.run):
        logging.disable()  # what a person has asked for is told once, by what is raised
    try:
        return entry.run(environment, chosen)
    except (CommandError, ModbusError, OSError) as error:
        sys.stderr.write(f"mmetering-gateway: {error}\n")
        return 1
    except (ConfigError, SpoolError) as error:
        sys.stderr.write(f"mmetering-gateway: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
