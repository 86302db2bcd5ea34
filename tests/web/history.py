"""A past of quarter hours, made within the database: seconds for a year."""

from collections.abc import Sequence
from datetime import datetime

import psycopg

# Use changes from hour to hour and from meter to meter; readings come every 15 s, from the boundary on.
QUARTER_HOURS = """
INSERT INTO quarter_hour (
    meter_id, bucket, readings, suspect,
    voltage_l1, voltage_l2, voltage_l3, current_l1, current_l2, current_l3, power_l1, power_l2, power_l3, power_total,
    frequency, energy_import, energy_export, energy_import_l1, energy_import_l2, energy_import_l3
)
SELECT
    meter.id, bucket, 60, 0,
    ROW(230, 228, 232)::gauge_span, ROW(231, 229, 233)::gauge_span, ROW(229, 227, 231)::gauge_span,
    ROW(1, 0, 2)::gauge_span, ROW(1, 0, 2)::gauge_span, ROW(1, 0, 2)::gauge_span,
    ROW(wh, 0, wh * 3)::gauge_span, ROW(wh, 0, wh * 3)::gauge_span, ROW(wh * 2, 0, wh * 6)::gauge_span,
    ROW(wh * 4, 0, wh * 12)::gauge_span, ROW(50, 49.9, 50.1)::gauge_span,
    span.counter, ROW(0, bucket, 0, bucket + interval '885 seconds', 0, 0)::counter_span,
    span.counter, span.counter, span.counter
FROM meter
CROSS JOIN generate_series(%(start)s, %(end)s - interval '15 minutes', interval '15 minutes') AS bucket
CROSS JOIN LATERAL (SELECT 10 + (meter.id + extract(hour FROM bucket)::integer) %% 90 AS wh) AS used
CROSS JOIN LATERAL (
    SELECT extract(epoch FROM bucket)::bigint / 900 * 100 AS first
) AS counted
CROSS JOIN LATERAL (
    SELECT ROW(first, bucket, first + 98, bucket + interval '885 seconds', first, first + 98)::counter_span AS counter
) AS span
WHERE meter.slug = ANY(%(slugs)s)
"""
METERS = """
WITH new AS (
    INSERT INTO meter (slug, model, gateway) SELECT slug, 'sdm630', 'main' FROM unnest(%(slugs)s::text[]) AS slug
    RETURNING id, slug
), point AS (INSERT INTO point (name, kind) SELECT upper(slug), 'flat' FROM new RETURNING id, name)
INSERT INTO installation (point_id, meter_id, counter, from_ts)
SELECT point.id, new.id, 'import', '2000-01-01Z' FROM new JOIN point ON point.name = upper(new.slug)
"""
READINGS = """
INSERT INTO reading (ts, meter_id, seq, delay_s, span_ms, clock_synced, power_total, energy_import)
SELECT ts, meter.id, extract(epoch FROM ts)::bigint + number, 1, 90, true,
    CASE number WHEN 0 THEN 4000 END, CASE number WHEN 1 THEN extract(epoch FROM ts)::bigint / 9 END
FROM meter
CROSS JOIN generate_series(%(start)s, %(end)s - interval '1 minute', interval '1 minute') AS ts
CROSS JOIN generate_series(0, 1) AS number
WHERE meter.slug = ANY(%(slugs)s)
"""


def add_meters(connection: psycopg.Connection, slugs: Sequence[str]) -> None:
    """Add meters, each on a flat that is named like it in capitals."""
    connection.execute(METERS, {"slugs": list(slugs)})


def add_quarter_hours(connection: psycopg.Connection, slugs: Sequence[str], start: datetime, end: datetime) -> None:
    """Store quarter hours in which each meter counts 100 Wh."""
    connection.execute(QUARTER_HOURS, {"slugs": list(slugs), "start": start, "end": end})


def add_readings(connection: psycopg.Connection, slugs: Sequence[str], start: datetime, end: datetime) -> None:
    """Store two readings a minute: one of power, one of energy."""
    connection.execute(READINGS, {"slugs": list(slugs), "start": start, "end": end})
