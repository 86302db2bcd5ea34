"""What the old readings of each meter are worth, counted while they pass by. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mmetering_importer.conversion import TOTAL, Conversion
from mmetering_importer.dating import Dated, Doubt
from mmetering_importer.mapping import Known

GAP = timedelta(minutes=30)  # the old system saved every quarter hour: more than this, and one is missing
HEAD = (
    "old id",
    "flat",
    "meter",
    "rows",
    "first (UTC)",
    "last (UTC)",
    "kWh",
    "gaps",
    "twice",
    "falls",
    "back",
    "doubt",
)


@dataclass(slots=True)
class Tally:
    """What was seen of one meter.

    Attributes:
        rows: how many readings.
        first, last: the earliest and the latest instant; None without any.
        first_wh, last_wh: its register in the first and in the last row.
        gaps: how often more than GAP lies between two rows.
        longest_gap: the longest of them.
        duplicates: rows with the instant of the row before.
        falls: rows with a lower register than the row before.
        disordered: rows with an earlier instant than the row before.
        unclear: rows of an October hour that nobody can tell.
        missing: rows of the hour that March has not got.
    """

    rows: int = 0
    first: datetime | None = None
    last: datetime | None = None
    first_wh: int = 0
    last_wh: int = 0
    gaps: int = 0
    longest_gap: timedelta = timedelta()
    duplicates: int = 0
    falls: int = 0
    disordered: int = 0
    unclear: int = 0
    missing: int = 0

    def add(self, dated: Dated) -> None:
        """Take in the next row."""
        wh = dict(dated.row.energies)[TOTAL]
        if self.first is None or self.last is None:
            self.first = self.last = dated.at
            self.first_wh = self.last_wh = wh
        self._compare(dated.at - self.last, wh)
        self.rows += 1
        self.first, self.last, self.last_wh = min(self.first, dated.at), max(self.last, dated.at), wh
        self.unclear += dated.doubt is Doubt.UNCLEAR
        self.missing += dated.doubt is Doubt.MISSING

    def _compare(self, step: timedelta, wh: int) -> None:
        self.duplicates += self.rows > 0 and not step
        self.disordered += step < timedelta()
        self.falls += wh < self.last_wh
        self.gaps += step > GAP
        self.longest_gap = max(self.longest_gap, step if step > GAP else timedelta())


@dataclass(frozen=True, slots=True)
class Line:
    """A meter and its tally, as the JSON report has them. Energies are Wh, times UTC."""

    id: int
    flat_id: int
    flat: str
    meter: str
    direction: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Report:
    """All meters, and the rows that cannot come along."""

    epoch: str
    meters: tuple[Line, ...]
    rows: int
    without_meter: int
    without_value: int
    without_time: int


def report_of(epoch: str, known: Iterable[Known], tallies: dict[int, Tally], conversion: Conversion) -> Report:
    """Return the report on rows that have all passed by."""
    lines = tuple(
        Line(
            one.meter.id,
            one.meter.flat.id,
            one.meter.flat.name,
            one.slug,
            one.meter.flat.direction,
            tallies.get(one.meter.id, Tally()),
        )
        for one in known
    )
    rows = sum(line.tally.rows for line in lines)
    return Report(epoch, lines, rows, conversion.others, conversion.without_value, conversion.without_time)


def table(report: Report) -> str:
    """Return the report for a person."""
    cells = [HEAD, *(_cells(line) for line in report.meters)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join([*lines, "", *_remarks(report), ""])


def _cells(line: Line) -> tuple[str, ...]:
    tally = line.tally
    energy = f"{(tally.last_wh - tally.first_wh) / 1000:.3f}"
    counts = (tally.gaps, tally.duplicates, tally.falls, tally.disordered, tally.unclear + tally.missing)
    times = (f"{time:%Y-%m-%d %H:%M}" if time else "-" for time in (tally.first, tally.last))
    return str(line.id), line.flat, line.meter, str(tally.rows), *times, energy, *map(str, counts)


def _remarks(report: Report) -> list[str]:
    remarks = [f"{report.rows} readings of {len(report.meters)} meters."]
    for line in report.meters:
        if line.tally.gaps:
            remarks.append(f"{line.meter}: the longest gap is {line.tally.longest_gap}.")
        if line.tally.unclear:
            remarks.append(
                f"{line.meter}: {line.tally.unclear} rows of an October hour that comes twice;"
                " they count as of summer time, and as suspect."
            )
        if line.tally.missing:
            remarks.append(f"{line.meter}: {line.tally.missing} rows of an hour that March has not got; suspect.")
    left = {
        "of no meter to import": report.without_meter,
        "without a value": report.without_value,
        "without a time": report.without_time,
    }
    return remarks + [f"{count} rows {what} stay behind." for what, count in left.items() if count]
