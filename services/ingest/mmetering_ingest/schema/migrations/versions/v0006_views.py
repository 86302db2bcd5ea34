"""Views for people and for tools that speak SQL: plain names, units in the names, days of the site's time zone.

A filter on their times goes down to the index of `quarter_hour`; none of them reads `reading`. Energy is counter
against counter at two boundaries, so a gap between them loses nothing; where a boundary is not measured it is NULL.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

SITE = """
CREATE TABLE site (
    one        boolean PRIMARY KEY DEFAULT true CHECK (one),
    time_zone  text NOT NULL CHECK (timestamptz '2000-01-01 00:00+00' AT TIME ZONE time_zone IS NOT NULL)
);
INSERT INTO site (time_zone) VALUES ('Europe/Berlin');
COMMENT ON TABLE site IS 'What is true of the whole site; one row';
COMMENT ON COLUMN site.time_zone IS 'Whose midnights begin the days; set by migrate from MMETERING_TIME_ZONE';
"""

# A row is kilobytes wide, and most questions are about these columns: with the key they fill a twentieth of the blocks.
# By bucket alone a single quarter hour was now and then looked up among those of all meters.
INDEXES = """
ALTER TABLE quarter_hour DROP CONSTRAINT quarter_hour_pkey;
ALTER TABLE quarter_hour ADD PRIMARY KEY (meter_id, bucket) INCLUDE (energy_import, energy_export, power_total);
DROP INDEX quarter_hour_bucket;
CREATE INDEX quarter_hour_bucket ON quarter_hour (bucket, meter_id);
"""

# Functions of SQL, which the planner opens: what they look up, and by which index, it then sees.
BOUNDARIES = """
CREATE FUNCTION counters_at(meter integer, boundary timestamptz)
RETURNS TABLE (energy_import bigint, energy_export bigint)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT
    counter_at(boundary, (before.energy_import).last, (before.energy_import).last_ts,
               (after.energy_import).first, (after.energy_import).first_ts),
    counter_at(boundary, (before.energy_export).last, (before.energy_export).last_ts,
               (after.energy_export).first, (after.energy_export).first_ts)
FROM (SELECT) AS one
LEFT JOIN quarter_hour AS before ON before.meter_id = meter AND before.bucket = boundary - interval '15 minutes'
LEFT JOIN quarter_hour AS after ON after.meter_id = meter AND after.bucket = boundary;
END;
COMMENT ON FUNCTION counters_at IS 'Wh, the counters of a meter at a quarter-hour boundary; NULL where not measured';

-- quarter_hour_energy looks up the neighbours of each quarter hour; here they come along in order, in one pass. It may
-- be any neighbour: counter_at takes no value that is further from the boundary than it should be.
CREATE FUNCTION quarter_hours_of(meter integer, since timestamptz, until timestamptz)
RETURNS TABLE (bucket timestamptz, energy_import bigint, energy_export bigint, power gauge_span)
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT
    this.bucket,
    counter_at(this.bucket + interval '15 minutes', (this.energy_import).last, (this.energy_import).last_ts,
               (this.next_import).first, (this.next_import).first_ts)
    - counter_at(this.bucket, (this.previous_import).last, (this.previous_import).last_ts,
                 (this.energy_import).first, (this.energy_import).first_ts),
    counter_at(this.bucket + interval '15 minutes', (this.energy_export).last, (this.energy_export).last_ts,
               (this.next_export).first, (this.next_export).first_ts)
    - counter_at(this.bucket, (this.previous_export).last, (this.previous_export).last_ts,
                 (this.energy_export).first, (this.energy_export).first_ts),
    this.power_total
FROM (
    SELECT
        quarter_hour.bucket, quarter_hour.energy_import, quarter_hour.energy_export, quarter_hour.power_total,
        lag(quarter_hour.energy_import) OVER in_order AS previous_import,
        lead(quarter_hour.energy_import) OVER in_order AS next_import,
        lag(quarter_hour.energy_export) OVER in_order AS previous_export,
        lead(quarter_hour.energy_export) OVER in_order AS next_export
    FROM quarter_hour
    WHERE quarter_hour.meter_id = meter
        AND quarter_hour.bucket >= since - interval '15 minutes' AND quarter_hour.bucket < until + interval '15 minutes'
    WINDOW in_order AS (ORDER BY quarter_hour.bucket)
) AS this
WHERE this.bucket >= since AND this.bucket < until;
END;
COMMENT ON FUNCTION quarter_hours_of IS
    'Wh, and power in W, of a meter in each quarter hour that has readings; NULL where a boundary is not measured';

