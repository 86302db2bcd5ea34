"""The simulator's commands: run a building, pull meters off their bus, and tell a gateway of it and of its past."""

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mmetering_gateway.spool.spool import Spool, SpoolError

from mmetering_simulator.building import DEFAULT, Building, BuildingError, load_building
from mmetering_simulator.house import open_house
from mmetering_simulator.past import write_past
from mmetering_simulator.plant import plant
from mmetering_simulator.tcp import TcpBus
from mmetering_simulator.unplugged import Unplugged

ENDS = {signal.SIGINT, signal.SIGTERM}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0, or 1 with one sentence on standard error."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace, Building], None] = options.command
    try:
        command(options, load_building(options.building).with_ports(dict(options.port)))
    except (BuildingError, SpoolError) as error:
        sys.stderr.write(f"mmetering-simulator: {error}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--building", type=Path, default=DEFAULT, help="TOML file; the one that we ship by default")
    common.add_argument("--state", type=Path, default=Path("simulator-state"), help="directory for what must last")
    common.add_argument(
        "--port", type=_port, action="append", default=[], metavar="BUS=PORT", help="another TCP port for a bus"
    )
    common.add_argument("--host", default="127.0.0.1", help="address of the TCP ports")
    parser = argparse.ArgumentParser(prog="mmetering-simulator", description=__doc__)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", parents=[common], help="run all buses until a signal ends it")
    run.set_defaults(command=_run)
    for name, change in (("unplug", Unplugged.unplug), ("plug", Unplugged.plug)):
        command = commands.add_parser(name, parents=[common], help=f"{name} a meter of the running building")
        command.add_argument("meter", help="its slug")
        command.set_defaults(command=_change, change=change)
    described = commands.add_parser("plant", parents=[common], help="print the plant for a gateway, as TOML")
    described.set_defaults(command=_plant)
    past = commands.add_parser("past", parents=[common], help="write quarter hours into the spool of a gateway")
    past.add_argument("--spool", type=Path, required=True, help="the gateway's spool; the gateway must not be running")
    past.add_argument("--days", type=int, default=60, help="how far back to go; 60 by default")
    past.set_defaults(command=_past)
    return parser


def _port(text: str) -> tuple[str, int]:
    bus, _, port = text.partition("=")
    return bus, int(port)


def _run(options: argparse.Namespace, building: Building) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)  # before there are threads, which inherit it
    with open_house(building, options.state, options.host) as buses:
        for name, bus in buses.items():
            where = f"port={bus.port}" if isinstance(bus, TcpBus) else f"path={bus.path}"
            sys.stdout.write(f"bus={name} {where} meters={','.join(building.on_bus(name))}\n")
        sys.stdout.flush()
        signal.sigwait(ENDS)


def _change(options: argparse.Namespace, building: Building) -> None:
    if options.meter not in building.meter:
        raise BuildingError(f"there is no meter {options.meter!r}; there are {', '.join(building.meter)}")
    options.change(Unplugged(options.state), options.meter)


def _plant(options: argparse.Namespace, building: Building) -> None:
    sys.stdout.write(plant(building, options.state, options.host))


def _past(options: argparse.Namespace, building: Building) -> None:
    with Spool(options.spool) as spool:
        written = write_past(building, spool, days=options.days, now=time.time())
    sys.stdout.write(f"readings={written}\n")


if __name__ == "__main__":
    sys.exit(main())
