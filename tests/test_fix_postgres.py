"""The PostgreSQL that other tests stand on."""

import psycopg
import pytest
from fix_postgres import PostgresServer


def test_a_database_is_migrated_and_fresh(database: str) -> None:
    """A test finds the tables of ingest, and no row in them."""
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM reading").fetchone() == (0,)


def test_what_was_committed_outlives_a_crash(crashing_postgres: PostgresServer) -> None:
    """After SIGKILL in an open transaction the server comes back with what was committed, and nothing else."""
    with psycopg.connect(crashing_postgres.conninfo(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n integer)")
        connection.execute("INSERT INTO kept VALUES (1)")
        connection.execute("BEGIN")
        connection.execute("INSERT INTO kept VALUES (2)")
        crashing_postgres.kill()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("COMMIT")
    crashing_postgres.start()
    with psycopg.connect(crashing_postgres.conninfo()) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]
