"""Deliveries into tables, against a real PostgreSQL: every reading once, whatever is repeated or wrong."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import psycopg
import pytest
from fix_postgres import PostgresServer, as_login
from ingest_building import EPOCH, SDM630, T0, delivery, reading
from mmetering_contract.record import Device, Receipt
from mmetering_contract.state import SeenGateway
from mmetering_ingest.intake import Delivery
from mmetering_ingest.newer import NewerReading
from mmetering_ingest.refusal import Kind, Refusal
from mmetering_ingest.schema.migrate import newest_version
from mmetering_ingest.store import AwayError, Store


@pytest.fixture
def store(database: str) -> Iterator[Store]:
    """Give a store on a fresh database."""
    store = Store(as_login(database, "ingest"))
    yield store
    store.close()


def rows(database: str, query: str) -> list[tuple[object, ...]]:
    """Return what a query finds."""
    with psycopg.connect(database) as connection:
        return connection.execute(query).fetchall()


def seqs(database: str) -> list[int]:
    """Return the seqs in the table, in order, doubles and all."""
    return [seq for (seq,) in rows(database, "SELECT seq FROM reading ORDER BY seq")]  # type: ignore[misc]


def test_a_delivery_becomes_rows_marks_and_a_receipt(store: Store, database: str) -> None:
    """The reading, its meter, its quarter hour's mark and the gateway's record are written together."""
    outcome = store.commit([delivery(reading(1, power_total=371, energy_import=12345, cos_phi=0.98), reading(2))])
    assert outcome.receipts == {"main": [Receipt(EPOCH, stored=((1, 2),))]}
    assert rows(
        database, "SELECT ts, seq, span_ms, power_total, energy_import, extra FROM reading_in_units ORDER BY seq"
    ) == [
        (T0 + timedelta(seconds=10), 1, 146, 371.0, 12345, {"cos_phi": 0.98}),
        (T0 + timedelta(seconds=20), 2, 146, 371.5, 1002, None),
    ]
    assert rows(database, "SELECT slug, model, serial, gateway FROM meter") == [
        ("flat-07", "sdm630", "23040107", "main")
    ]
    assert rows(database, "SELECT bucket FROM dirty_quarter_hour") == [(T0,)]
    assert rows(database, "SELECT gateway, epoch, seqs::text, rejected::text FROM gateway_record") == [
        ("main", EPOCH, "{[1,3)}", "{}")
    ]


def test_a_repeat_stores_nothing_and_is_receipted(store: Store, database: str) -> None:
    """Repeats, overlaps and doubles within one commit end in one row for each reading."""
    store.commit([delivery(reading(1), reading(2))])
    receipts = store.commit([delivery(reading(2), reading(3)), delivery(reading(3), reading(4))]).receipts
    assert receipts == {"main": [Receipt(EPOCH, stored=((2, 4),))]}
    assert seqs(database) == [1, 2, 3, 4]
    assert rows(database, "SELECT seqs::text FROM gateway_record") == [("{[1,5)}",)]


def test_each_scan_group_fills_its_own_columns(store: Store, database: str) -> None:
    """Readings of several groups, some of them in part or repeated, come into the columns that they are of."""
    mixed = [
        msgspec.structs.replace(reading(1), values={"voltage_l1": 230}, missing=("power_total",)),
        msgspec.structs.replace(reading(2), values={"power_total": 1.5, "voltage_l1": 231}),
        msgspec.structs.replace(reading(3), group="quality", values={"power_factor_l1": 1}),
        msgspec.structs.replace(reading(4), group="energy", values={"energy_total": 7, "tomorrow": 8}),
        msgspec.structs.replace(reading(5), group="demand", values={}),
    ]
    for readings in (mixed[2:4], mixed):
        store.commit([delivery(*readings)])
    found = rows(
        database,
        "SELECT seq, power_total, voltage_l1, power_factor_l1, energy_total, extra FROM reading_in_units ORDER BY seq",
    )
    assert found == [
        (1, None, 230, None, None, None),
        (2, 1.5, 231, None, None, None),
        (3, None, None, 1, None, None),
        (4, None, None, None, 7, {"tomorrow": 8}),
        (5, None, None, None, None, None),
    ]


def test_what_a_gateway_has_dropped_is_accounted_for(store: Store, database: str) -> None:
    """The ranges are recorded once, however often they are told; what comes nevertheless is stored, not dropped."""
    first = replace(delivery(reading(5)), dropped=((1, 2), (4, 4)))
    for told in (first, first):
        assert store.commit([told]).receipts == {"main": [Receipt(EPOCH, stored=((5, 5),), dropped=((1, 2), (4, 4)))]}
    assert rows(database, "SELECT seqs::text, dropped::text FROM gateway_record") == [("{[5,6)}", "{[1,3),[4,5)}")]
    store.commit([replace(delivery(reading(2)), dropped=((2, 3),))])
    store.commit([delivery(reading(4))])
    assert rows(database, "SELECT seqs::text, dropped::text FROM gateway_record") == [
        ("{[2,3),[4,6)}", "{[1,2),[3,4)}")
    ]


def test_two_spools_are_accounted_apart(store: Store, database: str) -> None:
    """Each gateway and each epoch has its receipt and its record."""
    other = replace(delivery(reading(1, meter="flat-08"), gateway="attic"), devices={"flat-08": SDM630})
    receipts = store.commit([delivery(reading(1)), delivery(reading(9), epoch="ff" * 8), other]).receipts
    assert receipts == {
        "attic": [Receipt(EPOCH, stored=((1, 1),))],
        "main": [Receipt(EPOCH, stored=((1, 1),)), Receipt("ff" * 8, stored=((9, 9),))],
    }
    assert len(rows(database, "SELECT * FROM gateway_record")) == 3


def test_a_meter_belongs_to_the_gateway_that_it_was_first_seen_on(store: Store, database: str) -> None:
    """Readings under its slug from another gateway are rejected, and kept."""
    store.commit([delivery(reading(1))])
    receipts = store.commit([delivery(reading(5), gateway="attic")]).receipts
    assert receipts == {"attic": [Receipt(EPOCH, rejected=((5, 5),))]}
    assert seqs(database) == [1]
    assert rows(database, "SELECT reason, seqs::text FROM rejected") == [
        ("meter flat-07 belongs to gateway main", "{[5,6)}")
    ]
    assert rows(database, "SELECT rejected::text FROM gateway_record WHERE gateway = 'attic'") == [("{[5,6)}",)]


def test_what_a_gateway_says_of_its_meter_is_taken_over(store: Store, database: str) -> None:
    """A serial number that becomes known is entered."""
    unknown = replace(delivery(reading(1)), devices={"flat-07": Device("sdm630")})
    store.commit([unknown])
    assert rows(database, "SELECT serial FROM meter") == [(None,)]
    store.commit([delivery(reading(2))])
    assert rows(database, "SELECT serial FROM meter") == [("23040107",)]


def test_refusals_are_kept_as_they_came(store: Store, database: str) -> None:
    """NUL and bytes that are no text survive in bytea; the reason cannot break the insert."""
    refusal = Refusal(Kind.MALFORMED, b"\0\xff", "no\0good\ud800", ((1, 3),))
    refused = Delivery("mmetering/x", "main", EPOCH, refusals=(refusal,))
    assert store.commit([refused]).receipts == {"main": [Receipt(EPOCH, rejected=((1, 3),))]}
    assert rows(database, "SELECT topic, gateway, kind, payload, reason FROM rejected") == [
        ("mmetering/x", "main", "malformed", b"\0\xff", "no\\0good\\ud800")
    ]


def test_a_row_that_the_database_refuses_never_stops_the_stream(store: Store, database: str) -> None:
    """It is found among a thousand good ones and rejected; they are stored."""
    with psycopg.connect(database) as connection:
        connection.execute("ALTER TABLE reading ADD CHECK (power_total <> 6660)")
    readings = [reading(seq, power_total=666.0 if seq in (137, 950) else 1.0) for seq in range(1, 1001)]
    receipts = store.commit([delivery(*readings)]).receipts
    assert receipts == {
        "main": [Receipt(EPOCH, stored=((1, 136), (138, 949), (951, 1000)), rejected=((137, 137), (950, 950)))]
    }
    assert len(seqs(database)) == 998
    assert len(rows(database, "SELECT * FROM rejected WHERE reason LIKE '%reading_power_total_check%'")) == 2


AGAIN = ("08006", "25006", "40001", "40P01", "42501", "53100", "53200", "53300", "55P03", "57P01", "57P03", "XX000")
CONTENT = ("22003", "22P02", "22P05", "23502", "23514")


def fail_with(database: str, sqlstate: str) -> None:
    """Have every reading of 666 W refused."""
    with psycopg.connect(database) as connection:
        connection.execute(
            "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION 'on purpose' USING ERRCODE = '{sqlstate}'; END $$;"
            "CREATE TRIGGER fail BEFORE INSERT ON reading"
            " FOR EACH ROW WHEN (new.power_total = 6660) EXECUTE FUNCTION fail()"
        )


@pytest.mark.parametrize("sqlstate", AGAIN)
def test_an_error_that_is_no_rows_own_is_tried_again(store: Store, database: str, sqlstate: str) -> None:
    """Nothing of the commit is stored, refused or receipted; once the error is gone, all of it is stored."""
    fail_with(database, sqlstate)
    readings = delivery(reading(1), reading(2, power_total=666.0))
    with pytest.raises(AwayError, match=sqlstate):
        store.commit([readings])
    for table in ("reading", "rejected", "gateway_record", "dirty_quarter_hour"):
        assert rows(database, f"SELECT * FROM {table}") == []
    with psycopg.connect(database) as connection:
        connection.execute("DROP TRIGGER fail ON reading")
    assert store.commit([readings]).receipts == {"main": [Receipt(EPOCH, stored=((1, 2),))]}


@pytest.mark.parametrize("sqlstate", CONTENT)
def test_an_error_of_a_rows_content_rejects_the_row(store: Store, database: str, sqlstate: str) -> None:
    """The others of its commit are stored, and so it is when some of them are there already."""
    fail_with(database, sqlstate)
    store.commit([delivery(reading(1))])
    outcome = store.commit([delivery(reading(1), reading(2, power_total=666.0), reading(3))])
    assert outcome.receipts == {"main": [Receipt(EPOCH, stored=((1, 1), (3, 3)), rejected=((2, 2),))]}
    assert outcome.duplicates == 1
    assert rows(database, "SELECT kind, seqs::text FROM rejected") == [("database", "{[2,3)}")]


def test_the_account_of_a_spool_tells_what_is_open(store: Store, database: str) -> None:
    """Each number up to the highest is stored, rejected, given up or open, and only one of them."""
    query = "SELECT gateway, newest, stored, rejected, dropped, open, open_seqs::text FROM spool_account"
    refusal = Refusal(Kind.MALFORMED, b"", "bad", ((4, 5), (8, 8)))
    store.commit([replace(delivery(reading(3), reading(10)), refusals=(refusal,), dropped=((1, 1), (5, 5)))])
    assert rows(database, query) == [("main", 10, 2, 3, 1, 4, "{[2,3),[6,8),[9,10)}")]
    store.commit([delivery(*(reading(seq) for seq in (2, 6, 7, 9)))])
    assert rows(database, query) == [("main", 10, 6, 3, 1, 0, "{}")]


def test_what_was_rejected_and_is_sent_again_is_stored(store: Store, database: str) -> None:
    """It leaves the account of the rejected, and the rejected messages that stood for it; and it does not come back."""
    whole = Delivery("t", "main", EPOCH, refusals=(Refusal(Kind.MALFORMED, b"123", "bad", ((1, 3),)),))
    store.commit([whole])
    store.commit([Delivery("t", "attic", EPOCH, refusals=(Refusal(Kind.MALFORMED, b"", "bad", ((1, 9),)),))])
    store.commit([delivery(reading(2))])
    account = "SELECT stored, rejected FROM spool_account WHERE gateway = 'main'"
    kept = "SELECT payload, seqs::text FROM rejected WHERE gateway = 'main'"
    assert (rows(database, account), rows(database, kept)) == ([(1, 2)], [(b"123", "{[1,2),[3,4)}")])
    store.commit([delivery(reading(1), reading(3))])
    assert (rows(database, account), rows(database, kept)) == ([(3, 0)], [])
    store.commit([whole])
    assert rows(database, account) == [(3, 0)]
    assert rows(database, "SELECT rejected FROM spool_account WHERE gateway = 'attic'") == [(9,)]


def test_what_is_rejected_again_is_kept_once(store: Store, database: str) -> None:
    """Of a message that comes again and again the table has one row."""
    for payload in (b"1", b"2", b"3"):
        store.commit([Delivery("t", "main", EPOCH, refusals=(Refusal(Kind.MALFORMED, payload, "bad", ((1, 3),)),))])
    assert rows(database, "SELECT payload FROM rejected") == [(b"3",)]


def test_a_meter_that_is_given_to_another_gateway_is_stored_from_there(store: Store, database: str) -> None:
    """Without a restart, by a running store, and the old gateway's readings are rejected as soon as it has looked."""
    store.commit([delivery(reading(1))])
    store.commit([delivery(reading(1), gateway="attic")])
    with psycopg.connect(database) as connection:
        connection.execute("UPDATE meter SET gateway = 'attic'")
    again = store.commit([delivery(reading(1, ts=T0), gateway="attic")])
    assert again.receipts == {"attic": [Receipt(EPOCH, stored=((1, 1),))]}
    assert rows(database, "SELECT * FROM rejected") == []
    assert store.commit([delivery(reading(2))]).receipts == {"main": [Receipt(EPOCH, rejected=((2, 2),))]}


