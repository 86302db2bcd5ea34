"""Who may do what in the database: every cell of the table in docs/operations.md, tried, and what nobody may."""

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from fix_postgres import PostgresServer, as_login
from fix_timescale import Timescale
from ingest_building import delivery, reading
from mmetering_ingest.quarter_hours import compute_dirty
from mmetering_ingest.schema.logins import ROLES, LoginError, make_logins, passwords_from
from mmetering_ingest.schema.migrate import migrate
from mmetering_ingest.store import Store
from mmetering_runtime.config import ConfigError, Environment
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy.exc import ProgrammingError
from wait import wait_for

DOCUMENT = Path(__file__).parents[3] / "docs/operations.md"
LOGINS = pytest.mark.parametrize("name", ROLES)
COLUMNS = """
SELECT relname, array_agg(attname::text ORDER BY attnum)
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f') AND attnum > 0
    AND NOT attisdropped
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
GROUP BY relname
"""
VERBS = {
    "r": "SELECT {column} FROM {table} LIMIT 0",
    "a": "INSERT INTO {table} DEFAULT VALUES",
    "c": "UPDATE {table} SET {column} = DEFAULT WHERE false",
    "d": "DELETE FROM {table} WHERE false",
}
Cell = dict[str, frozenset[str]]  # verb to the columns for which it may be done


def documented(name: str, tables: dict[str, list[str]]) -> dict[str, Cell]:
    """Return a login's column of the document's table: `r a c(model, serial) d`."""
    rows = [line.strip("|").split("|") for line in DOCUMENT.read_text("utf-8").splitlines() if line[:1] == "|"]
    head = next(index for index, row in enumerate(rows) if [cell.strip() for cell in row[1:]] == list(ROLES))
    cells: dict[str, Cell] = {}
    for row in rows[head + 2 :]:
        if len(row) != len(ROLES) + 1:
            break
        tried = re.findall(r"([racd])(?:\(([\w, ]+)\))?", row[1 + list(ROLES).index(name)])
        for table in re.findall(r"`(\w+)`", row[0]):
            every = frozenset(tables.get(table, ()))
            cells[table] = {verb: frozenset(some.split(", ")) if some else every for verb, some in tried}
    return cells


def may(connection: psycopg.Connection, statement: str, table: str, column: str) -> bool:
    """Return whether a statement is allowed; nothing of it stays."""
    query = sql.SQL(statement).format(table=sql.Identifier(table), column=sql.Identifier(column))
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(query)
    except psycopg.IntegrityError:  # an empty row, of somebody who may add rows
        return True
    except (psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectNotInPrerequisiteState):
        return False  # the latter: a view that nobody can write
    except psycopg.errors.FeatureNotSupported:
        return False
    return True


def tried(connection: psycopg.Connection, tables: dict[str, list[str]]) -> dict[str, Cell]:
    """Return what this connection may do with each table and view."""
    found = {
        table: {
            verb: frozenset(column for column in columns if may(connection, statement, table, column))
            for verb, statement in VERBS.items()
        }
        for table, columns in tables.items()
    }
    return {table: {verb: columns for verb, columns in cell.items() if columns} for table, cell in found.items()}


def connect(database: str, name: str) -> psycopg.Connection:
    """Return a connection with a login; a reader may switch off that its transactions are read-only."""
    conninfo = make_conninfo(as_login(database, name), options="-c default_transaction_read_only=off")
    return psycopg.connect(conninfo, autocommit=True)


def tables_of(database: str) -> dict[str, list[str]]:
    """Return the columns of all tables and views."""
    with psycopg.connect(database, prepare_threshold=None) as connection:
        return dict(connection.execute(COLUMNS.encode()).fetchall())


@LOGINS
def test_each_login_may_what_the_document_says(database: str, name: str) -> None:
    """Reading, adding, changing and deleting of every column of every table and view, and no row of it forgotten."""
    tables = tables_of(database)
    with connect(database, name) as connection:
        assert tried(connection, tables) == documented(name, tables)


@LOGINS
def test_each_role_may_the_same_on_timescaledb(timescale: Timescale, name: str) -> None:
    """A hypertable, its chunks and the views on it are no way around."""
    tables = tables_of(timescale.conninfo)
    with timescale.connect() as connection:
        connection.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(ROLES[name])))
        assert tried(connection, tables) == documented(name, tables)