CREATE FUNCTION next_quarter_hour(instant timestamptz) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN date_bin('15 minutes', instant + interval '15 minutes' - interval '1 microsecond', '2000-01-01 00:00+00');
COMMENT ON FUNCTION next_quarter_hour IS 'The first quarter-hour boundary at or after an instant';

CREATE VIEW meter_span AS
SELECT
    meter.id AS meter_id,
    first.bucket + CASE WHEN (first.energy_import).first_ts <= first.bucket + interval '60 seconds'
                        THEN interval '0' ELSE interval '15 minutes' END AS start_ts,
    CASE WHEN EXISTS (SELECT FROM installation WHERE installation.meter_id = meter.id AND to_ts IS NULL)
         THEN (SELECT max(bucket) FROM quarter_hour) ELSE last.bucket END AS end_ts,
    last.bucket AS newest_ts
FROM meter
CROSS JOIN LATERAL (
    SELECT bucket, energy_import FROM quarter_hour WHERE meter_id = meter.id ORDER BY bucket LIMIT 1
) AS first
CROSS JOIN LATERAL (
    SELECT bucket FROM quarter_hour WHERE meter_id = meter.id ORDER BY bucket DESC LIMIT 1
) AS last;
COMMENT ON VIEW meter_span IS
    'From which quarter-hour boundary to which readings of a meter are expected: while it is installed, to the newest';
"""

METERS = """
-- As before, but each neighbour is looked up: as plain joins they were now and then read from end to end.
CREATE OR REPLACE VIEW quarter_hour_energy AS
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
LEFT JOIN LATERAL (
    SELECT energy_import, energy_export FROM quarter_hour AS before
    WHERE before.meter_id = this.meter_id AND before.bucket = this.bucket - interval '15 minutes' OFFSET 0
) AS previous ON true
LEFT JOIN LATERAL (
    SELECT energy_import, energy_export FROM quarter_hour AS after
    WHERE after.meter_id = this.meter_id AND after.bucket = this.bucket + interval '15 minutes' OFFSET 0
) AS next ON true;

CREATE VIEW meter_power AS
SELECT
    meter.slug AS meter,
    quarter.bucket AS start_ts,
    (quarter.power_total).mean AS power_w,
    (quarter.power_total).minimum AS power_minimum_w,
    (quarter.power_total).maximum AS power_maximum_w,
    quarter.readings,
    quarter.suspect
FROM quarter_hour AS quarter
JOIN meter ON meter.id = quarter.meter_id;
COMMENT ON VIEW meter_power IS 'Power of each meter in each quarter hour; negative where it is exported';

CREATE VIEW meter_phases AS
SELECT
    meter.slug AS meter,
    quarter.bucket AS start_ts,
    (quarter.voltage_l1).mean AS voltage_l1_v,
    (quarter.voltage_l2).mean AS voltage_l2_v,
    (quarter.voltage_l3).mean AS voltage_l3_v,
    (quarter.voltage_l1).minimum AS voltage_l1_minimum_v,
    (quarter.voltage_l2).minimum AS voltage_l2_minimum_v,
    (quarter.voltage_l3).minimum AS voltage_l3_minimum_v,
    (quarter.voltage_l1).maximum AS voltage_l1_maximum_v,
    (quarter.voltage_l2).maximum AS voltage_l2_maximum_v,
    (quarter.voltage_l3).maximum AS voltage_l3_maximum_v,
    (quarter.current_l1).mean AS current_l1_a,
    (quarter.current_l2).mean AS current_l2_a,
    (quarter.current_l3).mean AS current_l3_a,
    (quarter.current_l1).maximum AS current_l1_maximum_a,
    (quarter.current_l2).maximum AS current_l2_maximum_a,
    (quarter.current_l3).maximum AS current_l3_maximum_a,
    (quarter.power_l1).mean AS power_l1_w,
    (quarter.power_l2).mean AS power_l2_w,
    (quarter.power_l3).mean AS power_l3_w,
    (quarter.frequency).mean AS frequency_hz
FROM quarter_hour AS quarter
JOIN meter ON meter.id = quarter.meter_id;
COMMENT ON VIEW meter_phases IS 'The phases of each meter in each quarter hour';

CREATE VIEW meter_energy AS
SELECT
    meter.slug AS meter,
    energy.bucket AS start_ts,
    CASE WHEN energy.energy_import >= 0 THEN energy.energy_import END AS energy_import_wh,
    CASE WHEN energy.energy_export >= 0 THEN energy.energy_export END AS energy_export_wh
