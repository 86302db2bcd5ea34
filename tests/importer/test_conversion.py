"""From old rows to readings, and what they are worth."""

from datetime import UTC, datetime

import pytest
from importer.old_house import BERLIN
from mmetering_contract.record import Device
from mmetering_importer.conversion import Conversion, watt_hours
from mmetering_importer.dating import date
from mmetering_importer.inventory import Flat, OldMeter
from mmetering_importer.mapping import Known, MappingError, entries_of, known_of
from mmetering_importer.report import Tally, report_of, table
from mmetering_importer.source import SourceError
from mmetering_importer.statement import Row


def meter(number: int, serial: str | None = "4711", *, since: str | None = None, until: str | None = None) -> OldMeter:
    """Return a meter of a flat of its own."""
    return OldMeter(number, Flat(number + 40, "Nr.", "import"), serial, 1, active=True, since=since, until=until)


def known(number: int = 1, direction: str = "import") -> dict[int, Known]:
    """Return one meter as it is to be imported."""
    flat = Flat(41, "Dach", "export" if direction == "export" else "import")
    meter = OldMeter(number, flat, "4711", 1, active=True, since=None, until=None)
    return {number: Known(meter, "sdm630-4711", Device("sdm630", "4711"))}


def row(number: int, time: str | None, value: str | None, **more: str | None) -> Row:
    """Return a row of the old table."""
    return {"id": str(number), "meter_id": "1", "saved_time": time, "value": value, **more}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0),
        ("1.0005", 1001),
        ("1.0004999", 1000),
        ("12345.678", 12345678),
        ("1e-3", 1),
        ("-0.0005", -1),
        ("8.41", 8410),
    ],
)
def test_kilowatt_hours_are_rounded_from_their_decimal_text(text: str, expected: int) -> None:
    """No binary fraction comes between the text and the watt-hours."""
    assert watt_hours(text) == expected


@pytest.mark.parametrize("text", ["", "nan", "inf", "x"])
def test_what_is_no_number_is_refused(text: str) -> None:
    """A value that is no number ends the import with its text."""
    with pytest.raises(SourceError, match="no number"):
        watt_hours(text)


@pytest.mark.parametrize("direction", ["import", "export"])
def test_the_flats_kind_names_the_register(direction: str) -> None:
    """A consumer's rows are energy_import, a producer's energy_export, phases likewise; the row's id is the seq."""
    conversion = Conversion(known(direction=direction))
    rows = [row(77, "2025-01-01 00:15:00", "1.5", value_l1="0.5", value_l2=None)]
    [reading] = [conversion.reading(dated) for dated in date(conversion.raw(rows), BERLIN)]
    assert reading.values == {f"energy_{direction}": 1500, f"energy_{direction}_l1": 500}
    assert (reading.seq, reading.meter, reading.quality) == (77, "sdm630-4711", "good")
    assert reading.ts == datetime(2024, 12, 31, 23, 15, tzinfo=UTC)


def test_a_reading_in_doubt_is_suspect() -> None:
    """The register of an hour that March has not got is not to be trusted without a look."""
    conversion = Conversion(known())
    [dated] = date(conversion.raw([row(1, "2025-03-30 02:15:00", "1")]), BERLIN)
    assert conversion.reading(dated).suspect == ("energy_import",)


def test_the_report_counts_what_is_wrong() -> None:
    """Gaps, doubled rows, falling registers, rows in disorder and rows that stay behind are all counted."""
    conversion, tally = Conversion(known()), Tally()
    rows = [
        row(1, "2025-01-01 00:00:00", "1"),
        row(2, "2025-01-01 00:15:00", "2"),
        row(3, "2025-01-01 00:15:00", "2"),
        row(4, "2025-01-01 01:00:00", "1.5"),
        row(5, "2025-01-01 00:30:00", "3"),
        row(6, "2025-01-01 01:30:00", None),
        row(7, "0000-00-00 00:00:00", "4"),
        row(8, "2025-10-26 02:15:00", "5"),
        {**row(9, "2025-10-26 04:15:00", "5"), "meter_id": "2"},
    ]
    for dated in date(conversion.raw(rows), BERLIN):
        tally.add(dated)
    counts = (tally.rows, tally.gaps, tally.duplicates, tally.falls, tally.disordered, tally.unclear, tally.missing)
    assert counts == (6, 2, 1, 1, 1, 1, 0)
    report = report_of("abc", known().values(), {1: tally}, conversion)
    assert (report.rows, report.without_meter, report.without_value, report.without_time) == (6, 1, 1, 1)
    assert "Dach" in table(report)
    assert "1 rows of an October hour" in table(report)


def test_meters_are_called_by_their_serial_numbers() -> None:
    """One without a number gets its id; a meter that moved keeps its name; two at one time are two."""
    meters = [
        meter(1, "AB 12", until="2020-01-01T00:00:00"),
        meter(2, "AB 12", since="2020-01-01T00:00:00"),
        meter(3, None),
        meter(4, "AB 12", since="2021-01-01T00:00:00"),
    ]
    names = [one.slug for one in known_of(meters).values()]
    assert names == ["sdm630-ab-12", "sdm630-ab-12", "sdm630-id-3", "sdm630-ab-12-id-4"]


def test_a_mapping_names_meters_and_leaves_some_out() -> None:
    """A person's file goes before the proposals."""
    entries = entries_of('[[meter]]\nid = 1\nslug = "flat-07"\nmodel = "sdm72d-m"\n[[meter]]\nid = 2\nskip = true\n')
    [one] = known_of([meter(1), meter(2)], entries).values()
    assert (one.slug, one.device) == ("flat-07", Device("sdm72d-m", "4711"))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[meter]]\nid = 9", "no meter 9"),
        ('[[meter]]\nid = 1\nslug = "Flat 7"', "slug"),
        ("[[meter]]\nid = 1\nname = 'x'", "name"),
        ("meter", "."),
        ("[[meter]]\nid = 1\nslug = 'x'\n[[meter]]\nid = 2\nslug = 'x'", "another one"),
    ],
)
def test_a_wrong_mapping_is_refused(text: str, words: str) -> None:
    """What a mapping says of no meter, or against the contract, ends the start."""
    with pytest.raises(MappingError, match=words):
        known_of([meter(1), meter(2)], entries_of(text))
