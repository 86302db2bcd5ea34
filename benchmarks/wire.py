"""How much of a serial line's time carries what must be carried: wire time of the requests divided by measured time.

The wire time is that of all bytes (8N1) of questions and replies, and for each request 3.5 characters of silence and
the time that the simulated meter takes to answer. The gateway, which is the real process, polls counters back to back.
"""

import argparse
import sys
import time
from dataclasses import dataclass

from mmetering_gateway.planning.requests import line
from mmetering_simulator.rtu import TURNAROUND_S

from benchmarks.measure import Usage, machine, verdict
from benchmarks.rig import Rig, plant, wait_for

METERS = 30
BITS = 10  # of a character, 8N1
TARGETS = {9600: 0.95, 38400: 0.90}


@dataclass(frozen=True, slots=True)
class Wire:
    """What went over a line, all times in seconds."""

    requests: int
    carried: int
    bytes_s: float
    silence_s: float
    turnaround_s: float

    @classmethod
    def of(cls, baud: int, requests: int, carried: int) -> "Wire":
        """Return the least time in which so many requests and bytes can go over a line."""
        silence_s = line(baud, BITS, 0.0).silence_s
        return cls(requests, carried, carried * BITS / baud, requests * silence_s, requests * TURNAROUND_S)

    @property
    def least_s(self) -> float:
        """The wire time."""
        return self.bytes_s + self.silence_s + self.turnaround_s


def main() -> None:
    """Measure each speed for a while, one after the other, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="at each speed")
    options = parser.parse_args()
    sys.stdout.write(f"{machine()}\n")
    for baud, target in TARGETS.items():
        with Rig() as rig:
            _measure(rig, baud, target, options.seconds)


def _measure(rig: Rig, baud: int, target: float, seconds: float) -> None:
    meters = rig.meters("rtu", [METERS], f"--baud={baud}")
    bus = {"type": "rtu", "device": meters.buses[0], "baud": baud, "pause_ms": 0}
    # More than the line can do in its second: late slots follow one another, of counters only.
    pid = rig.gateway(plant([bus], [METERS], {"energy": 1}))
    # In its first rounds the gateway asks for serial numbers, and learns how quickly the meters answer.
    wait_for(lambda: rig.listener.recorded["main"] > 2 * METERS, "the second round")
    used, readings, (before,) = Usage.of(pid), rig.listener.recorded["main"], meters.carried()
    time.sleep(seconds)
    spent, (after,) = Usage.of(pid).since(used), meters.carried()
    readings = rig.listener.recorded["main"] - readings
    wire = Wire.of(baud, after[0] - before[0], after[1] - before[1])
    print(
        f"{baud} baud: {readings} readings, {wire.requests} requests, {wire.carried} bytes in {spent.at:.1f} s: "
        f"bytes {wire.bytes_s:.1f} s, silence {wire.silence_s:.1f} s, turnaround {wire.turnaround_s:.1f} s; "
        f"processor {spent.share:.1%} of a core"
    )
    print(verdict(f"wire time / measured time at {baud}", wire.least_s / spent.at, target))


if __name__ == "__main__":
    main()
