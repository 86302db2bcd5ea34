"""The way to a bus through the gateway that owns it: a command over the broker, with the gateway's own login.

Should the connection break, the command is sent again on the next one; the gateway then tells its outcome again.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self, TypeVar

import msgspec
from mmetering_contract.command import CANCEL, Command, Result, Verb, decode_result
from mmetering_contract.errors import ContractError
from mmetering_contract.payload import encode
from mmetering_runtime.config import Broker
from mmetering_runtime.event import Connected, Message, Published
from mmetering_runtime.mqtt import NotConnectedError, Session, Subscription

from mmetering_gateway.commands import CommandError

T = TypeVar("T")

CONNECT_S = 10.0
ANSWER_S = 15.0  # until the gateway's first word, which it says at once
SILENCE_S = 60.0  # between two words of the gateway; on a full bus it comes to a step at each slot only
SETTLE_S = 2.0  # for the broker to take the last word
BEGIN_S = 600.0  # a command whose turn comes later is not wanted any more

OWNS = "a gateway runs on this machine and owns the bus"
STOP = "to work without it, stop it first (docker compose stop gateway)"


class Through:
    """Commands worked by the running gateway, within the context."""

    def __init__(self, broker: Broker) -> None:
        """Prepare to ask the gateway whose login this is."""
        self._broker = broker
        self._session = Session(
            broker,
            f"mmetering-cli-{broker.username}-{secrets.token_hex(4)}",
            subscriptions=(Subscription(broker.site.result(broker.username), 1),),
        )

    def __enter__(self) -> Self:
        self._session.start()
        if not isinstance(self._session.next(CONNECT_S), Connected):
            self._session.stop()
            broker = self._broker
            raise CommandError(
                f"{OWNS}, and cannot be asked: the broker at {broker.host}:{broker.port} does not let "
                f"{broker.username} in; {STOP}"
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.stop()

    def do(self, verb: Verb, arguments: msgspec.Struct, kind: type[T], on_step: Callable[[str, float], None]) -> T:
        """Have a command worked and return what was found.

        Raises:
            CommandError: it failed, or the gateway does not answer.
        """
        expires = datetime.now(UTC) + timedelta(seconds=BEGIN_S)
        command = Command(secrets.token_hex(8), expires, msgspec.to_builtins(arguments))
        try:
            for result in self._results(verb, command):
                if result.state == "done":
                    return msgspec.convert(result.value, kind)
                if result.state == "failed":
                    raise CommandError(result.error)
                on_step(result.progress, result.share)
        except KeyboardInterrupt:
            self._cancel(command)
            raise
        raise CommandError(f"{OWNS}, and does not answer; its log may say why")

    def _results(self, verb: Verb, command: Command) -> Iterator[Result]:
        """Send a command and yield the gateway's answers, until they stay away."""
        token = self._send(verb, command)
        deadline = time.monotonic() + ANSWER_S
        while (left := deadline - time.monotonic()) > 0:
            match self._session.next(left):
                case Connected():
                    token = self._send(verb, command)
                case Published(token=answered, reason=reason) if answered == token and reason:
                    raise CommandError(f"{OWNS}, and has no connection to the broker now; {STOP}")
                case Message(topic=topic, payload=payload) if topic.endswith(f"/{command.id}"):
                    with suppress(ContractError):
                        yield decode_result(payload)
                        deadline = time.monotonic() + SILENCE_S

    def _send(self, verb: str, command: Command) -> tuple[int, int] | None:
        topic = self._broker.site.command(self._broker.username, verb)
        try:
            return self._session.publish(topic, encode(command), qos=1)
        except NotConnectedError:
            return None  # on the next connection

    def _cancel(self, command: Command) -> None:
        """Have the gateway end a command that nobody waits for any more."""
        token = self._send(CANCEL, msgspec.structs.replace(command, arguments={}))
        self._session.settle([token] if token else [], SETTLE_S)
