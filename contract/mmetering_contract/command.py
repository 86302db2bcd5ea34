"""A person's order to a gateway, and its answers: progress as often as there is some, and one outcome.

The verb stands in the topic of the command, its id in the topic of the results; neither is retained. A command
that comes after it has expired is not carried out; one that comes a second time is told its outcome again.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from mmetering_contract.payload import Slug, decoder_of

Verb = Literal["scan", "identify", "read", "set-address", "set-baud", "diagnose"]
VERBS: tuple[Verb, ...] = ("scan", "identify", "read", "set-address", "set-baud", "diagnose")
CANCEL = "cancel"  # in place of a verb: ends the command whose id it bears


class Command(msgspec.Struct, frozen=True, omit_defaults=True):
    """What to do.

    Attributes:
        id: chosen by whoever asks, at random.
        expires: not to be begun after this, with its zone.
        arguments: of the verb, by name; which there are, the gateway's table of commands says.
    """

    id: Slug
    expires: Annotated[datetime, msgspec.Meta(tz=True)]
    arguments: dict[str, Any] = {}


class Result(msgspec.Struct, frozen=True, omit_defaults=True):
    """How far it is, or what came of it.

    Attributes:
        id: of the command.
        state: `running` any number of times, then `done` or `failed` once.
        progress: while it is running, what is being done, in words.
        share: while it is running, how much of it is done, 0 to 1.
        value: when it is done, what was found, as the gateway's table of commands says.
        error: when it has failed, why, and what to do, in words.
    """

    id: Slug
    state: Literal["running", "done", "failed"]
    progress: str = ""
    share: float = 0.0
    value: Any = None
    error: str = ""


decode_command = decoder_of(Command)
decode_result = decoder_of(Result)
