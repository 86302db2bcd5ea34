"""Quarter hours of a meter that is not ours, from a CSV file (rule 5)."""

from datetime import UTC, datetime

import pytest
from mmetering_accounting.csv_profile import CsvError, read_profile
from mmetering_accounting.flag import Flag
from mmetering_accounting.profile import Energy
from mmetering_accounting.quarter import quarter_of

TWICE = "begin,Wh\n2026-10-25T02:45+02:00,10\n2026-10-25T02:00+01:00,20\n2026-10-25T02:30+01:00,30\n"


def test_local_times_with_offset_are_the_utc_grid() -> None:
    """The hour that comes twice must be read right, and what has no line is missing."""
    found = read_profile(TWICE)
    first = quarter_of(datetime(2026, 10, 25, 0, 45, tzinfo=UTC))
    assert found.quarters == range(first, first + 4)
    assert found.wh == [10, 20, None, 30]
    assert found.flags == [Flag.MEASURED, Flag.MEASURED, Flag.MISSING, Flag.MEASURED]


def test_what_a_file_does_not_cover_is_missing() -> None:
    """A month of which the file has some quarter hours only must keep the others open, and lose none of the file's."""
    found = read_profile(TWICE)
    wide = found.over(range(found.quarters.start - 2, found.quarters.stop + 1))
    assert wide.wh == [None, None, 10, 20, None, 30, None]
    assert wide.sum == Energy(60, Flag.MISSING, 0, 4)
    assert wide.part(found.quarters).wh == found.wh
    with pytest.raises(IndexError):
        found.part(wide.quarters)


@pytest.mark.parametrize(
    "text",
    [
        "\N{BYTE ORDER MARK}begin;kWh\r\n2026-10-25T00:45Z;0,25\r\n",
        "kWh;Begin;more\n0.25;2026-10-25 00:45:00+00:00;x\n;;\n",
        'begin,kWh\n"2026-10-25T02:45+02:00","0.250"',
    ],
)
def test_files_of_many_programs_are_understood(text: str) -> None:
    """Semicolons with decimal commas, a byte order mark, quotes, further columns: all must give the same."""
    assert read_profile(text).wh == [250]


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("", 1, "begin"),
        ("time,kWh\n", 1, "begin"),
        ("begin,energy\n", 1, "kWh"),
        ("begin,kWh,Wh\n", 1, "kWh"),
        ("begin,kWh\n", 2, "begin"),
        ("begin,Wh\n2026-10-25T00:45Z,1\nyesterday,1\n", 3, "begin"),
        ("begin,Wh\n2026-10-25T02:45,1\n", 2, "begin"),
        ("begin,Wh\n2026-10-25T02:40Z,1\n", 2, "begin"),
        ("begin,Wh\n2026-10-25T00:45Z,1\n2026-10-25T02:45+02:00,1\n", 3, "begin"),
        ("begin,Wh\n2026-10-25T00:45Z\n", 2, "wh"),
        ("begin,Wh\n2026-10-25T00:45Z,much\n", 2, "wh"),
        ("begin,Wh\n2026-10-25T00:45Z,-1\n", 2, "wh"),
        ("begin,Wh\n2026-10-25T00:45Z,NaN\n", 2, "wh"),
        ("begin,kWh\n2026-10-25T00:45Z,0.0005\n", 2, "kwh"),
    ],
)
def test_a_mistake_is_named_with_line_and_column(text: str, line: int, column: str) -> None:
    """Whoever sends a file must be told where it is wrong."""
    with pytest.raises(CsvError) as caught:
        read_profile(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert str(caught.value).startswith(f"line {line}, column {column}: ")
