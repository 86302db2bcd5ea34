"""`mmetering-gateway set-address` and `set-baud`: change a meter, and make sure that it answers as it should."""

import argparse
import sys

from mmetering_contract.command import Verb
from mmetering_runtime.config import Environment

from mmetering_gateway.cli.bus import add_meter, address_of
from mmetering_gateway.cli.console import open_console
from mmetering_gateway.cli.password import add_password, password_of
from mmetering_gateway.cli.show import document, sentence
from mmetering_gateway.commands.settings import Changed


def add_address_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which meter and its new address."""
    _add_common(parser)
    parser.add_argument("to", type=int, metavar="ADDRESS", help="the new one, 1 to 247, which must be free")


def add_baud_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which meter and its new speed."""
    _add_common(parser)
    parser.add_argument("to", type=int, metavar="BAUD", help="the new speed")
    parser.add_argument("--to-parity", choices=["N", "E", "O"], help="the new parity; as it is")
    parser.add_argument("--to-stop-bits", type=int, choices=[1, 2], help="the new stop bits; as they are")


def set_address(environment: Environment, chosen: argparse.Namespace) -> int:
    """Give a meter another address.

    Raises:
        ConfigError: a setting is wrong.
        CommandError: it did not come to that; it says how things stand.
        ModbusError: the bus is away.
    """
    return _change(environment, chosen, "set-address", to=chosen.to)


def set_baud(environment: Environment, chosen: argparse.Namespace) -> int:
    """Give a meter another speed.

    Raises:
        ConfigError: a setting is wrong.
        CommandError: it did not come to that; it says how things stand.
        ModbusError: the bus is away.
    """
    settings = {"baud": chosen.to, "parity": chosen.to_parity, "stop_bits": chosen.to_stop_bits}
    return _change(environment, chosen, "set-baud", **settings)


def _change(environment: Environment, chosen: argparse.Namespace, verb: Verb, **settings: object) -> int:
    password = password_of(environment, chosen)
    with open_console(environment, chosen) as console:
        address = address_of(console.place, chosen.meter)
        changed = console.do(verb, Changed, address=address, password=password, wait_s=chosen.wait, **settings)
    sys.stdout.write(document(changed) if chosen.json else changed_text(changed))
    return 0


def changed_text(changed: Changed) -> str:
    """Return what was changed, and what to do now."""
    number = f" {changed.serial}" if changed.serial else ""
    what = f"{changed.model or 'meter'}{number}: {changed.old} is now {changed.new}.\n"
    return what + "".join(f"{sentence(note)}\n" for note in changed.notes)


def _add_common(parser: argparse.ArgumentParser) -> None:
    add_meter(parser)
    add_password(parser)
    parser.add_argument("--wait", type=int, default=60, metavar="SECONDS", help="for a button or a restart, if need be")
    parser.add_argument("--json", action="store_true", help="print JSON")
