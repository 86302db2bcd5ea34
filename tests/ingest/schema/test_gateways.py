"""Migration 0003 on a database that has rows."""

import psycopg
from ingest_building import EPOCH
from mmetering_ingest.schema.migrate import migrate


def test_what_is_there_gets_its_gateway(empty_database: str) -> None:
    """Gateways are known from their meters and spools, rejected messages by their topics, and spools are accounted."""
    migrate(empty_database, "0002")
    with psycopg.connect(empty_database) as connection:
        connection.execute(
            "INSERT INTO meter (slug, model, gateway, first_seen) VALUES"
            " ('a', 'x', 'main', '2026-01-02 00:00+00'), ('b', 'x', 'main', '2026-01-01 00:00+00')"
        )
        connection.execute(
            "INSERT INTO gateway_record VALUES"
            " ('main', 'e', '{[1,5),[8,9)}', '{[6,7)}', '{}'), ('attic', 'e', '{}', '{}', '{}')"
        )
        connection.execute(
            "INSERT INTO rejected (topic, payload, reason, epoch, seqs) VALUES"
            f" ('mmetering/v1/home/gateway/main/batch', '', 'old', '{EPOCH}', '{{[6,7)}}'),"
            " ('hello', '', 'old', NULL, '{}')"
        )
    migrate(empty_database)
    with psycopg.connect(empty_database) as connection:
        gateways = connection.execute("SELECT gateway, first_seen < now() - interval '1 day' FROM gateway ORDER BY 1")
        assert gateways.fetchall() == [("attic", False), ("main", True)]
        rejected = connection.execute("SELECT gateway, kind FROM rejected ORDER BY id")
        assert rejected.fetchall() == [("main", None), (None, None)]
        account = connection.execute(
            "SELECT gateway, newest, open, open_seqs::text FROM spool_account ORDER BY gateway"
        )
        assert account.fetchall() == [("attic", None, 0, "{}"), ("main", 8, 2, "{[5,6),[7,8)}")]
