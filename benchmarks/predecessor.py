"""How long the readings of mmetering-server take to come in: a dump of two years and ten meters, twice.

The real `mmetering-import` reads the dump, and the real ingest gives the receipts. In the end counts and sums of
the table are compared with what was made up.
"""

import argparse
import random
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from benchmarks.hall import Hall
from benchmarks.measure import machine, memory_mb, table
from benchmarks.process import Process

ZONE = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2023, 1, 1, tzinfo=ZONE)
QUARTERS_A_DAY = 96
INSERT = 5_000  # rows in one statement, some 250 kB; mysqldump's are up to 1 MB
IMPORT_S = 3600.0  # at most
HEAD = """CREATE TABLE `mmetering_flat` (
  `id` int,
  `name` varchar(45),
  `modus` varchar(2)
);
CREATE TABLE `mmetering_meter` (
  `id` int,
  `flat_id` int,
  `addresse` int,
  `seriennummer` varchar(45),
  `active` tinyint(1),
  `start_datetime` datetime(6),
  `end_datetime` datetime(6)
);
CREATE TABLE `mmetering_meterdata` (
  `id` int,
  `meter_id` int,
  `saved_time` datetime(6),
  `value` double
);
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=731)
    parser.add_argument("--meters", type=int, default=10)
    chosen = parser.parse_args()
    with Hall(["import"]) as hall:
        dump = hall.directory / "old.sql"
        rows, energy = write(dump, chosen.days, chosen.meters)
        hall.ingest("one").start()
        runs = [measure(hall, dump, name) for name in ("first", "second")]
        stored = hall.ask("SELECT count(*), sum(energy_import)::bigint FROM reading")
    print(machine())
    print(f"{rows} readings of {chosen.meters} meters and {chosen.days} days")
    print(table(("run", "seconds", "processor s", "MB at most", "says"), runs))
    if stored != [(rows, energy)]:
        sys.exit(f"stored {stored}, made up {rows} readings of {energy} Wh")
    print("counts and sums agree")


def write(path: Path, days: int, meters: int) -> tuple[int, int]:
    """Write a dump; return how many readings it has, and the sum of all counters in Wh."""
    rows = energy = 0
    with path.open("w") as file:
        file.write(HEAD)
        for meter in range(1, meters + 1):
            file.write(f"INSERT INTO `mmetering_flat` VALUES ({meter},'Flat {meter}','IM');\n")
            file.write(f"INSERT INTO `mmetering_meter` VALUES ({meter},{meter},{meter},'{meter:08}',1,NULL,NULL);\n")
        statement: list[str] = []
        for row, wh in made_up(days, meters):
            rows, energy = rows + 1, energy + wh
            statement.append(row)
            if len(statement) == INSERT:
                file.write(f"INSERT INTO `mmetering_meterdata` VALUES {','.join(statement)};\n")
                statement.clear()
        if statement:
            file.write(f"INSERT INTO `mmetering_meterdata` VALUES {','.join(statement)};\n")
    return rows, energy


def made_up(days: int, meters: int) -> Iterator[tuple[str, int]]:
    """Yield rows and their counters, in the order of the rows' ids."""
    dice, counters, number = random.Random(1), [0] * meters, 0
    for quarter in range(days * QUARTERS_A_DAY):
        at = (BEGIN.astimezone(UTC) + timedelta(minutes=15 * quarter)).astimezone(ZONE)
        for meter in range(meters):
            number += 1
            counters[meter] += dice.randrange(250)
            wh = counters[meter]
            yield f"({number},{meter + 1},'{at:%Y-%m-%d %H:%M:%S}.000000',{wh / 1000!r})", wh


def measure(hall: Hall, dump: Path, name: str) -> tuple[str, float, float, float, str]:
    """Return a run's name, seconds, processor time in seconds, memory in MB, and what it said in the end."""
    settings = {"MMETERING_MQTT_PASSWORD": hall.password("import")}
    command = ["mmetering_importer", str(dump), f"--position={hall.directory}/position.json"]
    run = hall.service(f"import {name}", command, settings)
    begin, processor, memory = time.monotonic(), 0.0, 0.0
    run.start()
    while run.running and time.monotonic() - begin < IMPORT_S:
        processor, memory = look(run, processor, memory)
        time.sleep(0.05)
    seconds = time.monotonic() - begin
    return name, round(seconds, 1), round(processor, 1), round(memory, 1), run.log.splitlines()[-1]


def look(run: Process, processor: float, memory: float) -> tuple[float, float]:
    """Return what a process has used; of one that has just ended, what it had before."""
    with suppress(OSError, StopIteration):
        return run.processor_s(), memory_mb(run.pid, "VmHWM")
    return processor, memory


if __name__ == "__main__":
    main()
