"""`mmetering-gateway plan`: what the gateway will ask on each bus, and how much of its time that will take."""

import argparse
import sys

from mmetering_runtime.config import Environment

from mmetering_gateway.cli.bus import plant_in_force
from mmetering_gateway.cli.show import document, table
from mmetering_gateway.plant.forecast import BusForecast, GroupForecast, ReadForecast, forecast_of

HEADER = ("group", "every", "takes", "load", "model", "meters", "each", "bytes", "requests")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how to show it."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(environment: Environment, chosen: argparse.Namespace) -> int:
    """Show what the plant's buses will have to do; return 1 where one cannot carry that.

    Raises:
        ConfigError: the plant cannot be read.
    """
    buses = forecast_of(plant_in_force(environment))
    sys.stdout.write(document(buses) if chosen.json else "\n".join(_text(bus) for bus in buses))
    return 0 if all(bus.safe for bus in buses) else 1


def _text(bus: BusForecast) -> str:
    rows = [_row(group, read) for group in bus.groups for read in group.reads]
    meters = "1 meter" if bus.meters == 1 else f"{bus.meters} meters"
    return f"Bus {bus.bus}: {meters}, {_verdict(bus)}\n" + (table(HEADER, rows) if rows else "")


def _verdict(bus: BusForecast) -> str:
    live = f"{bus.shortest_live_s} s" if bus.shortest_live_s else "none"
    told = f"busy for {bus.load:.0%} of its time, longest slot {bus.slot_s:.2f} s, shortest safe live interval {live}"
    return told if bus.safe else f"TOO BUSY: {told}"


def _row(group: GroupForecast, read: ReadForecast) -> tuple[str | int, ...]:
    """Return a line of the table; addresses are those of the Modbus PDU, in hexadecimal, each with its registers."""
    return (
        group.group,
        f"{group.interval_s} s" if group.interval_s else "never",
        f"{group.seconds:.2f} s",
        f"{group.load:.1%}",
        read.model,
        read.meters,
        f"{read.seconds * 1000:.0f} ms",
        read.bytes,
        " ".join(f"{request.address:04X}+{request.count}" for request in read.requests),
    )
