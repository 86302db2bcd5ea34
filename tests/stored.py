"""The readings of a database under test, to be compared with those of another one."""

import psycopg

Row = tuple[object, ...]


def readings(database: str) -> list[Row]:
    """Return what the table holds of each reading, but for when it came, in order."""
    with psycopg.connect(database) as connection:
        return connection.execute(
            "SELECT seq, ts, slug, voltage_l1, energy_import"
            " FROM reading_in_units JOIN meter ON meter.id = meter_id ORDER BY seq"
        ).fetchall()
