"""A thousand meters on a hundred Modbus TCP buses, each read every ten seconds by one gateway, for some minutes."""

import argparse
import statistics
import sys
import time

from benchmarks.measure import Usage, machine, memory_mb, verdict
from benchmarks.port import HOST
from benchmarks.rig import Rig, plant

BUSES, METERS = 100, 10  # meters on each bus
INTERVAL_S = 10
TURN_S = 30.0  # health is published so often


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=6, help=f"of {TURN_S:.0f} s each")
    options = parser.parse_args()
    sys.stdout.write(f"{machine()}\n")
    counts = [METERS] * BUSES
    with Rig() as rig:
        buses = [{"type": "tcp", "host": HOST, "port": port} for port in rig.meters("tcp", counts).buses]
        pid = rig.gateway(plant(buses, counts, {"live": INTERVAL_S, "energy": 60}))
        time.sleep(INTERVAL_S)
        shares, begin = [], _seen(rig)
        started = time.monotonic()
        for _ in range(options.turns):
            used = Usage.of(pid)
            time.sleep(TURN_S)
            shares.append(Usage.of(pid).since(used).share)
        seconds, (live, energy) = time.monotonic() - started, _seen(rig)
        live, energy = live - begin[0], energy - begin[1]
        health = rig.listener.health["main"]
        print(
            f"{live} live readings and {energy} of counters in {seconds:.0f} s; "
            f"processor {statistics.median(shares):.1%} of a core (most {max(shares):.1%}), "
            f"memory {memory_mb(pid):.0f} MB (most {memory_mb(pid, 'VmHWM'):.0f})"
        )
        print(f"waiting for a receipt {health.spooled}, repeated batches {health.repeats}, dropped {health.dropped}")
        print(verdict("missed slots", sum(bus.overruns for bus in health.buses.values()), 0, at_least=False))
        print(verdict("live readings / what is due", live / (BUSES * METERS * seconds / INTERVAL_S), 0.99))


def _seen(rig: Rig) -> tuple[int, int]:
    return rig.listener.count("/reading/live"), rig.listener.count("/reading/energy")


if __name__ == "__main__":
    main()
