"""How long readings are kept, for ever to begin with, and what drops older ones alike on every database.

Chunks and columnstore depend on what the server can do today: every `migrate` sees to them, in `columnstore.py`.
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

RETENTION = """
CREATE TABLE retention (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    days  integer CHECK (days > 0)
);
INSERT INTO retention DEFAULT VALUES;
COMMENT ON TABLE retention IS 'How long readings are kept; quarter hours are kept for ever; one row';
COMMENT ON COLUMN retention.days IS 'NULL: for ever; set by migrate from MMETERING_RETENTION_DAYS';

-- With the rights of the owner: ingest may have old readings dropped, and delete none.
CREATE FUNCTION drop_old_readings() RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET lock_timeout = '5s'
AS $$
DECLARE
    horizon timestamptz;
BEGIN
    -- A marked quarter hour is still to be computed from its readings.
    SELECT date_bin('15 minutes', least(now() - make_interval(days => days), oldest.bucket), 'epoch') INTO horizon
    FROM retention, (SELECT min(bucket) AS bucket FROM dirty_quarter_hour) AS oldest
    WHERE days IS NOT NULL;
    IF horizon IS NULL OR NOT pg_try_advisory_xact_lock(1836803446) THEN
        RETURN false;
    END IF;
    IF to_regclass('timescaledb_information.hypertables') IS NOT NULL THEN
        IF EXISTS (
            SELECT FROM timescaledb_information.hypertables
            WHERE hypertable_schema = 'public' AND hypertable_name = 'reading'
        ) THEN
            PERFORM drop_chunks('reading', older_than => horizon);
            RETURN FOUND;
        END IF;
    END IF;
    DELETE FROM reading WHERE ctid = ANY(ARRAY(
        SELECT old.id
        FROM meter
        CROSS JOIN LATERAL (
            SELECT reading.ctid AS id FROM reading
            WHERE reading.meter_id = meter.id AND reading.ts < horizon
            ORDER BY reading.ts LIMIT 10000
        ) AS old
        LIMIT 10000
    ));
    RETURN FOUND;
END
$$;
COMMENT ON FUNCTION drop_old_readings IS
    'Drop what retention lets go: whole chunks, or 10,000 rows of a plain table; whether there was anything';
REVOKE EXECUTE ON FUNCTION drop_old_readings FROM PUBLIC;
"""


def upgrade() -> None:
    """Make the table and the function."""
    op.get_bind().exec_driver_sql(RETENTION)
