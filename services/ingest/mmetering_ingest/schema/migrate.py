"""Bring the schema to this release, once, whoever else tries at the same moment.

Alembic keeps the steps and the version; the advisory lock is ours, since a lock in a table outlives a killed process.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, NullPool, create_engine, text

from mmetering_ingest.schema.columnstore import adjust

# Any number that no other user of the database locks: the letters "mmet" in ASCII.
LOCK = 0x6D6D6574


def migrate(conninfo: str, version: str = "head") -> None:
    """Run the steps that the database lacks, all in one transaction.

    Args:
        conninfo: libpq connection string of a role that may create tables.
        version: the last step to run; by default the newest.

    Raises:
        psycopg.Error: the database cannot be reached or refuses a step; then nothing has changed.
    """
    with migrating(conninfo) as connection:
        upgrade(connection, version)


@contextmanager
def migrating(conninfo: str) -> Iterator[Connection]:
    """Give a connection in a transaction during which nobody else migrates.

    Raises:
        psycopg.Error: the database cannot be reached.
    """

    def connect() -> psycopg.Connection:
        # Without prepared statements the steps run behind a connection pooler, too.
        return psycopg.connect(conninfo, prepare_threshold=None)

    engine = create_engine("postgresql+psycopg://", creator=connect, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        yield connection


def upgrade(connection: Connection, version: str = "head") -> None:
    """Run the steps that the database lacks within the transaction of `migrating`; after the newest, see to chunks."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, version)
    if version == "head":
        adjust(driver_of(connection))


def driver_of(connection: Connection) -> psycopg.Connection:
    """Return the connection of psycopg that SQLAlchemy has wrapped."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def update_extension(conninfo: str) -> None:
    """Bring TimescaleDB, where the database has it, to the version that the server carries.

    Source: TimescaleDB's manual, "Upgrade TimescaleDB": it must be the first statement of its session.

    Raises:
        psycopg.Error: the database cannot be reached or refuses; then nothing has changed.
    """
    with psycopg.connect(conninfo, autocommit=True) as connection, suppress(psycopg.errors.UndefinedObject):
        connection.execute("ALTER EXTENSION timescaledb UPDATE")


def is_known(version: str) -> bool:
    """Return whether this release has the step."""
    return version in {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def newest_version() -> str:
    """Return the version that this release's services need."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("this release carries no migration")
    return head


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "mmetering_ingest.schema:migrations")
    return config
