"""Backup and restore: what was there is there again, the same, or nothing has changed and one sentence says why."""

import gzip
import io
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from fix_postgres import PostgresServer
from fix_timescale import FreshDatabase, Timescale
from ingest_building import delivery, reading
from mmetering_ingest.backup.archive import ArchiveError, DatabaseError
from mmetering_ingest.backup.backup import backup
from mmetering_ingest.backup.restore import restore
from mmetering_ingest.intake import Delivery
from mmetering_ingest.quarter_hours import compute_dirty
from mmetering_ingest.refusal import Kind, Refusal
from mmetering_ingest.schema.migrate import migrate, newest_version, update_extension
from mmetering_ingest.store import Store

PEOPLE = r"""
INSERT INTO point (name, kind) VALUES (E'Flat 7, \\ "left"\n\t\\N', 'flat'), ('Grid', 'grid');
INSERT INTO installation (point_id, meter_id, counter, from_ts) VALUES (1, 1, 'import', '2026-11-01Z');
INSERT INTO person (name, password_hash, role) VALUES ('zoë', '$argon2id$x', 'viewer');
DELETE FROM point WHERE name = 'Grid';
"""
ALL = (
    "SELECT * FROM reading ORDER BY meter_id, ts, seq",
    "SELECT * FROM quarter_hour ORDER BY meter_id, bucket",
    "SELECT * FROM dirty_quarter_hour ORDER BY bucket, meters",
    "SELECT gateway, epoch, seqs::text, rejected::text, dropped::text FROM gateway_record ORDER BY epoch",
    "SELECT * FROM rejected ORDER BY id",
    "SELECT * FROM meter ORDER BY id",
    "SELECT * FROM point",
    "SELECT * FROM installation",
    "SELECT * FROM person",
    "SELECT * FROM retention",
    "SELECT version_num FROM alembic_version",
)


def fill(database: str) -> None:
    """Store readings, refusals and marks, and let people have entered something."""
    store = Store(database)
    good = [reading(seq, power_total=seq / 3, energy_import=1000 + seq, cos_phi=0.5) for seq in range(1, 300)]
    other = [reading(seq, meter="flat-08", energy_export=2**40 + seq) for seq in range(300, 310)]
    store.commit([delivery(*good, *other)])
    refusal = Refusal(Kind.MALFORMED, b"\0\xff\\N\n", "bad\treason", ((1, 3),))
    store.commit([Delivery("x", "main", "e", refusals=(refusal,))])
    with psycopg.connect(database, autocommit=True) as connection:
        compute_dirty(connection)
        connection.execute(PEOPLE)
    store.commit([delivery(reading(400))])  # its mark is not computed yet
    store.close()


def everything(database: str) -> list[list[tuple[object, ...]]]:
    """Return all rows of all tables."""
    with psycopg.connect(database) as connection:
        return [connection.execute(query).fetchall() for query in ALL]


def backed_up(database: str) -> bytes:
    """Return an archive of a database."""
    target = io.BytesIO()
    backup(database, target)
    return target.getvalue()


@pytest.fixture(scope="module")
def archive(postgres_server: PostgresServer) -> Iterator[bytes]:
    """Give an archive of a database that was filled."""
    with another(postgres_server, "migrated") as database:
        fill(database)
        yield backed_up(database)


@contextmanager
def another(server: PostgresServer, template: str = "template1") -> Iterator[str]:
    """Give one more database."""
    name = server.create_database(template)
    yield server.conninfo(name)
    server.drop_database(name)


def test_what_was_there_is_there_again(database: str, empty_database: str) -> None:
    """Every row of every table is the same, and numbers go on where they had been."""
    fill(database)
    manifest = restore(empty_database, io.BytesIO(backed_up(database)))
    assert everything(empty_database) == everything(database)
    rows = {table.name: table.rows for table in manifest.contents.tables}
    assert (rows["public.reading"], rows["public.point"], rows["public.person"]) == (310, 1, 1)
    assert manifest.contents.counters["flat-07"].energy_import == 1400
    with psycopg.connect(empty_database) as connection:
        query = "INSERT INTO point (name, kind) VALUES ('Pump', 'common') RETURNING id"
        assert connection.execute(query).fetchone() == (3,)


def test_a_backup_is_of_one_moment(database: str, empty_database: str) -> None:
    """What is stored while the backup is being written is not in it, in no table."""
    fill(database)
    before = everything(database)

    class Slow(io.BytesIO):
        """Stores one more reading as soon as the first bytes arrive."""

        def write(self, data: bytes) -> int:  # type: ignore[override]
            if not self.tell():
                store = Store(database)
                store.commit([delivery(reading(500, meter="flat-09"))])
                store.close()
            return super().write(data)

    target = Slow()
    backup(database, target)
    restore(empty_database, io.BytesIO(target.getvalue()))
    assert everything(empty_database) == before
    assert everything(database) != before


def test_a_database_that_is_migrated_and_empty_may_be_filled(database: str, archive: bytes) -> None:
    """The services may have been there before."""
    assert restore(database, io.BytesIO(archive)).schema == newest_version()


