"""Commands that come over the broker: each is worked on the thread of its bus, and its results are published.

One is worked on each bus at a time, others wait. A command that comes again is told its outcome again, never worked
again. The verb `cancel` ends the command whose id it bears. Arguments may hold a password and are never logged.
"""

import math
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from mmetering_contract.command import CANCEL, Command, Result, decode_command
from mmetering_contract.errors import ContractError
from mmetering_contract.payload import Slug, decoder_of, encode
from mmetering_contract.topic import Site, levels_after
from mmetering_runtime.event import Message
from mmetering_runtime.log import Log
from mmetering_runtime.mqtt import NotConnectedError, Session

from mmetering_gateway.bus.errors import ModbusError
from mmetering_gateway.commands import COMMANDS, CommandError, Work
from mmetering_gateway.models.registers import Model
from mmetering_gateway.poll import Poller

TELL_S = 0.5  # between two words of progress
MOST = 8  # commands of one bus that wait or are worked
SETTLE_S = 2.0  # for the broker to take the last outcomes
REMEMBERED = 64  # outcomes; a command that comes again is hardly older

log = Log("gateway.order")


class _Id(msgspec.Struct):
    """By what a command that cannot be read is answered."""

    id: Slug


_decode_id = decoder_of(_Id)


@dataclass(slots=True)
class _Order:
    """A command that waits or is worked."""

    bus: str
    cancelled: bool = False


class Orders:
    """The commands of a gateway. `take`, `again` and `close` are for the thread of the session."""

    def __init__(
        self, session: Session, site: Site, gateway: str, pollers: Iterable[Poller], models: Mapping[str, Model]
    ) -> None:
        """Work commands with these pollers, one for each bus, and on these models of meter, by name."""
        self._session = session
        self._site = site
        self._gateway = gateway
        self._pollers = {poller.bus: poller for poller in pollers}
        self._models = models
        self._lock = threading.Lock()
        self._open: dict[str, _Order] = {}
        self._outcomes: dict[str, Result] = {}  # the oldest first
        self._untold: list[Result] = []

    def take(self, message: Message) -> None:
        """Have the command of a message worked, or say why it is not."""
        try:
            verb = levels_after(self._site, message.topic)[-1]
            command = decode_command(message.payload)
        except ContractError as error:
            self._cannot_be_read(message, str(error))
            return
        if verb == CANCEL:
            self._cancel(command.id)
        elif not self._came_before(command.id):
            try:
                self._begin(verb, command)
            except CommandError as error:
                self._finish(command.id, Result(command.id, "failed", error=str(error)))

    def again(self) -> None:
        """Publish the outcomes for which there was no connection."""
        with self._lock:
            untold, self._untold = self._untold, []
        for result in untold:
            self._tell_outcome(result)

    def close(self) -> None:
        """Say of all that is left that it will not be done; the pollers have ended."""
        why = "the gateway was stopped before it was done"
        tokens = [self._finish(command, Result(command, "failed", error=why)) for command in tuple(self._open)]
        self._session.settle([token for token in tokens if token], SETTLE_S)

    def _cannot_be_read(self, message: Message, reason: str) -> None:
        log.error("command_malformed", topic=message.topic, reason=reason)
        try:
            command = _decode_id(message.payload).id
        except ContractError:
            return  # nobody to answer
        if not self._came_before(command):
            self._finish(command, Result(command, "failed", error=f"the command cannot be read: {reason}"))

    def _cancel(self, command: str) -> None:
        order = self._open.get(command)
        if order:
            order.cancelled = True

    def _came_before(self, command: str) -> bool:
        """Return whether a command is known; its outcome is told again, where there is one."""
        with self._lock:
            is_open, outcome = command in self._open, self._outcomes.get(command)
        if outcome:
            self._tell_outcome(outcome)
        return is_open or outcome is not None

    def _begin(self, verb: str, command: Command) -> None:
        """Hand a command to the poller of its bus.

        Raises:
            CommandError: there is no such verb or bus, its arguments are wrong, it has expired, or too many wait.
        """
        form = next((form for name, form in COMMANDS.items() if name == verb), None)
        if not form:
            raise CommandError(f"there is no command {verb}; there are {', '.join(COMMANDS)}")
        _check_expiry(command)
        try:
            arguments = msgspec.convert(command.arguments, form.arguments)
        except msgspec.ValidationError as error:
            raise CommandError(f"the arguments of {verb} are wrong: {error}") from None
        poller = self._poller_of(str(command.arguments.get("bus")))
        self._open[command.id] = order = _Order(poller.bus)
        log.info("command", verb=verb, id=command.id, bus=poller.bus)
        self._publish(Result(command.id, "running", progress=f"waiting for bus {poller.bus}"))
        poller.submit(self._errand(command, order, lambda: form.work(poller.bench(self._models), arguments)))

    def _poller_of(self, bus: str) -> Poller:
        if bus not in self._pollers:
            raise CommandError(f"there is no bus {bus}; there are {', '.join(self._pollers)}")
        if sum(order.bus == bus for order in tuple(self._open.values())) >= MOST:
            raise CommandError(f"{MOST} commands already wait for bus {bus}; ask again later")
        return self._pollers[bus]

    # What follows happens on the thread of the bus, and before it ends, on that of the session.

    def _errand(self, command: Command, order: _Order, begin: Callable[[], Work[object]]) -> Iterator[None]:
        """Work a command when its turn has come; whatever happens, it has an outcome."""
        try:
            _check_expiry(command)
            value = yield from self._work(command.id, order, begin())
            result = Result(command.id, "done", value=msgspec.to_builtins(value))
        except (CommandError, ModbusError) as error:
            result = Result(command.id, "failed", error=str(error))
        except Exception:
            log.exception("command_failed", id=command.id)
            result = Result(command.id, "failed", error="the gateway itself made an error; its log shows it")
        self._finish(command.id, result)

    def _work(self, command: str, order: _Order, work: Work[object]) -> Generator[None, None, object]:
        """Take step after step and tell of them; return what was found."""
        told = -math.inf
        while not order.cancelled:
            try:
                step = next(work)
            except StopIteration as end:
                return end.value
            if time.monotonic() - told >= TELL_S:
                self._publish(Result(command, "running", progress=step.text, share=step.share))
                told = time.monotonic()
            yield
        work.close()
        raise CommandError("it was cancelled")

    def _finish(self, command: str, result: Result) -> tuple[int, int] | None:
        log.info("command_ended", id=command, state=result.state, error=result.error)
        with self._lock:
            self._open.pop(command, None)
            self._outcomes[command] = result
            if len(self._outcomes) > REMEMBERED:
                del self._outcomes[next(iter(self._outcomes))]
        return self._tell_outcome(result)

    def _tell_outcome(self, result: Result) -> tuple[int, int] | None:
        token = self._publish(result)
        if token is None:
            with self._lock:
                self._untold = [*self._untold, result][-REMEMBERED:]
        return token

    def _publish(self, result: Result) -> tuple[int, int] | None:
        """Publish a result and return its token; None where there is no connection."""
        try:
            return self._session.publish(self._site.result(self._gateway, result.id), encode(result), qos=1)
        except NotConnectedError:
            return None


def _check_expiry(command: Command) -> None:
    now = datetime.now(UTC)
    if now > command.expires:
        raise CommandError(
            f"it has expired at {command.expires:%Y-%m-%d %H:%M:%S %Z}; the gateway's clock says {now:%H:%M:%S %Z}"
        )
