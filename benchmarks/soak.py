"""Whether every reading that was taken is stored, once, while broker, database and two copies of ingest are killed.

Two gateways poll simulated meters. SIGKILL hits one or two of the four at a time, at random; after a while they start
again, and once readings are being stored the next fault comes. In the end spools and tables are compared.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial

from benchmarks.account import take_account
from benchmarks.hall import Hall
from benchmarks.measure import machine
from benchmarks.polling import polling
from benchmarks.process import Process, wait_for

GATEWAYS = ("main", "attic")
METERS = 20  # of each gateway
INTERVALS = {"live": 1, "energy": 5, "quality": 0, "demand": 0}
BEFORE_S, AWAY_S = 4.0, 3.0  # at most, between two faults, and until what was killed starts again
TWO = 0.25  # of the faults hit two at once
STORED = "SELECT sum(upper(range) - lower(range)) FROM gateway_record, unnest(seqs) AS range"


def main() -> int:
    """Soak, print, and return 1 where a reading was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.randrange(2**31), help="of the faults; else a new one")
    options = parser.parse_args()
    print(f"{machine()}\nseed {options.seed}", flush=True)
    with Hall(GATEWAYS) as hall:
        copies = [hall.ingest("1"), hall.ingest("2")]
        for copy in copies:
            copy.start()
        with polling(hall, GATEWAYS, METERS, INTERVALS) as spools:
            victims = [hall.broker, hall.database, *copies]
            hits = torment(hall, victims, random.Random(options.seed), 60 * options.minutes)
        account = take_account(spools, hall.conninfo)
    print(f"SIGKILL in {options.minutes:g} minutes: {', '.join(f'{n} {name}' for name, n in sorted(hits.items()))}")
    print(f"{account}: {'met' if account.balanced else 'MISSED'}")
    return 0 if account.balanced else 1


def torment(hall: Hall, victims: Sequence[Process], chance: random.Random, seconds: float) -> Counter[str]:
    """Kill for so long, everybody once before anybody twice; return how often whom."""
    hits: Counter[str] = Counter()
    left: list[Process] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(chance.uniform(0, BEFORE_S))
        left = left or chance.sample(victims, len(victims))
        number = 2 if chance.random() < TWO else 1
        hit, left = left[:number], left[number:]
        for victim in hit:
            victim.kill()
        time.sleep(chance.uniform(0, AWAY_S))
        for victim in hit:
            victim.start()
        hits.update(victim.name for victim in hit)
        wait_for(partial(stores_more, hall, stored(hall)), f"a reading after {[victim.name for victim in hit]}")
    return hits


def stores_more(hall: Hall, before: int) -> bool:
    """Return whether the database holds more readings than before."""
    return stored(hall) > before


def stored(hall: Hall) -> int:
    """Return how many readings the database holds; 0 while it is away."""
    rows = hall.ask(STORED)
    return int(str(rows[0][0] or 0)) if rows else 0


if __name__ == "__main__":
    sys.exit(main())