NOBODY = (
    "TRUNCATE reading",
    "TRUNCATE person CASCADE",
    "DROP TABLE reading",
    "DROP VIEW quarter_hour_energy",
    "ALTER TABLE reading ADD COLUMN mine integer",
    "ALTER TABLE person DISABLE TRIGGER ALL",
    "CREATE INDEX ON reading (seq)",
    "CREATE TABLE mine (n integer)",
    "CREATE VIEW mine AS SELECT 1",
    "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql RETURN 1",
    "CREATE SCHEMA mine",
    "CREATE ROLE mine SUPERUSER",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "SET ROLE mmetering",
    "SET SESSION AUTHORIZATION mmetering",
    "ALTER SYSTEM SET log_statement = 'all'",
    "SELECT rolpassword FROM pg_authid",
    "SELECT pg_read_file('PG_VERSION')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "COPY meter TO '/tmp/mmetering-meter'",
    "SELECT setval('meter_id_seq', 1)",
    "SELECT lo_export(1, '/tmp/mmetering-object')",
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'mmetering'",
)
ALONE = {
    "ingest": (
        "SELECT password_hash FROM person",
        "SELECT name FROM person",
        "UPDATE reading SET energy_import = 0",
        "DELETE FROM reading",
        "UPDATE meter SET gateway = 'attic'",
        "DELETE FROM quarter_hour",
        "DELETE FROM gateway_record",
        "INSERT INTO point (name, kind) VALUES ('Flat 7', 'flat')",
        "UPDATE alembic_version SET version_num = '0001'",
        "SET ROLE mmetering_web",
    ),
    "web": (
        "INSERT INTO reading (ts, meter_id, seq) VALUES (now(), 1, 1)",
        "UPDATE reading SET energy_import = 0",
        "DELETE FROM reading",
        "UPDATE quarter_hour SET readings = 0",
        "INSERT INTO quarter_hour (meter_id, bucket, readings, suspect) VALUES (1, now(), 1, 0)",
        "DELETE FROM quarter_hour",
        "UPDATE meter SET slug = 'flat-08'",
        "INSERT INTO meter (slug, model, gateway) VALUES ('flat-08', 'sdm630', 'main')",
        "UPDATE gateway_record SET seqs = '{}'",
        "DELETE FROM rejected",
        "SELECT drop_old_readings()",
        "CREATE TEMPORARY TABLE mine (n integer)",
        "SET ROLE mmetering_ingest",
    ),
    "reader": (
        "SELECT password_hash FROM person",
        "SELECT count(*) FROM person",
        "COPY person TO STDOUT",
        "SELECT payload FROM rejected",
        "UPDATE point SET name = 'mine'",
        "DELETE FROM installation",
        "SELECT drop_old_readings()",
        "INSERT INTO person (name, password_hash, role) VALUES ('eve', 'x', 'administrator')",
        "CREATE TEMPORARY TABLE mine (n integer)",
        "SET ROLE mmetering_web",
    ),
}


@pytest.mark.parametrize(
    ("name", "statement"),
    [(name, statement) for name in ROLES for statement in (*NOBODY, *ALONE[name])],
)
def test_what_no_service_may(fresh: str, name: str, statement: str) -> None:
    """Of the tables only the owner is the master, of the server nobody of us; and no role is a way to another one."""
    with connect(fresh, name) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement.encode())


def test_what_a_later_step_makes_is_for_the_web_to_read(database: str) -> None:
    """Until it says more the web may read it, nobody else may anything."""
    with psycopg.connect(database, autocommit=True) as owner:
        owner.execute("CREATE TABLE tariff (n integer)")
    tables = {"tariff": ["n"]}
    found = {}
    for name in ROLES:
        with connect(database, name) as connection:
            found[name] = tried(connection, tables)["tariff"]
    assert found == {"ingest": {}, "web": {"r": frozenset({"n"})}, "reader": {}}


def test_functions_with_the_rights_of_the_owner(database: str) -> None:
    """Only ingest may call one, and none finds the tables where its caller lets it look."""
    query = """
        SELECT proname::text, 'search_path=public, pg_temp' = ANY(proconfig), array(
            SELECT login FROM unnest(%s::text[]) AS login WHERE has_function_privilege(login, pg_proc.oid, 'EXECUTE')
        )
        FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace
    """
    with psycopg.connect(database) as connection:
        found = connection.execute(query, (list(ROLES),)).fetchall()
    assert found == [("drop_old_readings", True, ["ingest"])]


