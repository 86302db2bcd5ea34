"""`mmetering-gateway scan`: which meters answer on a bus."""

import argparse
import sys
from pathlib import Path

from mmetering_runtime.config import ConfigError, Environment

from mmetering_gateway.cli.bus import add_bus
from mmetering_gateway.cli.console import open_console
from mmetering_gateway.cli.show import document, table
from mmetering_gateway.cli.start import start_text
from mmetering_gateway.commands.scan import Found

HEADER = ("address", "model", "serial", "version", "speed", "voltage", "in the plant", "note")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what to look for, and how to show it."""
    parser.add_argument("--addresses", default="1-247", metavar="LIST", help="such as 1-32 or 1,5,10-20; 1-247")
    parser.add_argument("--bauds", type=_numbers, default=(), metavar="LIST", help="speeds to try, such as 2400,9600")
    parser.add_argument("--parities", type=_letters, default=(), metavar="LIST", help="parities to try, such as N,E")
    parser.add_argument("--new", action="store_true", help="leave out the addresses that the plant has")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", metavar="FILE", help="make a plant of what was found; - prints it")
    add_bus(parser)


def run(environment: Environment, chosen: argparse.Namespace) -> int:
    """Scan, and show who answered; return 1 where nobody did.

    Raises:
        ConfigError: a setting is wrong, or the file to write is there already.
        CommandError: it failed.
        ModbusError: the bus is away.
    """
    if Path(chosen.write or "-").exists():
        raise ConfigError(f"{chosen.write} is there already and stays as it is")
    with open_console(environment, chosen) as console:
        found = console.do(
            "scan",
            tuple[Found, ...],
            addresses=chosen.addresses,
            bauds=chosen.bauds,
            parities=chosen.parities,
            known=not chosen.new,
        )
    plant = start_text(console.place, found)
    if chosen.write == "-":
        sys.stdout.write(plant)
        return 0
    sys.stdout.write(document(found) if chosen.json else scan_table(found))
    if chosen.write:
        with Path(chosen.write).open("x", encoding="utf-8") as file:
            file.write(plant)
    return 0 if found else 1


def scan_table(found: tuple[Found, ...]) -> str:
    """Return the meters as a table, or that there is none."""
    if not found:
        return "Nobody answered. `mmetering-gateway diagnose` looks for the reason.\n"
    return table(HEADER, [_row(meter) for meter in found])


def _row(meter: Found) -> tuple[object, ...]:
    models = " or ".join(meter.models) or meter.model or "unknown"
    voltage = None if meter.voltage_l1 is None else f"{meter.voltage_l1:.1f} V"
    return (meter.address, models, meter.serial, meter.version, _speed(meter), voltage, meter.slug or "no", meter.note)


def _speed(meter: Found) -> str:
    """Return such as `9600 8N1`; empty behind a converter, which has its own."""
    return "" if meter.baud is None else f"{meter.baud} 8{meter.parity}{meter.stop_bits}"


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


def _letters(text: str) -> tuple[str, ...]:
    return tuple(letter.strip().upper() for letter in text.split(","))
