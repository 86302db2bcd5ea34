"""The TimescaleDB that other tests stand on."""

import pytest
from fix_timescale import Timescale


def test_it_is_timescaledb(timescale: Timescale) -> None:
    """The table of readings is a hypertable, in an edition that says its name."""
    assert timescale.edition in {"timescale", "apache"}
    with timescale.connect() as connection:
        tables = connection.execute("SELECT hypertable_name FROM timescaledb_information.hypertables").fetchall()
    assert ("reading",) in tables


@pytest.mark.parametrize("turn", [1, 2])
def test_it_is_fresh(empty_timescale: Timescale, turn: int) -> None:
    """No test finds what another one left."""
    with empty_timescale.connect() as connection:
        connection.execute("CREATE TABLE mine (turn integer)")
        connection.execute("INSERT INTO mine VALUES (%s)", [turn])