@pytest.fixture(scope="module")
def fresh(postgres_server: PostgresServer) -> Iterator[str]:
    """Give a database that was migrated itself: a copy of one has not its rights on the database as a whole."""
    name = postgres_server.create_database()
    postgres_server.migrate(name)
    with psycopg.connect(postgres_server.conninfo(name)):  # a session of the owner, whom nobody may end
        yield postgres_server.conninfo(name)
    postgres_server.drop_database(name)


def test_ingest_stores_and_computes_with_its_own_rights(fresh: str) -> None:
    """New readings, repeated ones, refused ones and their quarter hours need nothing that it has not."""
    own = as_login(fresh, "ingest")
    store = Store(own)
    for _ in range(2):  # the second time through the temporary table
        store.commit([delivery(reading(1), reading(2)), delivery(reading(3), gateway="attic")])
    store.close()
    with psycopg.connect(own, autocommit=True) as connection:
        assert compute_dirty(connection)
        assert connection.execute("SELECT count(*) FROM quarter_hour").fetchone() == (1,)


def test_ingest_and_readers_need_no_more_in_the_columnstore(timescale: Timescale) -> None:
    """Late readings go into a compressed chunk and into a new one, too old ones go away, and a reader sees the rest."""
    if timescale.source == "webassembly":
        pytest.skip("TimescaleDB's WebAssembly build has no COPY")
    store = Store(make_conninfo(timescale.conninfo, options="-c role=mmetering_ingest"))
    now = datetime.now(UTC).replace(microsecond=0)
    store.commit([delivery(reading(1, ts=now), reading(2, ts=now))])
    with timescale.connect() as owner:
        if timescale.edition == "timescale":
            owner.execute("SELECT compress_chunk(chunk) FROM show_chunks('reading') AS chunk")
        store.commit([delivery(reading(2, ts=now), reading(3, ts=now), reading(4, ts=now - timedelta(days=60)))])
        store.close()
        owner.execute("UPDATE retention SET days = 31")
        owner.execute("SET ROLE mmetering_ingest")
        assert compute_dirty(owner)
        assert owner.execute("SELECT count(*) FROM reading").fetchone() == (4,)
        owner.execute("SELECT drop_old_readings()")
        owner.execute("SET ROLE mmetering_reader")
        for (chunk,) in owner.execute("SELECT show_chunks('reading')::text").fetchall():
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                owner.execute(f"SELECT * FROM {chunk}".encode())
        assert owner.execute("SELECT count(*) FROM reading_in_units").fetchone() == (3,)


def test_a_reader_hinders_nobody(database: str) -> None:
    """Its transactions write nothing, and its queries end by themselves; ingest's and the web's do not."""
    limits = "SELECT current_setting('default_transaction_read_only'), current_setting('statement_timeout')"
    found = {}
    for name in ROLES:
        with psycopg.connect(as_login(database, name)) as connection:
            found[name] = connection.execute(limits.encode()).fetchone()
    assert found == {"ingest": ("off", "0"), "web": ("off", "0"), "reader": ("on", "1min")}


# The logins


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """Give a server of this test's own without any role of ours, which writes every statement into its log."""
    settings = {"log_statement": "all", "log_min_messages": "log", "logging_collector": "on", "log_filename": "log"}
    server = PostgresServer(settings)
    try:
        server.start()
        yield server
    finally:
        server.remove()


def answers(database: str, name: str, password: str) -> bool:
    """Return whether somebody gets in with this password."""
    try:
        psycopg.connect(make_conninfo(database, user=name, password=password)).close()
    except psycopg.OperationalError:
        return False
    return True


def test_a_password_is_changed_and_stands_nowhere(server: PostgresServer) -> None:
    """The last password is the one that counts; the server's log has verifiers of it only."""
    database = server.conninfo()
    migrate(database)
    make_logins(database, {"web": "the first one", "ingest": "sesame"})
    make_logins(database, {"web": "the second ' one"})
    assert [answers(database, "web", password) for password in ("the first one", "the second ' one")] == [False, True]
    assert answers(database, "ingest", "sesame")
    assert not answers(database, "reader", "sesame")
    log = (server.home / "data/log/log").read_text()
    assert log.count('ALTER ROLE "web" LOGIN PASSWORD \'SCRAM-SHA-256$') == 2
    assert not [secret for secret in ("the first one", "the second", "sesame") if secret in log]


