"""Dumps of both ages, plain and packed, and what is wrong with others."""

import gzip
from datetime import datetime
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from importer.old_house import BERLIN, HASH, NAME, House
from mmetering_importer.dump import Dump
from mmetering_importer.inventory import flats_of, meters_of
from mmetering_importer.source import SourceError
from mmetering_importer.statement import rows_of, split

HOUSE = House(3, datetime(2024, 3, 1, tzinfo=BERLIN), datetime(2024, 3, 8, tzinfo=BERLIN))


@pytest.mark.parametrize("new", [True, False], ids=["new", "old"])
@pytest.mark.parametrize("packed", [True, False], ids=["gz", "plain"])
def test_a_dump_gives_back_every_row(tmp_path: Path, *, new: bool, packed: bool) -> None:
    """All readings of a dump come out, in order, with the text that stands there, whatever else it holds."""
    path = HOUSE.dump(tmp_path / "old.sql", new=new)
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    source = Dump(path)
    read = [
        (int(r["id"] or 0), int(r["meter_id"] or 0), datetime.fromisoformat(r["saved_time"] or ""), r["value"])
        for r in source.readings()
    ]
    text = "{!r}" if new else "{:.4f}"
    assert read == [(number, meter, at, text.format(wh / 1000)) for number, meter, at, wh in HOUSE.rows()]
    assert source.share == 1.0


@pytest.mark.parametrize("new", [True, False], ids=["new", "old"])
def test_flats_and_meters_of_either_age(tmp_path: Path, *, new: bool) -> None:
    """Flats keep their ids and names, and meters are found in either order of columns."""
    source = Dump(HOUSE.dump(tmp_path / "old.sql", new=new))
    flats = flats_of(source)
    assert [(flat.id, flat.direction) for flat in flats] == [(41, "import"), (42, "import"), (43, "export")]
    assert flats[0].name == NAME
    meters = meters_of(source, flats)
    assert [(m.id, m.flat.id, m.serial, m.address) for m in meters] == [
        (1, 41, "471101", 1),
        (2, 42, "471102", 2),
        (3, 43, "471103", 3),
    ]
    assert (meters[0].since, meters[0].until, meters[0].active) == ("2018-01-01T00:00:00", None, True)
    assert source.table("auth_user")[0]["password"] == HASH


def test_hexadecimal_blobs_are_their_text(tmp_path: Path) -> None:
    """What --hex-blob writes as 0x… is read as the text that it is."""
    [activity] = Dump(HOUSE.dump(tmp_path / "old.sql")).table("mmetering_activities")
    assert activity["title"] == "Export"


def test_a_cut_dump_is_refused(tmp_path: Path) -> None:
    """A dump that ends within a statement is not taken for a whole one."""
    path = HOUSE.dump(tmp_path / "old.sql")
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(SourceError, match="ends within a statement"):
        Dump(path)


def test_a_cut_archive_is_refused(tmp_path: Path) -> None:
    """Neither is one whose archive is cut."""
    path = HOUSE.dump(tmp_path / "old.sql")
    path.write_bytes(gzip.compress(path.read_bytes())[:-20])
    with pytest.raises(SourceError, match=r"old\.sql"):
        Dump(path)


def test_rows_in_disorder_are_refused(tmp_path: Path) -> None:
    """Rows out of the order of their ids would make October a guess."""
    rows = list(HOUSE.rows())
    source = Dump(HOUSE.dump(tmp_path / "old.sql", rows=[*rows[1:], rows[0]]))
    with pytest.raises(SourceError, match="order-by-primary"):
        list(source.readings())


@given(st.lists(st.tuples(st.text(), st.text()), min_size=1))
def test_any_text_survives_its_quotes(pairs: list[tuple[str, str]]) -> None:
    """Whatever stands in a string, escaped in either way, is read as it was, and ends no statement."""
    doubled = [text.replace("\\", "\\\\").replace("'", "''") for text in chain(*pairs)]
    slashed = [text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") for text in chain(*pairs)]
    for quoted in (doubled, slashed):
        values = ",\n".join(f"('{a}', '{b}')" for a, b in zip(quoted[::2], quoted[1::2], strict=True))
        statements, rest = split(f"-- it's\nINSERT INTO `t` (`a`, `b`) VALUES {values};\n/* ; */ INSERT")
        assert rest == "\n/* ; */ INSERT"
        assert [(row["a"], row["b"]) for row in rows_of(statements[0], ())] == pairs
