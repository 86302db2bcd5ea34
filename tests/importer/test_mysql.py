"""A live MariaDB of either age."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from importer.mariadb import PASSWORD, MariaDb
from importer.old_house import BERLIN, House
from mmetering_importer import mysql
from mmetering_importer.dump import Dump
from mmetering_importer.inventory import flats_of, meters_of
from mmetering_importer.mysql import Live
from mmetering_importer.source import SMALL, SourceError

pytestmark = pytest.mark.servers

HOUSE = House(3, datetime(2024, 3, 1, tzinfo=BERLIN), datetime(2024, 3, 2, tzinfo=BERLIN))


@pytest.mark.parametrize("new", [True, False], ids=["new", "old"])
def test_a_live_database_says_what_its_dump_says(
    mariadb: Callable[[str], MariaDb], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, new: bool
) -> None:
    """Flats, meters, people and every reading are the same from the server, page by page, as from the file."""
    monkeypatch.setattr(mysql, "PAGE", 100)
    server = mariadb("".join(HOUSE.statements(new=new)))
    live, dump = Live(server.url, PASSWORD), Dump(HOUSE.dump(tmp_path / "old.sql", new=new))
    assert flats_of(live) == flats_of(dump)
    assert meters_of(live, flats_of(live)) == meters_of(dump, flats_of(dump))
    for table in set(SMALL) - {"mmetering_flat", "mmetering_meter"}:
        assert [*map(_plain, live.table(table))] == [*map(_plain, dump.table(table))], table
    readings = [*map(_plain, live.readings())]
    assert len(readings) == 3 * 96
    assert readings == [*map(_plain, dump.readings())]
    assert live.share == 1.0


def test_a_wrong_password_is_told(mariadb: Callable[[str], MariaDb]) -> None:
    """Who cannot log in learns it in a sentence, without the password."""
    server = mariadb("")
    with pytest.raises(SourceError, match="Access denied") as raised:
        Live(server.url, "wrong-password")
    assert "wrong-password" not in str(raised.value)


@pytest.mark.parametrize("url", ["mysql://127.0.0.1/old", "mysql://reader@127.0.0.1", "mysql://"])
def test_an_incomplete_address_is_told(url: str) -> None:
    """An address without user or database is refused before anything is asked."""
    with pytest.raises(SourceError, match="not of the form"):
        Live(url, "")


def _plain(row: dict[str, str | None]) -> dict[str, str | None]:
    """Return a row with times in whole seconds and numbers without a fraction of zero."""
    return {name: value.removesuffix(".000000").removesuffix(".0") if value else value for name, value in row.items()}
