"""From poll to committed row: how old a reading is when its transaction has committed, with all services as they are.

One gateway polls a hundred simulated meters each second over Modbus TCP. The age counts from the reading's own time,
when the meter's reply had arrived, to the commit as PostgreSQL itself has stamped it.
"""

import argparse
import sys
import time
from datetime import UTC, datetime

from benchmarks.account import take_account
from benchmarks.hall import Hall
from benchmarks.measure import machine
from benchmarks.polling import polling

METERS = 100
INTERVALS = {"live": 1, "energy": 10, "quality": 0, "demand": 0}
WARM_S = 5.0  # until serial numbers are read and the first batches are away
AGES = """
SELECT count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY s), percentile_cont(0.99) WITHIN GROUP (ORDER BY s), max(s)
FROM (
    SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin) - ts) AS s FROM reading WHERE ts >= '{since}'
) AS age
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--meters", type=int, default=METERS, help="each read once a second")
    options = parser.parse_args()
    sys.stdout.write(f"{machine()}\n")
    with Hall(["main"], {"track_commit_timestamp": "on"}) as hall:
        hall.ingest("1").start()
        with polling(hall, ["main"], options.meters, INTERVALS) as spools:
            time.sleep(WARM_S)
            since = datetime.now(UTC)
            time.sleep(options.seconds)
        ((count, *ages),) = hall.ask(AGES.format(since=since))
        account = take_account(spools, hall.conninfo)
    median, late, most = (f"{age:.2f} s" for age in ages)
    print(f"{count} readings: from poll to commit {median} in the median, 99 % within {late}, all within {most}")
    print(account)


if __name__ == "__main__":
    main()
