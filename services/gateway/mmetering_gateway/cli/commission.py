"""`mmetering-gateway commission`: new meters, one after the other, from their common address to one of their own.

Meters leave the works with address 1. One is connected, found, moved to a free address and named; then the next one.
What was done is written down after each meter, whatever becomes of the next.
"""

import argparse
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec
from mmetering_contract.payload import Slug, Text
from mmetering_runtime.config import Environment

from mmetering_gateway.bus.errors import ModbusError
from mmetering_gateway.cli.bus import add_bus
from mmetering_gateway.cli.console import Console, open_console
from mmetering_gateway.cli.dialog import Dialog, EndError
from mmetering_gateway.cli.password import add_password, password_of
from mmetering_gateway.cli.sheet import Done, PlantFile, sheet
from mmetering_gateway.cli.show import sentence
from mmetering_gateway.cli.start import meter_table, slug_of
from mmetering_gateway.commands import CommandError
from mmetering_gateway.commands.identify import Identity
from mmetering_gateway.commands.settings import Changed
from mmetering_gateway.plant.plant import Meter

NEW = 1  # address that meters leave the works with (SDM630 protocol V1.8, section 1.3)
LAST = 247
LOOK_S = 1.0  # between two looks whether a meter is there


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add where, and what to write."""
    parser.add_argument("--first", type=int, default=2, metavar="ADDRESS", help="the first one to give; 2")
    parser.add_argument("--write", type=Path, metavar="FILE", help="plant to add the meters to; a new one begins here")
    parser.add_argument("--wait", type=int, default=120, metavar="SECONDS", help="for a button or a restart; 120")
    add_password(parser)
    add_bus(parser)


def run(environment: Environment, chosen: argparse.Namespace) -> int:
    """Commission meter after meter until the person says `q`, then print the record.

    Raises:
        ConfigError: a setting is wrong.
        CommandError: the gateway cannot be asked.
    """
    password = password_of(environment, chosen)
    with open_console(environment, chosen) as console:
        file = PlantFile(chosen.write, console.place.bus) if chosen.write else None
        dialog = Dialog(sys.stdin, sys.stderr)
        commission = Commission(console, dialog, first=chosen.first, password=password, wait_s=chosen.wait, file=file)
        try:
            commission.work()
        except (EndError, KeyboardInterrupt):
            sys.stderr.write("\n")
        finally:
            sys.stdout.write(sheet(commission.done))
            if not file:
                sys.stdout.write("".join(meter_table(done.meter) for done in commission.done))
    return 0


class Commission:
    """A session at one bus.

    Attributes:
        done: what was commissioned so far.
    """

    def __init__(
        self,
        console: Console,
        dialog: Dialog,
        *,
        first: int,
        password: int | None,
        wait_s: int,
        file: PlantFile | None,
    ) -> None:
        """Prepare to talk; a password of None is the one that a model comes with."""
        self.done: list[Done] = []
        self._console = console
        self._dialog = dialog
        self._first = first
        self._how = {"password": password, "wait_s": wait_s}
        self._file = file
        self._known = list(console.place.meters)

    def work(self) -> None:
        """Take meter after meter.

        Raises:
            EndError: the person has said `q`.
        """
        at_new = next((meter for meter in self._known if meter.address == NEW), None)
        if at_new:
            self._dialog.say(
                f"The plant has {at_new.slug} at address {NEW}, too: take it off the line, or move it first."
            )
        self._dialog.say(f"Connect one new meter to bus {self._console.bus}, and switch it on. Ctrl-C ends.")
        while True:
            try:
                self._take(self._appearing())
            except (CommandError, ModbusError) as error:
                self._dialog.say(sentence(str(error)))
            self._dialog.ask("Connect the next one, or the same again, and press Enter; q ends")

    def _appearing(self) -> Identity:
        """Wait for a meter, and return who it is; why there is none is said once."""
        said = ""
        while True:
            try:
                return self._console.do("identify", Identity, address=NEW)
            except (CommandError, ModbusError) as error:
                if str(error) != said:
                    said = str(error)
                    self._dialog.say(f"Waiting: {said}")
            time.sleep(LOOK_S)

    def _take(self, found: Identity) -> None:
        before = next((done.meter for done in self.done if found.serial and done.serial == found.serial), None)
        if before:
            self._dialog.say(f"This is {before.slug}, and still at address {NEW}: see whether it wants a restart.")
            return
        self._introduce(found)
        address = int(self._until("Address", str(self._free()), self._check_address))
        changed = self._console.do("set-address", Changed, address=NEW, to=address, **self._how)
        self._dialog.say(" ".join((f"It answers at address {changed.address} now.", *map(sentence, changed.notes))))
        model = found.model or next(iter(self._console.place.models))
        meter = Meter(slug_of(found.model, found.serial, address), self._console.bus, address, model)
        try:
            meter = msgspec.structs.replace(meter, slug=self._until("Name", meter.slug, self._check_slug))
            meter = msgspec.structs.replace(meter, label=self._until("Label", "", _check_label))
        finally:
            self._keep(meter, changed.serial)

    def _introduce(self, found: Identity) -> None:
        model = self._console.place.models.get(found.model)
        told = (
            f"Found: {model.title if model else 'a meter of no known model'}",
            found.serial and f"serial number {found.serial}",
            found.version and f"version {found.version}",
            found.voltage_l1 and f"{found.voltage_l1:.1f} V",
        )
        self._dialog.say(", ".join(word for word in told if word) + ".")
        if model and model.writing.button:
            self._dialog.say("It takes a new address only while its set-up menu is open: press its button for 3 s now.")
        if model and model.writing.restart:
            self._dialog.say(
                "It takes its new address only after it was switched off and on: do so once it has got that."
            )

    def _keep(self, meter: Meter, serial: str | None) -> None:
        self._known.append(meter)
        self.done.append(Done(datetime.now().astimezone().date(), meter, serial))
        if self._file:
            self._file.add(meter)

    def _until(self, question: str, proposal: str, check: Callable[[str], None]) -> str:
        """Ask until the answer stands the check, and return it."""
        while True:
            answer = self._dialog.ask(question, proposal)
            try:
                check(answer)
            except ValueError as error:
                self._dialog.say(str(error))
            else:
                return answer

    def _free(self) -> int:
        taken = {NEW, *(meter.address for meter in self._known)}
        return next((address for address in range(self._first, LAST + 1) if address not in taken), self._first)

    def _check_address(self, answer: str) -> None:
        if not answer.isdecimal() or not NEW < int(answer) <= LAST:
            raise ValueError(f"An address is a number of {NEW + 1} to {LAST}; {NEW} is for the next new meter.")
        taken = next((meter.slug for meter in self._known if meter.address == int(answer)), None)
        if taken:
            raise ValueError(f"{taken} has this address.")

    def _check_slug(self, answer: str) -> None:
        msgspec.convert(answer, Slug)
        if answer in {meter.slug for meter in self._known}:
            raise ValueError("Another meter has this name.")


def _check_label(answer: str) -> None:
    msgspec.convert(answer, Text)
