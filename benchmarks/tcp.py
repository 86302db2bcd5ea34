"""What a reading costs the gateway on Modbus TCP, beside scripts and beside modpoll, all in one run.

A reading is one poll of one meter: 11 values read, decoded and published. The gateway, which is the real process, also
keeps each on disk, sends it in a batch and archives it on its receipt. So does, as simply as can be, the script that
keeps its readings: it is the one to compare with. Meters and broker are processes beside it.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks import modpoll
from benchmarks.live import VALUES
from benchmarks.measure import Usage, machine, table, verdict
from benchmarks.port import HOST
from benchmarks.rig import Rig, plant, wait_for

TARGET_US = 400
TARGET_TIMES = 4
SINGLY, BLOCK = "script, a request for each value", "script, one request for all"
SAFE = "script, one request for all, kept on disk, QoS 1"
MODPOLL, MODPOLL_ONE = "modpoll", "modpoll, one meter"
HEADER = ("", "readings/s", "processor us/reading", "readings/s of a core", "times ours")


@dataclass(frozen=True, slots=True)
class Cost:
    """What readings cost, in the median of several stretches of time.

    Attributes:
        reading_us: processor time of one reading.
        per_second: readings.
    """

    reading_us: float
    per_second: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--buses", type=int, default=4, help="that the gateway reads every second")
    parser.add_argument("--meters", type=int, default=200, help="on each; the others read one bus, as fast as they can")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each stretch")
    parser.add_argument("--stretches", type=int, default=5)
    options = parser.parse_args()
    sys.stdout.write(f"{machine()}\n{len(VALUES)} values in each reading\n")
    ours = _gateway(options)
    peers = _peers(options)
    rows = [_row(name, cost, ours) for name, cost in {"mmetering-gateway": ours, **peers}.items()]
    print(table(HEADER, rows))
    print(verdict("processor time of a reading in us", ours.reading_us, TARGET_US, at_least=False))
    for name in peers:
        print(verdict(f"times better than {name}", peers[name].reading_us / ours.reading_us, TARGET_TIMES))


def _row(name: str, cost: Cost, ours: Cost) -> tuple[str, ...]:
    times = f"{cost.reading_us / ours.reading_us:.1f}"
    return name, f"{cost.per_second:.0f}", f"{cost.reading_us:.0f}", f"{1e6 / cost.reading_us:.0f}", times


def _gateway(options: argparse.Namespace) -> Cost:
    counts = [options.meters] * options.buses
    with Rig() as rig:
        buses = [{"type": "tcp", "host": HOST, "port": port} for port in rig.meters("tcp", counts).buses]
        pid = rig.gateway(plant(buses, counts, {"live": 1}))
        wait_for(lambda: rig.listener.recorded["main"] > 3 * sum(counts), "the fourth second")
        return _cost(pid, lambda: rig.listener.count("/reading/"), options)


def _peers(options: argparse.Namespace) -> dict[str, Cost]:
    with Rig() as rig:
        bus = int(rig.meters("tcp", [options.meters]).buses[0])
        script = [sys.executable, "-m", "benchmarks.script", f"--modbus={bus}", f"--mqtt={rig.port}"]
        script.append(f"--meters={options.meters}")
        safe = [*script, "--block", f"--keep={rig.directory / 'kept.db'}"]
        commands = {SINGLY: script, BLOCK: [*script, "--block"], SAFE: safe}
        if program := modpoll.install(rig.directory):
            commands[MODPOLL] = modpoll.command(program, bus, rig.port, options.meters)
            commands[MODPOLL_ONE] = modpoll.command(program, bus, rig.port, 1)
        else:
            print("modpoll cannot be fetched here, and is left out")
        return {name: _peer(rig, command, options) for name, command in commands.items()}


def _peer(rig: Rig, command: list[str], options: argparse.Namespace) -> Cost:
    process = rig.start(command)
    before = rig.listener.seen.total()
    wait_for(lambda: rig.listener.seen.total() > before, command[0], process)
    cost = _cost(process.pid, rig.listener.seen.total, options)
    rig.end(process)
    return cost


def _cost(pid: int, count: Callable[[], int], options: argparse.Namespace) -> Cost:
    """Return what readings cost a process, by a count of them that grows."""
    costs = []
    for _ in range(options.stretches):
        first, before = count(), Usage.of(pid)
        time.sleep(options.seconds)
        readings, used = count() - first, Usage.of(pid).since(before)
        costs.append((used.processor_s / readings * 1e6, readings / used.at))
    return Cost(*(statistics.median(column) for column in zip(*costs, strict=True)))


if __name__ == "__main__":
    main()
