"""One question of a command: a step of its own, repeated once where no reply came, as polls are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from mmetering_gateway.bus.errors import GarbledError, LinkError, NoReplyError, RefusedError
from mmetering_gateway.bus.hearing import STRAY
from mmetering_gateway.bus.link import Link
from mmetering_gateway.bus.speed import Speed
from mmetering_gateway.commands.bench import Bench, CommandError, Step, Work
from mmetering_gateway.commands.holding import SERIAL
from mmetering_gateway.models.registers import WIDTH
from mmetering_gateway.planning.requests import Request

TRIES = 2
# Of the patience of the bus, which is meant for meters that are there: 150 ms on a serial line. Meters have been seen
# to take up to 110 ms, and adapters hold bytes back for 16 ms more.
PATIENCE = 0.75


@dataclass(frozen=True, slots=True)
class Place:
    """An address, at a speed; None is the bus's own."""

    address: int
    speed: Speed | None = None

    def __str__(self) -> str:
        return f"address {self.address}" + (f" at {self.speed}" if self.speed else "")


class SilentError(CommandError):
    """Nobody answered; `garbled` says whether bytes came that are no reply."""

    def __init__(self, bench: Bench, place: Place, *, garbled: bool) -> None:
        """Say what that means."""
        if garbled:
            super().__init__(
                f"only garbled bytes come from {place} on bus {bench.link.bus.name}: two meters may have this address, "
                "or the line is disturbed; `diagnose` tells more"
            )
        else:
            super().__init__(
                f"nobody answers from {place} on bus {bench.link.bus.name}: `scan` shows who is there, "
                "`diagnose` what may be wrong with the line"
            )
        self.garbled = garbled


class AwayError(CommandError):
    """The bus is away, or its adapter does not know the speed."""

    def __init__(self, bench: Bench, speed: Speed | None, error: LinkError) -> None:
        """Say which it may be."""
        at = f", or its adapter does not do {speed}" if speed and speed != bench.speed else ""
        super().__init__(f"bus {bench.link.bus.name} is away{at}: {error}")


def inputs(bench: Bench, place: Place, request: Request, step: Step) -> Work[list[int] | None]:
    """Read input registers; None where the meter refuses.

    Raises:
        SilentError: it does not answer.
        CommandError: the bus is away.
    """
    return asked(bench, place, lambda link: link.read_inputs(place.address, request), step)


def holdings(bench: Bench, place: Place, request: Request, step: Step) -> Work[list[int] | None]:
    """Read holding registers, as `inputs` does input registers."""
    return asked(bench, place, lambda link: link.read_holdings(place.address, request), step)


def write(bench: Bench, place: Place, first: int, registers: Sequence[int], step: Step) -> Work[bool]:
    """Write holding registers; return whether the meter took them, and did not refuse.

    Raises:
        SilentError: it does not answer; it may have taken them.
        CommandError: the bus is away.
    """

    def question(link: Link) -> list[int]:
        link.write_holdings(place.address, first, registers)
        return []

    return (yield from asked(bench, place, question, step)) is not None


def asked(bench: Bench, place: Place, question: Callable[[Link], list[int]], step: Step) -> Work[list[int] | None]:
    """Ask, and once again where no reply came; return None where the meter refuses.

    Raises:
        SilentError: it does not answer.
        CommandError: the bus is away.
    """
    garbled = False
    for _ in range(TRIES):
        yield step
        try:
            with bench.at(place.speed) as link:
                return question(link)
        except RefusedError:
            return None
        except NoReplyError as error:
            garbled = isinstance(error, GarbledError) and len(error.heard) > STRAY
        except LinkError as error:
            raise AwayError(bench, place.speed, error) from error
    raise SilentError(bench, place, garbled=garbled)


class Reply(Enum):
    """What came of a question to an address that may be nobody's."""

    NONE = "none"
    STRAY = "stray"  # fewer bytes than any reply has
    GARBLED = "garbled"
    SOUND = "sound"


TAKEN = (Reply.SOUND, Reply.GARBLED)  # who says this is somebody


def answers(bench: Bench, place: Place, step: Step) -> Work[Reply]:
    """Return whether anybody answers, be it with an exception; who is garbled is asked again.

    Raises:
        CommandError: the bus is away.
    """
    reply = Reply.NONE
    for _ in range(TRIES):
        yield step
        try:
            with bench.at(place.speed) as link:
                link.probe(place.address, Request(SERIAL, WIDTH), PATIENCE * link.bus.patience_ms / 1000)
        except GarbledError as error:
            reply = Reply.STRAY if len(error.heard) <= STRAY else Reply.GARBLED
            continue
        except NoReplyError:
            return Reply.NONE
        except RefusedError:
            return Reply.SOUND
        except LinkError as error:
            raise AwayError(bench, place.speed, error) from error
        return Reply.SOUND
    return reply