FROM quarter_hour_energy AS energy
JOIN meter ON meter.id = energy.meter_id;
COMMENT ON VIEW meter_energy IS 'Energy of each meter in each quarter hour';
"""

POINTS = """
CREATE VIEW installation_span AS
SELECT
    installation.point_id, installation.meter_id, installation.counter,
    greatest(span.start_ts, next_quarter_hour(installation.from_ts)) AS start_ts,
    CASE WHEN installation.to_ts IS NULL THEN span.end_ts
         ELSE least(span.newest_ts, next_quarter_hour(installation.to_ts)) END AS end_ts
FROM installation
JOIN meter_span AS span ON span.meter_id = installation.meter_id;
COMMENT ON VIEW installation_span IS
    'From which quarter-hour boundary to which one a meter measures a point; empty where it never did';

CREATE VIEW point_energy AS
SELECT
    point.name AS point,
    point.kind,
    energy.bucket AS start_ts,
    CASE installation.counter WHEN 'import' THEN
        CASE WHEN energy.energy_import >= 0 THEN energy.energy_import END
    ELSE
        CASE WHEN energy.energy_export >= 0 THEN energy.energy_export END
    END AS energy_wh
FROM installation
JOIN point ON point.id = installation.point_id
JOIN quarter_hour_energy AS energy
    ON energy.meter_id = installation.meter_id
    AND energy.bucket >= installation.from_ts AND energy.bucket < coalesce(installation.to_ts, 'infinity');
COMMENT ON VIEW point_energy IS
    'Use, or production, of each point in each quarter hour, whichever meter it had then';

CREATE VIEW building_energy AS
WITH part AS MATERIALIZED (
    SELECT start_ts, end_ts FROM installation_span JOIN point ON point.id = point_id
    WHERE kind IN ('flat', 'common', 'producer')
)
SELECT
    energy.start_ts,
    sum(energy_wh) FILTER (WHERE kind IN ('flat', 'common')) AS consumption_wh,
    sum(energy_wh) FILTER (WHERE kind = 'producer') AS production_wh,
    (SELECT count(*) FROM part WHERE part.start_ts <= energy.start_ts AND energy.start_ts < part.end_ts)
        - count(energy_wh) AS missing
FROM point_energy AS energy
WHERE kind IN ('flat', 'common', 'producer') AND energy.start_ts < (SELECT max(bucket) FROM quarter_hour)
GROUP BY energy.start_ts;
COMMENT ON VIEW building_energy IS
    'Use and production of the building in each quarter hour before the newest: the sums of its points that are known';
"""

# The local days, months and years that there are quarter hours of: one after the other, so a filter on them is cheap.
PERIODS = """
CREATE VIEW local_{period} AS
SELECT
    local.start::date AS {period},
    local.start AT TIME ZONE site.time_zone AS start_ts,
    (local.start + interval '1 {period}') AT TIME ZONE site.time_zone AS end_ts
FROM site
CROSS JOIN (SELECT min(bucket) AS first, max(bucket) AS last FROM quarter_hour) AS known
CROSS JOIN LATERAL generate_series(
    date_trunc('{period}', known.first AT TIME ZONE site.time_zone),
    known.last AT TIME ZONE site.time_zone, interval '1 {period}'
) AS local (start);
COMMENT ON VIEW local_{period} IS
    'Each {period} at the site that has a quarter hour, from local midnight to local midnight';

CREATE VIEW {period}_energy AS
SELECT
    meter.slug AS meter,
    part.{period},
    part.start_ts,
    part.end_ts,
    CASE WHEN at_end.energy_import >= at_begin.energy_import
         THEN at_end.energy_import - at_begin.energy_import END AS energy_import_wh,
    CASE WHEN at_end.energy_export >= at_begin.energy_export
         THEN at_end.energy_export - at_begin.energy_export END AS energy_export_wh,
    (extract(epoch FROM part.until - part.since) / 900)::integer AS expected,
    (
        SELECT count(quarter.energy_import) FROM quarter_hours_of(part.meter_id, part.since, part.until) AS quarter
    )::integer AS measured
