"""Meters, readings, quarter hours, points and people: all that the chain from meter to browser needs.

Times are timestamptz. Energy is integer Wh (reactive varh, apparent VAh); gauges keep the meter's float32.
"""

from alembic import op
from sqlalchemy import text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

RECORD = """
CREATE TABLE meter (
    id          integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    slug        text NOT NULL UNIQUE,
    model       text NOT NULL,
    serial      text,
    gateway     text NOT NULL,
    first_seen  timestamptz NOT NULL DEFAULT now(),
    last_seen   timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE meter IS 'Meters as their gateways name them; a slug is one physical meter for ever';
COMMENT ON COLUMN meter.gateway IS 'The gateway that it was first seen on; readings from another one are rejected';
COMMENT ON COLUMN meter.last_seen IS 'Newest ts of its readings';

-- No foreign key to meter: ingest is the only writer, and the check would cost more than the row.
CREATE TABLE reading (
    ts                      timestamptz NOT NULL,
    meter_id                integer NOT NULL,
    seq                     bigint NOT NULL,
    received_at             timestamptz NOT NULL,
    span_ms                 integer NOT NULL,
    clock_synced            boolean NOT NULL,
    suspect                 text[],
    missing                 text[],
    extra                   jsonb,
    voltage_l1              real,
    voltage_l2              real,
    voltage_l3              real,
    current_l1              real,
    current_l2              real,
    current_l3              real,
    power_l1                real,
    power_l2                real,
    power_l3                real,
    power_total             real,
    frequency               real,
    energy_import           bigint,
    energy_export           bigint,
    reactive_energy_import  bigint,
    reactive_energy_export  bigint,
    apparent_energy         bigint,
    energy_import_l1        bigint,
    energy_import_l2        bigint,
    energy_import_l3        bigint,
    energy_export_l1        bigint,
    energy_export_l2        bigint,
    energy_export_l3        bigint,
    PRIMARY KEY (meter_id, ts, seq)
);
COMMENT ON TABLE reading IS 'Every reading, as received; scan groups stand in rows of their own';
COMMENT ON COLUMN reading.ts IS 'When the reply of the meter arrived';
COMMENT ON COLUMN reading.seq IS 'Number in the spool of the gateway';
COMMENT ON COLUMN reading.received_at IS 'When ingest committed it';
COMMENT ON COLUMN reading.span_ms IS 'ms from the first request to the last reply';
COMMENT ON COLUMN reading.clock_synced IS 'False where ts was never better than a guess';
COMMENT ON COLUMN reading.suspect IS 'Quantities not to be trusted without a look; NULL when all are good';
COMMENT ON COLUMN reading.missing IS 'Quantities that could not be read; NULL when all were';
COMMENT ON COLUMN reading.extra IS 'Quantities that this release has no column for';
COMMENT ON COLUMN reading.voltage_l1 IS 'V';
COMMENT ON COLUMN reading.voltage_l2 IS 'V';
COMMENT ON COLUMN reading.voltage_l3 IS 'V';
COMMENT ON COLUMN reading.current_l1 IS 'A';
COMMENT ON COLUMN reading.current_l2 IS 'A';
COMMENT ON COLUMN reading.current_l3 IS 'A';
COMMENT ON COLUMN reading.power_l1 IS 'W';
COMMENT ON COLUMN reading.power_l2 IS 'W';
COMMENT ON COLUMN reading.power_l3 IS 'W';
COMMENT ON COLUMN reading.power_total IS 'W';
COMMENT ON COLUMN reading.frequency IS 'Hz';
COMMENT ON COLUMN reading.energy_import IS 'Wh';
COMMENT ON COLUMN reading.energy_export IS 'Wh';
COMMENT ON COLUMN reading.reactive_energy_import IS 'varh';
COMMENT ON COLUMN reading.reactive_energy_export IS 'varh';
COMMENT ON COLUMN reading.apparent_energy IS 'VAh';
COMMENT ON COLUMN reading.energy_import_l1 IS 'Wh';
COMMENT ON COLUMN reading.energy_import_l2 IS 'Wh';
COMMENT ON COLUMN reading.energy_import_l3 IS 'Wh';
COMMENT ON COLUMN reading.energy_export_l1 IS 'Wh';
COMMENT ON COLUMN reading.energy_export_l2 IS 'Wh';
COMMENT ON COLUMN reading.energy_export_l3 IS 'Wh';

CREATE TABLE gateway_record (
    gateway   text NOT NULL,
    epoch     text NOT NULL,
    seqs      int8multirange NOT NULL DEFAULT '{}',
    rejected  int8multirange NOT NULL DEFAULT '{}',
    dropped   int8multirange NOT NULL DEFAULT '{}',
    PRIMARY KEY (gateway, epoch)
);
COMMENT ON TABLE gateway_record IS
    'What of each spool is accounted for; a hole in the union is a reading still to come';
COMMENT ON COLUMN gateway_record.seqs IS 'Stored in reading';
COMMENT ON COLUMN gateway_record.rejected IS 'Refused, kept in rejected';
COMMENT ON COLUMN gateway_record.dropped IS 'Given up by the gateway, whose spool was full';

CREATE TABLE rejected (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at        timestamptz NOT NULL DEFAULT now(),
    topic     text NOT NULL,
    payload   bytea NOT NULL,
    reason    text NOT NULL,
    epoch     text,
    seqs      int8multirange
);
COMMENT ON TABLE rejected IS 'Messages and readings that could not be stored, for a look';
COMMENT ON COLUMN rejected.payload IS 'As received; bytea, since text knows no NUL';
"""

