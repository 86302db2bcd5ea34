"""`mmetering-gateway read` and `watch`: what a meter measures, now or again and again."""

import argparse
import sys
import time
from collections.abc import Mapping
from datetime import datetime

import msgspec
from mmetering_runtime.config import ConfigError, Environment

from mmetering_gateway.bus.errors import ModbusError
from mmetering_gateway.cli.bus import add_meter, address_of
from mmetering_gateway.cli.console import Console, open_console
from mmetering_gateway.cli.show import document, table
from mmetering_gateway.commands import CommandError
from mmetering_gateway.commands.read import ReadOut, Value

HOME = "\x1b[H\x1b[2J"  # the terminal's screen empty, and to its first line (ECMA-48, 8.3.21 and 8.3.39)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which meter, what of it, and how to show it."""
    add_meter(parser)
    parser.add_argument("rest", nargs="*", metavar="QUANTITY", help="such as voltage_l1; all that there are")
    parser.add_argument("--model", default="", help="register table to read by; the plant's, or the one that fits")
    parser.add_argument("--register", type=_integer, metavar="ADDRESS", help="read registers as they are, from here on")
    parser.add_argument("--count", type=int, default=2, help="so many registers; 2")
    parser.add_argument("--holding", action="store_true", help="holding registers (function 03), not input registers")
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_watch_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `read` takes, and how often."""
    add_arguments(parser)
    parser.add_argument("--every", type=float, default=2.0, metavar="SECONDS", help="2")


def run(environment: Environment, chosen: argparse.Namespace) -> int:
    """Read a meter once, and show it.

    Raises:
        ConfigError: a setting is wrong.
        CommandError: it does not answer, or there is no such quantity.
        ModbusError: the bus is away.
    """
    with open_console(environment, chosen) as console:
        read = console.do("read", ReadOut, **_wanted(console, chosen))
    sys.stdout.write(document(read) if chosen.json else values_table(read))
    return 0


def watch(environment: Environment, chosen: argparse.Namespace) -> int:
    """Read a meter again and again until Ctrl-C; a time without an answer is shown as well.

    Raises:
        ConfigError: a setting is wrong.
        CommandError: the gateway cannot be asked.
    """
    if chosen.every <= 0:
        raise ConfigError("--every is more than 0 seconds")
    with open_console(environment, chosen) as console:
        wanted = _wanted(console, chosen)
        while True:
            began = time.monotonic()
            sys.stdout.write(_shown(console, wanted, as_json=chosen.json))
            sys.stdout.flush()
            time.sleep(max(0.0, began + chosen.every - time.monotonic()))


def values_table(read: ReadOut) -> str:
    """Return the values that a meter gave, and which it did not."""
    raw = any(value.words for value in read.values)
    header = ("register", "registers", "as a number") if raw else ("quantity", "value", "unit", "")
    text = table(header, [_raw(value) if raw else _row(value) for value in read.values])
    return text + (f"not given: {', '.join(read.missing)}\n" if read.missing else "")


def _shown(console: Console, wanted: Mapping[str, object], *, as_json: bool) -> str:
    """Return what a meter measures now: a screen, a line of JSON, or a table below its time."""
    now = datetime.now().astimezone()
    try:
        read = console.do("read", ReadOut, **wanted)
    except (CommandError, ModbusError) as error:
        return f"{now:%H:%M:%S}  {error}\n"
    if as_json:
        return msgspec.json.encode({"at": now, **msgspec.to_builtins(read)}).decode() + "\n"
    screen = HOME if sys.stdout.isatty() else ""
    return f"{screen}{now:%H:%M:%S}  {console.bus}, address {read.address}\n{values_table(read)}\n"


def _wanted(console: Console, chosen: argparse.Namespace) -> dict[str, object]:
    return {
        "address": address_of(console.place, chosen.meter),
        "model": chosen.model,
        "quantities": chosen.rest,
        "register": chosen.register,
        "count": chosen.count,
        "holding": chosen.holding,
    }


def _row(value: Value) -> tuple[object, ...]:
    return (value.quantity, value.value, value.unit, "cannot be true" if value.suspect else "")


def _raw(value: Value) -> tuple[object, ...]:
    return (f"0x{value.register:04X}", " ".join(f"{word:04X}" for word in value.words), value.value)


def _integer(text: str) -> int:
    """Return a number in decimal, or in hexadecimal behind 0x; argparse shows the error."""
    return int(text, 0)
