"""Write settings into a meter and see them come into force: unlock, write one by one, find it again, lock.

A meter is known by its serial number, wherever it answers. Some take a setting only while their button is pressed,
some obey only after they were switched off and on: both are waited for, and said.
"""

import time
from contextlib import suppress
from dataclasses import dataclass, field

from mmetering_gateway.commands.asking import TRIES, Place, Reply, SilentError, answers, holdings, write
from mmetering_gateway.commands.bench import Bench, CommandError, Step, Work
from mmetering_gateway.commands.holding import LOCK, PASSWORD, number, words
from mmetering_gateway.commands.identify import serial_at
from mmetering_gateway.models.registers import WIDTH, Writing
from mmetering_gateway.planning.requests import Request

IDLE_S = 0.1  # of a step that only waits: polls may come between any two steps
BETWEEN_S = 1.0  # from one question to the next while a person is waited for


@dataclass(frozen=True, slots=True)
class Subject:
    """The meter that is changed.

    Attributes:
        serial: by which it is known again; None where it tells none.
        writing: how it lets itself be changed.
        swapped: whether it has the less significant register of a float first.
        passwords: to try, the likeliest first; none where it has none. They are never printed.
    """

    serial: str | None
    writing: Writing
    swapped: bool
    passwords: tuple[int, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Setting:
    """A holding register, its new value, and where the meter answers once that is in force."""

    register: int
    value: float
    place: Place


def change(bench: Bench, subject: Subject, place: Place, settings: tuple[Setting, ...], wait_s: float) -> Work[None]:
    """Write settings into the meter at a place, one after the other, until all are in force.

    Args:
        bench: the bus.
        subject: the meter.
        place: where it answers.
        settings: in the order in which to write them.
        wait_s: for a person to press a button or to switch the meter off and on, in s.

    Raises:
        CommandError: it does not take them, or does not answer there then; it says how things stand.
    """
    until = time.monotonic() + wait_s
    target = settings[-1].place
    for setting in settings:
        place = yield from _obeyed(bench, subject, place, setting, until)
    if place != target:
        yield from _in_force(bench, subject, place, target, until)
    if subject.passwords:
        with suppress(SilentError):
            yield from write(bench, target, LOCK, words(0.0), Step(f"locking {target} again", 0.95))


def _obeyed(bench: Bench, subject: Subject, place: Place, setting: Setting, until: float) -> Work[Place]:
    """Write one setting; return where the meter answers then. Where its reply was lost it may be elsewhere already."""
    for _ in range(TRIES):
        told = True
        try:
            yield from _write(bench, subject, place, setting, until)
        except SilentError:
            told = False
        found = yield from _found(bench, subject, (setting.place, place), until)
        if told or found == setting.place:
            return found
    raise CommandError(f"the meter at {place} does not say that it took the change; ask again")


def _write(bench: Bench, subject: Subject, place: Place, setting: Setting, until: float) -> Work[None]:
    """Unlock and write; where the meter wants its button pressed, again and again until somebody does."""
    step = Step(f"writing {setting.place} into {place}", 0.4)
    while True:
        unlocked = yield from _unlock(bench, subject, place)
        if (yield from write(bench, place, setting.register, words(setting.value, swapped=subject.swapped), step)):
            return
        if not subject.writing.button or time.monotonic() >= until:
            raise CommandError(_refusal(subject, place, unlocked=unlocked))
        yield from _rest(
            Step("the meter takes this only in its set-up: press its button until the display shows -SET-", 0.4)
        )


def _refusal(subject: Subject, place: Place, *, unlocked: bool) -> str:
    if subject.writing.button:
        return (
            f"the meter at {place} refuses the change: press its button for three seconds until the display shows "
            "-SET-, then ask again within a minute. Nothing was changed"
        )
    if not unlocked:
        return (
            f"the meter at {place} does not take the password; name another one: new meters have 1000 or 0, whoever "
            "set it up may have changed that. Nothing was changed"
        )
    return (
        f"the meter at {place} refuses the change though it takes the password; some want their set-up menu to be "
        "opened with a long press of a button first. Nothing was changed"
    )


def _unlock(bench: Bench, subject: Subject, place: Place) -> Work[bool]:
    """Say the password in the model's way, else in the other; return whether it is taken, or none is needed.

    A register that took one password is never given another: where nothing was locked that would set it.
    """
    step = Step(f"unlocking {place}", 0.2)
    if not subject.passwords or (yield from _is_open(bench, place, step)):
        return True
    ways = dict.fromkeys((subject.writing.password or PASSWORD, PASSWORD, LOCK))  # each once
    for register in ways:
        for password in subject.passwords:
            if (yield from write(bench, place, register, words(password, swapped=subject.swapped), step)):
                if (yield from _is_open(bench, place, step)) is not False:
                    return True
                break
    return False


def _is_open(bench: Bench, place: Place, step: Step) -> Work[bool | None]:
    """Return whether the meter is unlocked; None where it does not tell."""
    registers = yield from holdings(bench, place, Request(LOCK, WIDTH), step)
    return bool(number(registers)) if registers else None


def _found(bench: Bench, subject: Subject, places: tuple[Place, ...], until: float) -> Work[Place]:
    """Return the first of the places that the meter answers at, as soon as it does."""
    while True:
        for place in places:
            if (yield from _is_at(bench, subject, place, Step(f"looking for it at {place}", 0.6))):
                return place
        if time.monotonic() >= until:
            raise CommandError(
                f"the meter took the change and answers neither at {' nor at '.join(map(str, places))}: switch it off "
                f"and on, then `identify` it at {places[0]}; if it is not there, `scan` shows where it is"
            )
        yield from _rest(Step("waiting for the meter to answer again", 0.6))


def _in_force(bench: Bench, subject: Subject, place: Place, target: Place, until: float) -> Work[None]:
    """Wait until the meter, which goes on at a place, was switched off and on and answers at the target."""
    step = Step(f"the meter took the change; switch it off and on, so that it answers at {target}", 0.7)
    while True:
        yield from _rest(step)
        if (yield from _is_at(bench, subject, target, step)):
            return
        if time.monotonic() >= until:
            break
    raise CommandError(
        f"the meter took the change but goes on at {place} until it is switched off and on: do that, then `identify` "
        f"it at {target}. To leave it as it was, set {place} again before that"
    )


def _is_at(bench: Bench, subject: Subject, place: Place, step: Step) -> Work[bool]:
    """Return whether the meter answers at a place; if nobody does, that is known soon."""
    if (yield from answers(bench, place, step)) is Reply.SOUND:
        with suppress(SilentError):
            return (yield from serial_at(bench, place, step)) == subject.serial
    return False


def _rest(step: Step) -> Work[None]:
    """Let some time pass, in steps that a poll need not wait for."""
    until = time.monotonic() + BETWEEN_S
    while time.monotonic() < until:
        yield step
        time.sleep(IDLE_S)