def test_a_login_of_somebody_else_is_left_alone(server: PostgresServer) -> None:
    """Where another application of the server has a login of that name it stays as it is."""
    database = server.conninfo()
    migrate(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE ROLE web LOGIN PASSWORD 'theirs'")
        with pytest.raises(LoginError, match="role web is no member of mmetering_web"):
            make_logins(database, {"web": "ours"})
        assert answers(database, "web", "theirs")
        connection.execute("GRANT mmetering_web TO web")
    make_logins(database, {"web": "ours"})
    assert answers(database, "web", "ours")


def owner_of(server: PostgresServer, database: str, *, attributes: str) -> str:
    """Return the connection string of a new owner of a database who is no superuser."""
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute(f"CREATE ROLE house LOGIN PASSWORD 'secret' {attributes}".encode())
        connection.execute(sql.SQL("ALTER DATABASE {} OWNER TO house").format(sql.Identifier(database)))
    return make_conninfo(server.conninfo(database), user="house", password="secret")


def test_an_owner_who_may_create_roles_needs_nobody(server: PostgresServer) -> None:
    """Neither a superuser nor an administrator is needed, as in a managed database."""
    own = owner_of(server, "mmetering", attributes="CREATEROLE")
    migrate(own)
    for _ in range(2):
        make_logins(own, dict.fromkeys(ROLES, "secret"))
    with psycopg.connect(make_conninfo(own, user="web")) as connection:
        assert connection.execute("SELECT count(*) FROM person").fetchone() == (0,)
    with (
        psycopg.connect(make_conninfo(own, user="reader")) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("SELECT count(*) FROM person")


def test_an_owner_who_may_not_is_told_what_to_do(server: PostgresServer) -> None:
    """Nothing has changed; what the error says is what an administrator must run, and then it goes on."""
    own = owner_of(server, "mmetering", attributes="NOCREATEROLE")
    with pytest.raises(ProgrammingError, match="house may not create roles") as error:
        migrate(own)
    (advice,) = re.findall(r'administrator run "(.*)"', str(error.value.orig))
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute(advice.encode())
        connection.execute("CREATE ROLE excel LOGIN PASSWORD 'secret' IN ROLE mmetering_reader")
    migrate(own)
    with psycopg.connect(make_conninfo(own, user="excel")) as connection:
        assert connection.execute("SELECT count(*) FROM day_energy").fetchone() == (0,)


def test_two_databases_of_a_server_may_be_migrated_at_once(server: PostgresServer) -> None:
    """Both want the same roles: who comes second waits and takes those of the first."""
    other = server.conninfo(server.create_database())
    errors: list[Exception] = []

    def try_it() -> None:
        try:
            migrate(other)
            make_logins(other, {"web": "secret"})
        except Exception as error:  # noqa: BLE001 whatever it is fails the test
            errors.append(error)

    second = threading.Thread(target=try_it)
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    with psycopg.connect(server.conninfo()) as first, psycopg.connect(server.conninfo(), autocommit=True) as observer:
        first.execute("CREATE ROLE mmetering_ingest NOLOGIN")
        first.execute("CREATE ROLE mmetering_web NOLOGIN")
        first.execute("CREATE ROLE web LOGIN IN ROLE mmetering_web")
        second.start()
        wait_for(lambda: observer.execute(waiting).fetchone() == (1,), timeout=60)
    second.join()
    assert errors == []
    assert answers(other, "web", "secret")


def test_passwords_come_from_variables_or_files(tmp_path: Path) -> None:
    """A login without a password is left alone; a file that is missing ends the start."""
    file = tmp_path / "web"
    file.write_text("from the file\n")
    variables = {
        "MMETERING_DATABASE_INGEST_PASSWORD": "as it is",
        "MMETERING_DATABASE_WEB_PASSWORD_FILE": str(file),
    }
    assert passwords_from(Environment(variables)) == {"ingest": "as it is", "web": "from the file"}
    file.unlink()
    with pytest.raises(ConfigError, match="MMETERING_DATABASE_WEB_PASSWORD_FILE"):
        passwords_from(Environment(variables))
