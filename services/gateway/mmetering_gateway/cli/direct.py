"""The way to a bus that no gateway owns: its port is opened here."""

from collections.abc import Callable
from contextlib import closing
from typing import TypeVar

import msgspec
from mmetering_contract.command import Verb

from mmetering_gateway.commands import COMMANDS, Bench

T = TypeVar("T")


class Direct:
    """Commands worked here and now."""

    def __init__(self, bench: Bench) -> None:
        """Work at this bench."""
        self._bench = bench

    def do(self, verb: Verb, arguments: msgspec.Struct, kind: type[T], on_step: Callable[[str, float], None]) -> T:
        """Work a command and return what was found.

        Raises:
            CommandError: it failed.
            ModbusError: likewise, on the bus.
        """
        with closing(COMMANDS[verb].work(self._bench, arguments)) as work:
            while True:
                try:
                    step = next(work)
                except StopIteration as end:
                    return msgspec.convert(end.value, kind)
                on_step(step.text, step.share)
