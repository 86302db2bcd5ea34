"""What a dead meter costs the nine others of its line at 9600 baud, polled back to back: there it costs most.

Two gateways poll at the same time, each a line of its own: nine meters, and the like nine with a tenth that is silent.
"""

import argparse
import statistics
import sys
import time

from benchmarks.measure import machine, verdict
from benchmarks.rig import Rig, plant

TARGET = 0.95
DEAD = 10  # its address, the last of ten


def main() -> None:
    """Measure minute by minute, from the start on, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each stretch")
    parser.add_argument("--stretches", type=int, default=4)
    options = parser.parse_args()
    sys.stdout.write(f"{machine()}\n")
    with Rig() as rig:
        with_dead = _start(rig, "with-dead", DEAD)
        without = _start(rig, "without", DEAD - 1)
        shares = []
        for stretch in range(1, options.stretches + 1):
            before = [rig.listener.recorded[name] for name in (with_dead, without)]
            time.sleep(options.seconds)
            nine, alone = (
                rig.listener.recorded[name] - n for name, n in zip((with_dead, without), before, strict=True)
            )
            shares.append(nine / alone)
            print(f"stretch {stretch}: {nine} readings with the dead meter, {alone} without: {nine / alone:.3f}")
    print(verdict("rate of the nine, with / without the dead one, median", statistics.median(shares), TARGET))
    print(verdict("the same, mean from the start on", statistics.mean(shares), TARGET))


def _start(rig: Rig, name: str, count: int) -> str:
    (path,) = rig.meters("rtu", [count], f"--dead={DEAD}").buses
    bus = {"type": "rtu", "device": path, "baud": 9600, "pause_ms": 0}
    rig.gateway(plant([bus], [count], {"energy": 1}), name)
    return name


if __name__ == "__main__":
    main()