FROM (
    SELECT
        span.meter_id, local.{period}, local.start_ts, local.end_ts,
        greatest(local.start_ts, span.start_ts) AS since, least(local.end_ts, span.end_ts) AS until
    FROM local_{period} AS local
    JOIN meter_span AS span ON span.start_ts < local.end_ts AND span.end_ts > local.start_ts
) AS part
JOIN meter ON meter.id = part.meter_id
CROSS JOIN LATERAL counters_at(part.meter_id, part.since) AS at_begin
CROSS JOIN LATERAL counters_at(part.meter_id, part.until) AS at_end
WHERE part.since < part.until;
COMMENT ON VIEW {period}_energy IS
    'Energy of each meter in each {period} at the site, as far as readings of it are expected';

CREATE VIEW point_{period}_energy AS
SELECT
    point.name AS point,
    point.kind,
    part.{period},
    part.start_ts,
    part.end_ts,
    CASE WHEN count(*) = count(counted.wh) THEN sum(counted.wh)::bigint END AS energy_wh,
    sum(extract(epoch FROM part.until - part.since) / 900)::integer AS expected,
    sum((
        SELECT count(quarter.energy_import) FROM quarter_hours_of(part.meter_id, part.since, part.until) AS quarter
    ))::integer AS measured
FROM (
    SELECT
        span.point_id, span.meter_id, span.counter, local.{period}, local.start_ts, local.end_ts,
        greatest(local.start_ts, span.start_ts) AS since, least(local.end_ts, span.end_ts) AS until
    FROM local_{period} AS local
    JOIN installation_span AS span ON span.start_ts < local.end_ts AND span.end_ts > local.start_ts
) AS part
JOIN point ON point.id = part.point_id
CROSS JOIN LATERAL counters_at(part.meter_id, part.since) AS at_begin
CROSS JOIN LATERAL counters_at(part.meter_id, part.until) AS at_end
CROSS JOIN LATERAL (
    SELECT CASE part.counter WHEN 'import' THEN at_end.energy_import - at_begin.energy_import
                             ELSE at_end.energy_export - at_begin.energy_export END AS difference
) AS raw
CROSS JOIN LATERAL (SELECT CASE WHEN difference >= 0 THEN difference END AS wh) AS counted
WHERE part.since < part.until
GROUP BY point.id, part.{period}, part.start_ts, part.end_ts;
COMMENT ON VIEW point_{period}_energy IS
    'Use, or production, of each point in each {period} at the site, whichever meters it had';
"""

WORDS = {
    "meter": "Slug of the meter",
    "point": "Name of the point",
    "kind": "flat, common, producer, grid or storage",
    "day": "Local date",
    "month": "First local date of the month",
    "year": "First local date of the year",
    "start_ts": "Begin, included",
    "end_ts": "End, excluded",
    "readings": "How many readings there are",
    "suspect": "How many of them are suspect",
    "energy_import_wh": "Wh imported; NULL where a boundary is not measured, or the counter fell",
    "energy_export_wh": "Wh exported; likewise",
    "energy_wh": "Wh, of the counter that counts for the point; NULL where a boundary is not measured, or it fell",
    "consumption_wh": "Wh of flats and common supply; NULL where none is known",
    "production_wh": "Wh of producers; NULL where none is known",
    "missing": "How many points should have been measured, and are in neither sum",
    "expected": "Quarter hours that should have been measured: of the running one only those until now",
    "measured": "How many of them are measured on both sides",
    "frequency_hz": "Hz, mean",
}
UNITS = {"w": "W", "v": "V", "a": "A"}
EXTREMES = {"minimum": "lowest", "maximum": "highest"}
VIEWS = ("meter_power", "meter_phases", "meter_energy", "point_energy", "building_energy")
COLUMNS = "SELECT attname::text FROM pg_attribute WHERE attrelid = '{}'::regclass AND attnum > 0"


def upgrade() -> None:
    """Make the table `site` and the views, with a comment on each column."""
    connection = op.get_bind()
    for statements in (SITE, INDEXES, BOUNDARIES, METERS, POINTS):
        connection.exec_driver_sql(statements)
    views = [*VIEWS]
    for period in ("day", "month", "year"):
        connection.exec_driver_sql(PERIODS.format(period=period))
        views += [f"{period}_energy", f"point_{period}_energy"]
    for view in views:
        for (column,) in connection.exec_driver_sql(COLUMNS.format(view)).fetchall():
            connection.exec_driver_sql(f"COMMENT ON COLUMN {view}.{column} IS '{_words(column)}'")


def _words(column: str) -> str:
    """Return what a column holds; of power, voltage and current as its name says it."""
    if column in WORDS:
        return WORDS[column]
    *_, extreme, unit = column.split("_")
    return f"{UNITS[unit]}, {EXTREMES.get(extreme, 'mean')}"
