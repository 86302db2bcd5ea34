r"""Quarter hours from a CSV file, as a utility sends them for its own meter.

The head names the columns: `begin`, when a quarter hour begins, with its offset from UTC, and its energy, `Wh` or
`kWh`. Separated by semicolon or comma; with semicolons the decimal sign may be a comma.
"""

import csv
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation

from mmetering_accounting.flag import Flag
from mmetering_accounting.profile import Profile
from mmetering_accounting.quarter import QUARTER_MS, ms_of

BEGIN = "begin"
WH_PER = {"wh": 1, "kwh": 1000}  # of the columns that an energy may stand in


class CsvError(ValueError):
    """Say in which line and column a file is not what it should be; whoever made the file can mend it."""

    def __init__(self, line: int, column: str, text: str) -> None:
        """Take the line, counted from 1, the column's name, and what is wrong there."""
        super().__init__(f"line {line}, column {column}: {text}")
        self.line = line
        self.column = column


def read_profile(text: str) -> Profile:
    """Return the profile in a CSV file, as measured; quarter hours in it that have no line are missing.

    Raises:
        CsvError: a line is not what it should be, or comes twice.
    """
    text = text.removeprefix("\N{BYTE ORDER MARK}")
    separator = ";" if ";" in text.partition("\n")[0] else ","
    lines = csv.reader(text.splitlines(), delimiter=separator)
    names = [name.strip().lower() for name in next(lines, [])]
    begin, energy = _column(names, [BEGIN], BEGIN), _column(names, list(WH_PER), "kWh")
    found: dict[int, int] = {}
    for cells in lines:
        if not any(cells):
            continue
        if len(cells) != len(names):
            raise CsvError(lines.line_num, names[min(len(cells), len(names) - 1)], f"{len(cells)} columns")
        quarter = _quarter(cells[begin], lines.line_num)
        if quarter in found:
            raise CsvError(lines.line_num, BEGIN, f"{cells[begin]!r} comes twice")
        number = cells[energy].replace(",", ".") if separator == ";" else cells[energy]
        found[quarter] = _wh(number, names[energy], lines.line_num)
    return _profile(found)


def _column(names: Sequence[str], wanted: Sequence[str], column: str) -> int:
    found = [index for index, name in enumerate(names) if name in wanted]
    if len(found) != 1:
        raise CsvError(1, column, f"stands {len(found)} times in the head {', '.join(names) or 'of an empty file'}")
    return found[0]


def _quarter(text: str, line: int) -> int:
    try:
        instant = datetime.fromisoformat(text.strip())
    except ValueError:
        raise CsvError(line, BEGIN, f"{text!r} is no time like 2026-10-25T02:30+01:00") from None
    if instant.tzinfo is None:
        raise CsvError(line, BEGIN, f"{text!r} has no offset from UTC, so it is unclear in October")
    quarter, rest = divmod(ms_of(instant), QUARTER_MS)
    if rest:
        raise CsvError(line, BEGIN, f"{text!r} begins no quarter hour")
    return quarter


def _wh(text: str, unit: str, line: int) -> int:
    try:
        wh = Decimal(text.strip()) * WH_PER[unit]
    except InvalidOperation:
        raise CsvError(line, unit, f"{text!r} is no number") from None
    if not wh.is_finite() or wh < 0 or wh != wh.to_integral_value():
        raise CsvError(line, unit, f"{text!r} is no energy in whole Wh")
    return int(wh)


def _profile(found: dict[int, int]) -> Profile:
    if not found:
        raise CsvError(2, BEGIN, "no quarter hour in the file")
    quarters = range(min(found), max(found) + 1)
    wh = [found.get(quarter) for quarter in quarters]
    return Profile(quarters, wh, [Flag.MISSING if one is None else Flag.MEASURED for one in wh])
