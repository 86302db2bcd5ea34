"""Simulated meters in a process of their own, so that their time is not the gateway's.

`python -m benchmarks.meters tcp|rtu` prints one line of JSON with a port or path for each bus. For each line that
comes in it prints what went over each bus so far; at the end of the input it ends.
"""

import argparse
import json
import random
import sys
from contextlib import ExitStack

from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.registers import INPUT_END
from mmetering_simulator.rtu import RtuBus
from mmetering_simulator.tcp import TcpBus


class StillMeter(FixedMeter):
    """A meter whose registers are made once: it answers as quickly as Python can."""

    def __init__(self, chance: random.Random) -> None:
        """Make up values with all the digits of a float32, as real meters send them."""
        values = {address: chance.uniform(1, 20) for address in range(0, INPUT_END, 2)}
        values |= {address: chance.uniform(225, 235) for address in (0x00, 0x02, 0x04)} | {0x46: 50.013}
        super().__init__(values, serial=chance.randrange(1, 10**8))
        self._still = values

    def values(self, now: float) -> dict[int, float]:  # noqa: ARG002 - a still meter has no time
        """Return the input registers."""
        return self._still


def main() -> None:
    """Serve until the input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("tcp", "rtu"))
    parser.add_argument("--meters", type=int, nargs="+", required=True, help="on each bus, at addresses from 1 on")
    parser.add_argument("--dead", type=int, default=0, help="address that stays silent on the first bus")
    parser.add_argument("--baud", type=int, default=9600)
    options = parser.parse_args()
    chance = random.Random(1)
    meters = [{unit: StillMeter(chance) for unit in range(1, count + 1)} for count in options.meters]
    buses: list[TcpBus | RtuBus] = [
        TcpBus(those) if options.kind == "tcp" else RtuBus(those, baud=options.baud) for those in meters
    ]
    buses[0].unplug(options.dead)
    with ExitStack() as stack:
        for bus in buses:
            stack.enter_context(bus)
        _tell([bus.port if isinstance(bus, TcpBus) else bus.path for bus in buses])
        for _ in sys.stdin:
            _tell([(bus.requests, bus.carried) for bus in buses])


def _tell(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
