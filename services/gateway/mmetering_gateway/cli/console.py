"""What every command of the command line stands on: a bus, a way to it, and a line that tells how far it is."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from mmetering_contract.command import Verb
from mmetering_runtime.config import Broker, ConfigError, Environment, broker_from
from mmetering_runtime.progress import Progress

from mmetering_gateway.bus.link import Link
from mmetering_gateway.cli.bus import Place, place_of, same_port
from mmetering_gateway.cli.direct import Direct
from mmetering_gateway.cli.guard import looks
from mmetering_gateway.cli.through import OWNS, Through
from mmetering_gateway.commands import COMMANDS, Bench
from mmetering_gateway.config import plant_from, spool_from

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Console:
    """A bus and the way to it."""

    place: Place
    route: Direct | Through

    @property
    def bus(self) -> str:
        """Name of the bus."""
        return self.place.bus.name

    def do(self, verb: Verb, kind: type[T], **arguments: object) -> T:
        """Have a command worked, show how far it is, and return what was found.

        Args:
            verb: what to do.
            kind: type of what will be found.
            arguments: of the verb, without the bus.

        Raises:
            ConfigError: the arguments are wrong.
            CommandError: it failed.
            ModbusError: likewise, on the bus.
        """
        try:
            wanted = msgspec.convert({"bus": self.bus, **arguments}, COMMANDS[verb].arguments)
        except msgspec.ValidationError as error:
            raise ConfigError(_plain(error)) from None
        with Progress(sys.stderr) as progress:
            return self.route.do(verb, wanted, kind, progress.tell)


@contextmanager
def open_console(environment: Environment, chosen: argparse.Namespace) -> Iterator[Console]:
    """Find the way to the chosen bus: through the gateway that runs on this machine, or directly where none does.

    Raises:
        ConfigError: a setting is wrong.
        CommandError: the gateway cannot be asked.
    """
    place = place_of(environment, chosen)
    with looks(spool_from(environment)) as runs:
        if runs and not _is_another_port(environment, place):
            with Through(_broker(environment)) as through:
                yield Console(place, through)
            return
        link = Link(place.bus)
        try:
            yield Console(place, Direct(Bench(link, place.meters, place.models)))
        finally:
            link.close()


def _is_another_port(environment: Environment, place: Place) -> bool:
    """Return whether the running gateway has nothing to do with a line that the options describe."""
    if not place.described:
        return False
    known = same_port(plant_from(environment), place.bus)
    if known:
        raise ConfigError(f"{OWNS}: it is {known.name} there; say --bus {known.name} and nothing else of it")
    return True


def _broker(environment: Environment) -> Broker:
    try:
        return broker_from(environment, username="main")
    except ConfigError as error:
        raise ConfigError(f"{OWNS}, so it is asked over the broker: {error}") from None


def _plain(error: msgspec.ValidationError) -> str:
    """Return msgspec's error with the argument's name in front and not as a path behind."""
    text, _, name = str(error).partition(" - at `$.")
    return f"{name.rstrip('`')}: {text}" if name else text
