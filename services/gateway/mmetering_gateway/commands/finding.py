"""From what was seen on a bus to what is wrong with it, in plain words for an electrician. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from mmetering_gateway.commands.phases import Phase, phases_of

Severity = Literal["error", "warning", "note", "ok"]
ORDER: tuple[Severity, ...] = ("error", "warning", "note", "ok")
OLD_PAUSE_MS = 60  # what old SDM630 want between two requests (SDM630 protocol V1.8, section 3.3)


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong, or odd.

    Attributes:
        severity: `error`: no readings, or wrong ones; `warning`: readings are lost or doubtful; `note`; `ok`.
        text: what it is and what to do, in words.
        evidence: what was seen.
        address: of the meter that it is about; None for the whole bus.
    """

    severity: Severity
    text: str
    evidence: str = ""
    address: int | None = None


@dataclass(frozen=True, slots=True)
class Trials:
    """How questions of one kind went.

    Attributes:
        sound: answered, be it with an exception.
        silent: not answered at all.
        garbled: answered with bytes that are no reply to it.
    """

    sound: int = 0
    silent: int = 0
    garbled: int = 0

    @property
    def asked(self) -> int:
        """How many there were."""
        return self.sound + self.silent + self.garbled

    @property
    def lost(self) -> int:
        """How many brought nothing."""
        return self.silent + self.garbled

    def __str__(self) -> str:
        return f"of {self.asked} replies {self.silent} stayed away and {self.garbled} were garbled"


