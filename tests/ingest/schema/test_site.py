"""The site's time zone, as `mmetering-ingest migrate` sets it."""

import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

SCRIPT = str(Path(sys.executable).with_name("mmetering-ingest"))


def _migrate(database: str, **environment: str) -> tuple[int, str]:
    """Run the command; return its exit status and what it said of errors."""
    ended = subprocess.run(
        [SCRIPT, "migrate"],
        env={"MMETERING_DATABASE": database, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return ended.returncode, ended.stderr


def _time_zone(database: str) -> str:
    with psycopg.connect(database) as connection:
        ((zone,),) = connection.execute("SELECT time_zone FROM site").fetchall()
    return str(zone)


def test_migrating_sets_the_time_zone_where_one_is_given(empty_database: str) -> None:
    """It is Berlin's until somebody says otherwise, and stays what it was where nobody says anything."""
    for environment, zone in (({}, "Europe/Berlin"), ({"MMETERING_TIME_ZONE": "Europe/Vienna"}, "Europe/Vienna"),
                              ({}, "Europe/Vienna")):  # fmt: skip
        status, errors = _migrate(empty_database, **environment)
        assert (status, errors) == (0, "")
        assert _time_zone(empty_database) == zone


@pytest.mark.parametrize("wrong", ["Europe/Nowhere", "../etc/passwd"])
def test_a_wrong_time_zone_ends_migrating_with_its_name(database: str, wrong: str) -> None:
    """Nothing has changed then."""
    status, errors = _migrate(database, MMETERING_TIME_ZONE=wrong)
    assert (status, wrong in errors) == (2, True)
    assert _time_zone(database) == "Europe/Berlin"