QUARTER_HOURS = """
CREATE TYPE counter_span AS (
    first bigint, first_ts timestamptz, last bigint, last_ts timestamptz, minimum bigint, maximum bigint
);
COMMENT ON TYPE counter_span IS
    'A counter over a stretch of time: first and last value with their times, lowest and highest';
CREATE TYPE gauge_span AS (mean real, minimum real, maximum real);
COMMENT ON TYPE gauge_span IS 'A gauge over a stretch of time';

-- Of two values at one instant the lower is the first and the higher the last, so that the order of rows never matters.
CREATE FUNCTION counter_span_add(span counter_span, ts timestamptz, value bigint) RETURNS counter_span
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF span.first_ts IS NULL OR (ts, value) < (span.first_ts, span.first) THEN
        span.first_ts := ts;
        span.first := value;
    END IF;
    IF span.last_ts IS NULL OR (ts, value) > (span.last_ts, span.last) THEN
        span.last_ts := ts;
        span.last := value;
    END IF;
    span.minimum := least(span.minimum, value);
    span.maximum := greatest(span.maximum, value);
    RETURN span;
END
$$;
CREATE FUNCTION counter_span_end(span counter_span) RETURNS counter_span
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (span).first IS NOT NULL THEN span END;
CREATE AGGREGATE counter_span_agg(ts timestamptz, value bigint) (
    SFUNC = counter_span_add, STYPE = counter_span, INITCOND = '(,,,,,)', FINALFUNC = counter_span_end
);
CREATE FUNCTION to_gauge_span(mean double precision, minimum real, maximum real) RETURNS gauge_span
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN ROW(mean, minimum, maximum)::gauge_span;

CREATE TABLE quarter_hour (
    meter_id                integer NOT NULL REFERENCES meter,
    bucket                  timestamptz NOT NULL,
    readings                integer NOT NULL,
    suspect                 integer NOT NULL,
    voltage_l1              gauge_span,
    voltage_l2              gauge_span,
    voltage_l3              gauge_span,
    current_l1              gauge_span,
    current_l2              gauge_span,
    current_l3              gauge_span,
    power_l1                gauge_span,
    power_l2                gauge_span,
    power_l3                gauge_span,
    power_total             gauge_span,
    frequency               gauge_span,
    energy_import           counter_span,
    energy_export           counter_span,
    reactive_energy_import  counter_span,
    reactive_energy_export  counter_span,
    apparent_energy         counter_span,
    energy_import_l1        counter_span,
    energy_import_l2        counter_span,
    energy_import_l3        counter_span,
    energy_export_l1        counter_span,
    energy_export_l2        counter_span,
    energy_export_l3        counter_span,
    PRIMARY KEY (meter_id, bucket)
);
CREATE INDEX quarter_hour_bucket ON quarter_hour (bucket);
COMMENT ON TABLE quarter_hour IS
    'What the readings of a quarter hour amount to; derived, and computed again whenever one comes in';
COMMENT ON COLUMN quarter_hour.bucket IS 'Begin of the quarter hour, on the UTC grid';
COMMENT ON COLUMN quarter_hour.suspect IS 'How many of the readings are suspect';

-- Marks are only ever added and taken away, never updated: a mark that is not committed yet cannot be missed.
CREATE TABLE dirty_quarter_hour (
    meter_id  integer NOT NULL,
    bucket    timestamptz NOT NULL
);
COMMENT ON TABLE dirty_quarter_hour IS 'Quarter hours whose readings have changed since they were computed';

CREATE FUNCTION counter_at(
    boundary timestamptz, before bigint, before_ts timestamptz, after bigint, after_ts timestamptz
) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN after_ts = boundary THEN after
    WHEN after_ts - before_ts <= interval '5 minutes' THEN
        before + round((after - before) * extract(epoch FROM boundary - before_ts)
                       / extract(epoch FROM after_ts - before_ts))::bigint
    WHEN after_ts - boundary <= interval '60 seconds' THEN after
    WHEN boundary - before_ts <= interval '60 seconds' THEN before
END;
COMMENT ON FUNCTION counter_at IS
    'The counter at a boundary: between samples at most 5 minutes apart, or one within 60 s; NULL with neither';

CREATE VIEW quarter_hour_energy AS
SELECT
    this.meter_id,
    this.bucket,
    counter_at(this.bucket + interval '15 minutes',
               (this.energy_import).last, (this.energy_import).last_ts,
               (next.energy_import).first, (next.energy_import).first_ts)
    - counter_at(this.bucket,
                 (previous.energy_import).last, (previous.energy_import).last_ts,
                 (this.energy_import).first, (this.energy_import).first_ts) AS energy_import,
    counter_at(this.bucket + interval '15 minutes',
               (this.energy_export).last, (this.energy_export).last_ts,
               (next.energy_export).first, (next.energy_export).first_ts)
    - counter_at(this.bucket,
                 (previous.energy_export).last, (previous.energy_export).last_ts,
                 (this.energy_export).first, (this.energy_export).first_ts) AS energy_export
FROM quarter_hour AS this
LEFT JOIN quarter_hour AS previous
    ON previous.meter_id = this.meter_id AND previous.bucket = this.bucket - interval '15 minutes'
LEFT JOIN quarter_hour AS next
    ON next.meter_id = this.meter_id AND next.bucket = this.bucket + interval '15 minutes';
COMMENT ON VIEW quarter_hour_energy IS
    'Wh of each quarter hour, from boundary to boundary; NULL where a boundary is not measured';
"""