@dataclass(frozen=True, slots=True)
class MeterFacts:
    """What was seen of one meter.

    Attributes:
        address: where it was asked.
        short, long: how its short and long replies came.
        paused: how short ones came with a pause of 60 ms before each; None where that was not tried.
        serials: the serial numbers that were told there.
        elsewhere: the speeds that it answers at, if not at that of the bus.
        values: what it measures, by quantity.
    """

    address: int
    short: Trials
    long: Trials = Trials()
    paused: Trials | None = None
    serials: frozenset[int] = frozenset()
    elsewhere: tuple[str, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BusFacts:
    """What was seen on a bus.

    Attributes:
        meters: that were looked at.
        others: whether any other meter answers.
        speed: of the bus, in words; empty where a converter has it.
        tried: how many other speeds were tried; 0 where there was no need, or it cannot be done.
        stray: whether bytes come although nobody was asked.
        echo: whether the adapter gives back what is sent.
    """

    meters: tuple[MeterFacts, ...]
    others: bool = False
    speed: str = ""
    tried: int = 0
    stray: bool = False
    echo: bool = False


def findings(facts: BusFacts) -> tuple[Finding, ...]:
    """Return what is wrong, the worst first."""
    found = [*_of_bus(facts), *(finding for meter in facts.meters for finding in _of_meter(facts, meter))]
    if all(finding.severity == "note" for finding in found):
        found.append(Finding("ok", "All that was asked came back as it should.", _so_much(facts)))
    return tuple(sorted(found, key=lambda finding: ORDER.index(finding.severity)))


def _so_much(facts: BusFacts) -> str:
    asked = sum(meter.short.asked + meter.long.asked for meter in facts.meters)
    return f"{asked} questions to {len(facts.meters)} meter{'s' if len(facts.meters) > 1 else ''}"


def _dead(facts: BusFacts) -> bool:
    """Return whether no meter at all makes itself understood."""
    return not facts.others and not any(meter.short.sound or meter.elsewhere for meter in facts.meters)


def _of_bus(facts: BusFacts) -> Iterator[Finding]:
    tried = f"at {facts.speed} and {facts.tried} other speeds" if facts.tried else "at the speed of the bus"
    if _dead(facts) and facts.stray:
        yield Finding(
            "error",
            "No meter answers, but bytes come that make no sense: A and B are probably swapped. Swap the two wires at "
            "the adapter.",
            f"no reply {tried}; bytes also where nobody was asked",
        )
    elif _dead(facts) and not any(meter.short.garbled for meter in facts.meters):
        yield Finding(
            "error",
            "No meter answers: nothing is connected, A and B are swapped, or the meters have no power. See to the "
            "wires first, then swap A and B at the adapter"
            + (". " if facts.speed else "; then compare the speed set in the converter with that of the meters. ")
            + "If the address is not certain, `scan` asks them all.",
            f"not a byte came {tried}",
        )
    elif facts.stray:
        yield Finding(
            "warning",
            "Bytes come although nobody was asked: while nobody sends, the line is held by nothing. Give it bias "
            "resistors, which most adapters can switch on, and 120 ohms at both ends.",
        )
    if facts.echo:
        yield Finding("note", "The adapter gives back what is sent (local echo). That is allowed for.")


def _of_meter(facts: BusFacts, meter: MeterFacts) -> Iterator[Finding]:
    """Return what is wrong with one meter; why it does not answer, or else what its answers lack."""
    told: list[Finding] = []
    if meter.short.sound:
        told += [*_of_line(meter), *_of_phases(meter)]
        if len(meter.serials) > 1:
            told.insert(0, _two(meter, f"serial numbers {', '.join(map(str, sorted(meter.serials)))}"))
    elif meter.elsewhere:
        told.append(
            Finding(
                "error",
                f"It speaks {meter.elsewhere[0]}, the bus {facts.speed}: change the bus in the plant, or the meter "
                "with `set-baud`.",
                f"answers at {', '.join(meter.elsewhere)}",
            )
        )
    elif meter.short.garbled and not facts.stray:
        told.append(_two(meter, str(meter.short)))
    elif facts.others or not _dead(facts):
        told.append(
            Finding(
                "error",
                "It does not answer though others on this bus do: it has no power, its wires to the bus are broken or "
                "swapped, or it has another address; `scan` shows all.",
                str(meter.short),
            )
        )
    return (msgspec.structs.replace(finding, address=meter.address) for finding in told)


def _two(meter: MeterFacts, evidence: str) -> Finding:
    return Finding(
        "error",
        f"Two meters seem to have address {meter.address}. Disconnect one, give the other a free address with "
        "`set-address`, and connect the first again. If there is only one, its replies are disturbed: see to its "
        "wires.",
        evidence,
    )


def _of_line(meter: MeterFacts) -> Iterator[Finding]:
    short, long, paused = meter.short, meter.long, meter.paused
    if short.silent and not short.garbled and paused and not paused.lost:  # who was not ready says nothing at all
        yield Finding(
            "warning",
            f"It wants a pause of {OLD_PAUSE_MS} ms before each request, as old meters do: set pause_ms = "
            f"{OLD_PAUSE_MS} for the bus in the plant.",
            f"{short}; with the pause all came",
        )
    elif long.lost > short.lost and not short.lost:
        yield Finding(
            "warning",
            "Short replies come through, long ones get lost: 120 ohms are missing at an end of the line, or it is too "
            "long or too branched for its speed. Terminate both ends; a lower speed helps, too.",
            f"long: {long}",
        )
    elif short.lost or long.lost:
        yield Finding(
            "warning",
            "Replies get lost: the line is disturbed. See that clamps are tight, that the shield is earthed at one "
            "end, that power cables keep away, and that both ends have 120 ohms.",
            f"short: {short}; long: {long}",
        )


def _of_phases(meter: MeterFacts) -> Iterator[Finding]:
    phases = phases_of(meter.values)
    dead = [phase for phase in phases if phase.dead]
    if dead and len(dead) == len(phases):
        yield Finding(
            "error", "It measures no voltage on any phase: its voltage inputs are not connected.", _seen(dead)
        )
        return
    for phase in dead:
        yield Finding(
            "error",
            f"{phase.name} has no voltage: look at its fuse, and at the wire of {phase.name} to the meter.",
            _seen(phases),
        )
    importing = any(phase.imports for phase in phases)
    for phase in phases:
        if phase.exports and importing:
            yield Finding(
                "warning",
                f"{phase.name} measures backwards while others do not: its wires in and out, or its current "
                "transformer, are probably swapped. It is right only if something feeds in on this phase alone.",
                _seen(phases),
            )


def _seen(phases: list[Phase]) -> str:
    return ", ".join(map(str, phases))