def test_every_kind_of_refusal_has_its_place(store: Store, database: str) -> None:
    """The table takes each kind that the code knows."""
    for kind in Kind:
        store.commit([Delivery("t", refusals=(Refusal(kind, b"", "bad"),))])
    assert rows(database, "SELECT kind FROM rejected ORDER BY id") == [(kind.value,) for kind in Kind]


def test_what_a_newer_release_says_is_kept(store: Store, database: str) -> None:
    """Unknown quantities stand in `extra`, and unknown keys in an object of their own there."""
    values: dict[str, int | float] = {"power_total": 5, "cos_phi": 0.98}
    keys: dict[str, object] = {"tariff": 2, "note": {"a": [1, None]}}
    newer = NewerReading(**msgspec.structs.asdict(reading(1)) | {"values": values}, keys=keys)
    store.commit([delivery(newer, reading(2))])
    assert rows(database, "SELECT extra FROM reading ORDER BY seq") == [({"cos_phi": 0.98, "+": keys},), (None,)]


def test_gateways_are_remembered(store: Store, database: str) -> None:
    """When their last batch came, whoever tells it last, and the last that was known of their clocks."""
    at = datetime.now(UTC)
    assert store.now()[1] is None
    store.see_gateways({"main": SeenGateway(at - timedelta(seconds=5), 42.5), "attic": SeenGateway(at)}, at)
    store.see_gateways({"main": SeenGateway(at - timedelta(seconds=50))}, at)
    found = rows(database, "SELECT gateway, clock_offset_s FROM gateway ORDER BY gateway")
    assert found == [("attic", None), ("main", 42.5)]
    theirs, last_batch_at = store.now()
    assert last_batch_at
    assert timedelta() <= theirs - last_batch_at < timedelta(seconds=60)
    apart = "SELECT round(extract(epoch FROM max(last_batch_at) - min(last_batch_at))) FROM gateway"
    assert rows(database, apart) == [(5,)]


