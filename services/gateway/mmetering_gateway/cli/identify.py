"""`mmetering-gateway identify`: which meter answers at an address."""

import argparse
import sys

from mmetering_runtime.config import Environment

from mmetering_gateway.cli.bus import add_meter, address_of
from mmetering_gateway.cli.console import open_console
from mmetering_gateway.cli.show import document, table
from mmetering_gateway.commands.identify import Identity


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which meter, and how to show it."""
    add_meter(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(environment: Environment, chosen: argparse.Namespace) -> int:
    """Ask a meter who it is, and show it.

    Raises:
        ConfigError: a setting is wrong.
        CommandError: nobody answers.
        ModbusError: the bus is away.
    """
    with open_console(environment, chosen) as console:
        identity = console.do("identify", Identity, address=address_of(console.place, chosen.meter))
    sys.stdout.write(document(identity) if chosen.json else identity_table(identity))
    return 0


def identity_table(identity: Identity) -> str:
    """Return what a meter told of itself, a line for each."""
    code = None if identity.code is None else f"0x{identity.code:04X}"
    speed = identity.baud and f"{identity.baud} 8{identity.parity}{identity.stop_bits}"
    rows = (
        ("model", " or ".join(identity.models) or identity.model or "unknown"),
        ("serial number", identity.serial),
        ("code", code),
        ("version", identity.version),
        ("address", str(identity.address)),
        ("in the plant", identity.slug or "no"),
        ("address set", identity.own_address and str(identity.own_address)),
        ("speed set", speed),
        ("wired up as", identity.system),
        ("current", identity.current_a and f"{identity.current_a:g} A"),
        ("voltage", identity.voltage_l1 and f"{identity.voltage_l1:.1f} V"),
    )
    return table(("", ""), [row for row in rows if row[1]]).lstrip("\n")
