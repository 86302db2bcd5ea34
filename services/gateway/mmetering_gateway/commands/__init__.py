"""What a person can have done on a bus: one row for each verb.

`order` works them on the thread of the bus, between polls; the command line works them on a link of its own where no
gateway owns the port.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec
from mmetering_contract.command import Verb

from mmetering_gateway.commands.bench import Bench, CommandError, Step, Work
from mmetering_gateway.commands.diagnose import Diagnose, diagnose
from mmetering_gateway.commands.finding import Finding
from mmetering_gateway.commands.identify import Identify, Identity, identify
from mmetering_gateway.commands.read import Read, ReadOut, read
from mmetering_gateway.commands.scan import Found, Scan, scan
from mmetering_gateway.commands.settings import Changed, SetAddress, SetBaud, set_address, set_baud


@dataclass(frozen=True, slots=True)
class Form:
    """A row of the table.

    Attributes:
        arguments: struct of the arguments, each of which has `bus`.
        work: function of a bench and such arguments.
        result: type of what is found, for `msgspec.convert`.
    """

    arguments: type[msgspec.Struct]
    work: Callable[..., Work[object]]
    result: object


COMMANDS: Mapping[Verb, Form] = {
    "scan": Form(Scan, scan, tuple[Found, ...]),
    "identify": Form(Identify, identify, Identity),
    "read": Form(Read, read, ReadOut),
    "set-address": Form(SetAddress, set_address, Changed),
    "set-baud": Form(SetBaud, set_baud, Changed),
    "diagnose": Form(Diagnose, diagnose, tuple[Finding, ...]),
}

__all__ = ["COMMANDS", "Bench", "CommandError", "Form", "Step", "Work"]