def test_the_table_of_rejected_is_bounded_by_size(store: Store, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many of the newest are kept as there is room for."""
    monkeypatch.setattr("mmetering_ingest.store.KEEP_REJECTED_BYTES", 100)
    for size in (60, 10, 50, 40):
        store.commit([Delivery("t", refusals=(Refusal(Kind.MALFORMED, b"x" * size, "bad"),))])
    assert rows(database, "SELECT length(payload) FROM rejected ORDER BY id") == [(10,), (50,), (40,)]


def test_the_table_of_rejected_is_bounded(store: Store, database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the newest are kept."""
    monkeypatch.setattr("mmetering_ingest.store.KEEP_REJECTED", 3)
    for n in range(6):
        store.commit([Delivery(f"topic/{n}", refusals=(Refusal(Kind.MALFORMED, b"", "bad"),))])
    assert rows(database, "SELECT topic FROM rejected ORDER BY id") == [("topic/3",), ("topic/4",), ("topic/5",)]


def test_a_missing_migration_or_a_full_table_is_the_database_being_away(database: str) -> None:
    """Errors that are not a row's own are tried again later, and nothing is receipted."""
    store = Store(as_login(database, "ingest"))
    with psycopg.connect(database) as connection:
        connection.execute("ALTER TABLE reading RENAME TO elsewhere")
    with pytest.raises(AwayError, match="42P01"):
        store.commit([delivery(reading(1))])
    with psycopg.connect(database) as connection:
        connection.execute("ALTER TABLE elsewhere RENAME TO reading")
    assert store.commit([delivery(reading(1))]).receipts == {"main": [Receipt(EPOCH, stored=((1, 1),))]}
    store.close()


def test_it_finds_the_database_again_after_a_crash(crashing_postgres: PostgresServer) -> None:
    """Killed and started again, the same deliveries are stored by the same store."""
    database = crashing_postgres.conninfo()
    store = Store(as_login(database, "ingest"))
    store.commit([delivery(reading(1))])
    crashing_postgres.kill()
    with pytest.raises(AwayError):
        store.commit([delivery(reading(2))])
    crashing_postgres.start()
    store.commit([delivery(reading(2))])
    assert seqs(database) == [1, 2]
    store.close()


def test_it_knows_the_version_of_the_schema(store: Store, empty_database: str) -> None:
    """None before the first migration, this release's after it."""
    assert store.version() == newest_version()
    empty = Store(as_login(empty_database, "ingest"))
    assert empty.version() is None
    empty.close()