PEOPLE = """
CREATE TABLE point (
    id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name  text NOT NULL UNIQUE,
    kind  text NOT NULL CHECK (kind IN ('flat', 'common', 'producer', 'grid', 'storage'))
);
COMMENT ON TABLE point IS 'Supply points: what is metered; a point outlives its meters';

CREATE TABLE installation (
    id        integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    point_id  integer NOT NULL REFERENCES point,
    meter_id  integer NOT NULL REFERENCES meter,
    counter   text NOT NULL CHECK (counter IN ('import', 'export')),
    from_ts   timestamptz NOT NULL,
    to_ts     timestamptz CHECK (to_ts > from_ts)
);
CREATE UNIQUE INDEX installation_meter ON installation (meter_id) WHERE to_ts IS NULL;
CREATE UNIQUE INDEX installation_point ON installation (point_id) WHERE to_ts IS NULL;
COMMENT ON TABLE installation IS 'A meter on a point, from an instant to an instant; to_ts is NULL while it lasts';
COMMENT ON COLUMN installation.counter IS 'Which of the energy counters is the use, or the production, of the point';

CREATE TABLE person (
    id             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name           text NOT NULL UNIQUE,
    password_hash  text NOT NULL,
    role           text NOT NULL CHECK (role IN ('administrator', 'viewer')),
    created_at     timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN person.password_hash IS 'argon2id';
"""

TIMESCALE_IS_INSTALLED = "SELECT count(*) FROM pg_extension WHERE extname = 'timescaledb'"
TIMESCALE_IS_LOADED = """
SELECT count(*) FROM pg_available_extensions
WHERE name = 'timescaledb' AND CASE
    -- Who may not know whether it is loaded could not make the extension either.
    WHEN pg_has_role('pg_read_all_settings', 'USAGE')
    THEN current_setting('shared_preload_libraries') LIKE '%timescaledb%'
END
"""
HYPERTABLE = "SELECT create_hypertable('reading', by_range('ts', INTERVAL '1 day'))"


def upgrade() -> None:
    """Make the tables, and `reading` a hypertable by day where TimescaleDB is there."""
    connection = op.get_bind()
    # The statements go to the driver as they are: SQLAlchemy would take a colon for a parameter.
    for statements in (RECORD, QUARTER_HOURS, PEOPLE):
        connection.exec_driver_sql(statements)
    installed = connection.execute(text(TIMESCALE_IS_INSTALLED)).scalar_one()
    if not installed and connection.execute(text(TIMESCALE_IS_LOADED)).scalar_one():
        connection.exec_driver_sql("CREATE EXTENSION timescaledb")
        installed = 1
    if installed:
        connection.exec_driver_sql(HYPERTABLE)
