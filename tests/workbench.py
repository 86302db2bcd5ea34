"""A bench over simulated meters on a pseudo-terminal, and the work of a command done to its end."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from mmetering_gateway.bus.link import Link
from mmetering_gateway.commands import Bench, Step, Work
from mmetering_gateway.models import MODELS
from mmetering_gateway.plant.plant import Baud, Bus, Meter, RtuBus
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.rtu import RtuBus as SimulatedLine

T = TypeVar("T")


@contextmanager
def bench_over(bus: Bus, *planned: Meter) -> Iterator[Bench]:
    """Give a bench whose bus has these meters in the plant."""
    link = Link(bus)
    try:
        yield Bench(link, planned, MODELS)
    finally:
        link.close()


@contextmanager
def a_bench(
    *meters: FixedMeter, planned: tuple[Meter, ...] = (), baud: Baud = 9600
) -> Iterator[tuple[SimulatedLine, Bench]]:
    """Run meters as they are on a line, and give a bench at a speed."""
    with SimulatedLine(meters) as line, bench_over(RtuBus("bus", line.path, baud=baud, pause_ms=5), *planned) as bench:
        yield line, bench


def done(work: Work[T], at: Callable[[Step], object] | None = None) -> T:
    """Take all steps of a command and return what it found; `at` is called at each step."""
    while True:
        try:
            step = next(work)
        except StopIteration as end:
            result: T = end.value
            return result
        if at:
            at(step)