def test_rows_are_deleted_only_when_asked_for(database: str, archive: bytes) -> None:
    """Without the wish nothing has changed; with it the database is that of the backup."""
    fill(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DELETE FROM reading")
    before = everything(database)
    with pytest.raises(DatabaseError, match=r"not empty: public\.\w+ has rows; with --replace they are deleted"):
        restore(database, io.BytesIO(archive))
    assert everything(database) == before
    restore(database, io.BytesIO(archive), replace=True)
    assert len(everything(database)[0]) == 310


def test_a_database_in_use_is_left_alone(empty_database: str, archive: bytes) -> None:
    """A service that is still connected would go on with what it knows."""
    with psycopg.connect(empty_database), pytest.raises(DatabaseError, match="1 others are connected"):
        restore(empty_database, io.BytesIO(archive))


@pytest.mark.parametrize("damage", ["truncated", "flipped", "other", "text", "nothing"])
def test_a_damaged_archive_changes_nothing(database: str, archive: bytes, damage: str) -> None:
    """Wherever it is damaged one sentence says so, and what was there is there."""
    fill(database)
    before = everything(database)
    middle = len(archive) // 2
    damaged = {
        "truncated": archive[:-5],
        "flipped": archive[:middle] + bytes([archive[middle] ^ 0x10]) + archive[middle + 1 :],
        "other": gzip.compress(tar({"readme": b"a tar of something else"})),
        "text": b"no archive at all",
        "nothing": b"",
    }[damage]
    with pytest.raises(ArchiveError, match=r"damaged|no backup"):
        restore(database, io.BytesIO(damaged), replace=True)
    assert everything(database) == before


def test_an_archive_that_lacks_rows_is_refused(empty_database: str, archive: bytes) -> None:
    """Counts and counters of the manifest are compared with what has been restored."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as whole:
        members = {member.name: whole.extractfile(member).read() for member in whole}  # type: ignore[union-attr]
    name = "database/public.reading/000000"
    members[name] = members[name].split(b"\n", 1)[1]
    with pytest.raises(ArchiveError, match="the tables are not what they were"):
        restore(empty_database, io.BytesIO(gzip.compress(tar(members))))


def test_an_archive_of_a_later_release_is_refused(empty_database: str, archive: bytes) -> None:
    """Its schema is not known here; the sentence says what to do."""
    later = gzip.compress(
        gzip.decompress(archive).replace(f'"schema": "{newest_version()}"'.encode(), b'"schema": "9999"', 1)
    )
    with pytest.raises(ArchiveError, match="schema 9999, which this release does not know; update first"):
        restore(empty_database, io.BytesIO(later))


def test_an_archive_of_an_earlier_release_is_brought_to_this_one(postgres_server: PostgresServer) -> None:
    """It is restored into its own schema, which is then migrated."""
    with another(postgres_server) as old, another(postgres_server, "migrated") as new:
        migrate(old, "0001")
        with psycopg.connect(old, autocommit=True) as connection:
            connection.execute("INSERT INTO meter (slug, model, gateway) VALUES ('flat-07', 'sdm630', 'main')")
            connection.execute(
                """INSERT INTO reading (ts, meter_id, seq, received_at, span_ms, clock_synced, energy_import)
                   VALUES ('2026-11-23 02:45Z', 1, 1, now(), 90, true, 4711)"""
            )
        archive = backed_up(old)
        assert restore(new, io.BytesIO(archive)).schema == "0001"
        with psycopg.connect(new) as connection:
            assert connection.execute("SELECT energy_import, energy_total FROM reading").fetchall() == [(4711, None)]
            assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(newest_version(),)]


def test_tables_of_others_do_no_harm(database: str, empty_database: str) -> None:
    """What somebody else keeps in the database is in the archive, and not restored."""
    fill(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA foreign_one CREATE TABLE notes (id serial, text text)")
        connection.execute("INSERT INTO foreign_one.notes (text) VALUES ('keep')")
    archive = backed_up(database)
    assert b"keep" in gzip.decompress(archive)
    restore(empty_database, io.BytesIO(archive))
    assert everything(empty_database) == everything(database)


def test_without_tables_there_is_nothing_to_back_up(empty_database: str) -> None:
    """An empty database is told as such."""
    with pytest.raises(DatabaseError, match="no tables of mmetering"):
        backed_up(empty_database)


def test_the_command_packs_files_and_says_that_all_is_the_same(
    database: str, empty_database: str, tmp_path: Path
) -> None:
    """Files from standard input are packed, only the owner may read the archive, and none is written over."""
    fill(database)
    archive = tmp_path / "backup.tar.gz"
    status, told = ingest(database, "backup", "--files", str(archive), stdin=tar({"secrets/a.txt": b"one"}))
    assert (status, told.startswith("backed up: 310 readings,")) == (0, True)
    assert archive.stat().st_mode & 0o777 == 0o600
    with tarfile.open(archive) as members:
        assert members.getnames()[:2] == ["manifest.json", "files/secrets/a.txt"]
        file = members.extractfile("files/secrets/a.txt")
        assert file
        assert file.read() == b"one"
    status, told = ingest(empty_database, "restore", str(archive))
    assert (status, told.startswith("restored the same: 310 readings,")) == (0, True)
    assert ingest(database, "backup", str(archive))[0] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["backup.tar.gz"]


def test_a_backup_that_fails_leaves_no_file(database: str, tmp_path: Path) -> None:
    """Neither under the name nor under another; one sentence says why."""
    status, told = ingest(database, "backup", "--files", str(tmp_path / "backup.tar.gz"), stdin=b"no tar")
    assert (status, told) == (
        1,
        "mmetering-ingest: the files to be packed are no tar: truncated header",
    )
    assert list(tmp_path.iterdir()) == []


def test_backup_and_restore_on_timescaledb(timescale_server: FreshDatabase, database: str, empty_database: str) -> None:
    """From plain PostgreSQL into a hypertable and back, with its chunks, every row is the same."""
    fill(database)
    timescale = timescale_server()
    if timescale.source == "webassembly":
        pytest.skip("TimescaleDB's WebAssembly build has no COPY")
    restore(timescale.conninfo, io.BytesIO(backed_up(database)))
    assert everything(timescale.conninfo) == everything(database)
    restore(timescale.conninfo, io.BytesIO(backed_up(timescale.conninfo)), replace=True)
    assert chunks(timescale) >= 1
    restore(empty_database, io.BytesIO(backed_up(timescale.conninfo)))
    assert everything(empty_database) == everything(database)


def test_backup_and_restore_of_the_columnstore(full_timescale: Timescale, empty_database: str) -> None:
    """What rests in the columnstore is in the archive, and comes back as rows, of which the policy takes care again."""
    fill(full_timescale.conninfo)
    with full_timescale.connect() as connection:
        connection.execute("SELECT compress_chunk(chunk) FROM show_chunks('reading') AS chunk")
    before = everything(full_timescale.conninfo)
    archive = backed_up(full_timescale.conninfo)
    restore(full_timescale.conninfo, io.BytesIO(archive), replace=True)
    assert everything(full_timescale.conninfo) == before
    with full_timescale.connect() as connection:
        policies = "SELECT count(*) FROM timescaledb_information.jobs WHERE proc_name = 'policy_compression'"
        assert connection.execute(policies).fetchone() == (1,)
        packed = "SELECT bool_or(is_compressed) FROM timescaledb_information.chunks"
        assert connection.execute(packed).fetchone() == (False,)
        connection.execute("SELECT compress_chunk(chunk) FROM show_chunks('reading') AS chunk")
    assert everything(full_timescale.conninfo) == before
    restore(empty_database, io.BytesIO(archive))
    assert everything(empty_database) == before


def test_years_come_back_in_few_chunks(timescale_server: FreshDatabase, database: str) -> None:
    """A history from plain PostgreSQL goes into chunks of weeks, not of days."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            """INSERT INTO reading (ts, meter_id, seq, delay_s, span_ms, clock_synced)
               SELECT ts, 1, 1, 1, 1, true
               FROM generate_series(timestamptz '2026-01-01Z', '2026-03-31Z', interval '1 day') AS ts"""
        )
    timescale = timescale_server()
    if timescale.source == "webassembly":
        pytest.skip("TimescaleDB's WebAssembly build has no COPY")
    restore(timescale.conninfo, io.BytesIO(backed_up(database)))
    assert chunks(timescale) <= 14


def test_the_extension_is_brought_to_the_version_of_the_server(database: str, empty_timescale: Timescale) -> None:
    """Where it is there it is updated before all else in a session; where not, nothing happens."""
    update_extension(database)
    update_extension(empty_timescale.conninfo)
    with empty_timescale.connect() as connection:
        query = "SELECT installed_version = default_version FROM pg_available_extensions WHERE name = 'timescaledb'"
        assert connection.execute(query).fetchone() == (True,)


def chunks(timescale: Timescale) -> int:
    """Return how many chunks the readings have."""
    with timescale.connect() as connection:
        row = connection.execute("SELECT count(*) FROM show_chunks('reading')").fetchone()
    assert row
    return int(row[0])


def tar(files: dict[str, bytes]) -> bytes:
    """Return a tar of files."""
    target = io.BytesIO()
    with tarfile.open(fileobj=target, mode="w") as members:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            members.addfile(member, io.BytesIO(content))
    return target.getvalue()


def ingest(database: str, *arguments: str, stdin: bytes = b"") -> tuple[int, str]:
    """Run a command of ingest; return its status and its last line."""
    command = [sys.executable, "-m", "mmetering_ingest", *arguments]
    environment = {"PATH": os.environ["PATH"], "MMETERING_DATABASE": database}
    done = subprocess.run(command, env=environment, input=stdin, capture_output=True, check=False)
    return done.returncode, done.stderr.decode().strip().rpartition("\n")[2]
