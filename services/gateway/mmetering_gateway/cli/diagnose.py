"""`mmetering-gateway diagnose`: what is wrong with a bus or a meter, in plain words."""

import argparse
import sys
import textwrap

from mmetering_runtime.config import Environment

from mmetering_gateway.cli.bus import add_bus, address_of
from mmetering_gateway.cli.console import open_console
from mmetering_gateway.cli.show import document
from mmetering_gateway.commands.finding import Finding

WIDTH = 100
WORDS = {"error": "WRONG", "warning": "doubtful", "note": "note", "ok": "well"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where to look, and how to show it."""
    parser.add_argument("meter", nargs="?", default="", metavar="METER", help="address or slug; all of the plant")
    parser.add_argument("--json", action="store_true", help="print JSON")
    add_bus(parser)


def run(environment: Environment, chosen: argparse.Namespace) -> int:
    """Look for what is wrong, and tell it; return 1 where readings are missing or wrong because of it.

    Raises:
        ConfigError: a setting is wrong.
        CommandError: there is nothing to look at.
        ModbusError: the bus is away.
    """
    with open_console(environment, chosen) as console:
        address = address_of(console.place, chosen.meter) if chosen.meter else None
        findings = console.do("diagnose", tuple[Finding, ...], address=address)
    sys.stdout.write(document(findings) if chosen.json else findings_text(findings))
    return 1 if any(finding.severity == "error" for finding in findings) else 0


def findings_text(findings: tuple[Finding, ...]) -> str:
    """Return the findings, a paragraph for each."""
    return "".join(_paragraph(finding) for finding in findings)


def _paragraph(finding: Finding) -> str:
    where = "" if finding.address is None else f"address {finding.address}: "
    seen = f" (Seen: {finding.evidence})" if finding.evidence else ""
    words = f"{WORDS[finding.severity]}: {where}{finding.text}{seen}"
    return textwrap.fill(words, WIDTH, subsequent_indent="    ", break_on_hyphens=False) + "\n"
