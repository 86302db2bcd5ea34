-- name: person_by_name
-- Who logs in.
SELECT id, name, password_hash, role, created_at FROM person WHERE name = %(name)s

-- name: person_by_id
-- Who a session belongs to, as of now.
SELECT id, name, password_hash, role, created_at FROM person WHERE id = %(id)s

-- name: people
-- Everybody, by name.
SELECT id, name, password_hash, role, created_at FROM person ORDER BY name

-- name: add_person
-- A new person; the name must be free.
INSERT INTO person (name, password_hash, role) VALUES (%(name)s, %(password_hash)s, %(role)s)

-- name: set_password
-- A new password, or the same one hashed anew; a session that knows the old hash ends.
UPDATE person SET password_hash = %(password_hash)s WHERE name = %(name)s RETURNING id

-- name: directory
-- Every meter with its point of today and its counters at the last midnight.
SELECT
    meter.slug, meter.model, meter.serial, meter.gateway, meter.first_seen, meter.last_seen,
    point.name AS point, point.kind, installation.counter,
    CASE WHEN (day.energy_import).first_ts < %(midnight)s + interval '1 minute' THEN (day.energy_import).first END
        AS midnight_import,
    CASE WHEN (day.energy_export).first_ts < %(midnight)s + interval '1 minute' THEN (day.energy_export).first END
        AS midnight_export
FROM meter
LEFT JOIN installation ON installation.meter_id = meter.id AND installation.to_ts IS NULL
LEFT JOIN point ON point.id = installation.point_id
LEFT JOIN quarter_hour AS day ON day.meter_id = meter.id AND day.bucket = %(midnight)s
ORDER BY meter.slug

-- name: latest
-- The newest values of each meter since an instant: gauges (W, V, A, Hz) and counters (Wh), each with its time.
-- The bound keeps the search for a meter that is silent for years to the chunks of some days.
SELECT
    meter.slug, live.ts, live.power_total, live.power_l1, live.power_l2, live.power_l3,
    live.voltage_l1, live.voltage_l2, live.voltage_l3, live.current_l1, live.current_l2, live.current_l3, live.frequency,
    counters.ts AS counters_ts, counters.energy_import, counters.energy_export
FROM meter
LEFT JOIN LATERAL (
    SELECT * FROM reading_in_units AS reading
    WHERE reading.meter_id = meter.id AND reading.ts >= %(since)s AND reading.clock_synced
        AND reading.power_total IS NOT NULL
    ORDER BY reading.ts DESC LIMIT 1
) AS live ON true
LEFT JOIN LATERAL (
    SELECT * FROM reading_in_units AS reading
    WHERE reading.meter_id = meter.id AND reading.ts >= %(since)s AND reading.clock_synced
        AND reading.energy_import IS NOT NULL
    ORDER BY reading.ts DESC LIMIT 1
) AS counters ON true
ORDER BY meter.slug

-- name: building_profile
-- Consumption and production (Wh) of each quarter hour, and how many of the installed meters are missing in it.
-- A meter counts from its first quarter hour on: nobody expects readings from before it was there.
WITH part AS MATERIALIZED (
    SELECT
        installation.meter_id, installation.counter, point.kind = 'producer' AS produces,
        greatest(installation.from_ts, begin.bucket) AS from_ts,
        coalesce(installation.to_ts, 'infinity') AS to_ts
    FROM installation
    JOIN point ON point.id = installation.point_id
    CROSS JOIN LATERAL (
        SELECT bucket FROM quarter_hour WHERE quarter_hour.meter_id = installation.meter_id ORDER BY bucket LIMIT 1
    ) AS begin
    WHERE point.kind IN ('flat', 'common', 'producer')
), known AS (
    SELECT
        quarter.bucket,
        sum(wh) FILTER (WHERE NOT produces) AS consumption,
        sum(wh) FILTER (WHERE produces) AS production,
        count(wh) AS measured
    FROM part
    CROSS JOIN LATERAL quarter_hours_of(
        part.meter_id, greatest(%(start)s, part.from_ts), least(%(end)s, part.to_ts)
    ) AS quarter
    CROSS JOIN LATERAL (
        SELECT CASE part.counter WHEN 'import' THEN quarter.energy_import ELSE quarter.energy_export END AS value
    ) AS counted
    CROSS JOIN LATERAL (SELECT CASE WHEN value >= 0 THEN value END AS wh) AS plausible
    GROUP BY quarter.bucket
), grid AS (
    SELECT
        bucket,
        (SELECT count(*) FROM part WHERE part.from_ts <= bucket AND bucket < part.to_ts) AS expected
    FROM generate_series(%(start)s, %(end)s - interval '15 minutes', interval '15 minutes') AS bucket
)
SELECT json_build_object(
    't', coalesce(array_agg(extract(epoch FROM bucket)::bigint ORDER BY bucket), '{}'),
    'consumption', coalesce(array_agg(consumption ORDER BY bucket), '{}'),
    'production', coalesce(array_agg(production ORDER BY bucket), '{}'),
    'missing', coalesce(array_agg(expected - coalesce(measured, 0) ORDER BY bucket), '{}')
)::text
FROM grid LEFT JOIN known USING (bucket)

-- name: building_days
-- Consumption and production (Wh) of each of the given days, months or years, from the counters at their boundaries,
-- and how many of the installations in it are in neither sum, since a boundary is not measured.
WITH span AS MATERIALIZED (
    SELECT span.*, point.kind = 'producer' AS produces
    FROM installation_span AS span JOIN point ON point.id = span.point_id
    WHERE point.kind IN ('flat', 'common', 'producer')
), known AS (
    SELECT
        day.start_ts,
        sum(wh) FILTER (WHERE NOT produces) AS consumption,
        sum(wh) FILTER (WHERE produces) AS production,
        count(*) - count(wh) AS missing
    FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS day (start_ts, end_ts)
    JOIN span ON span.start_ts < day.end_ts AND span.end_ts > day.start_ts AND span.start_ts < span.end_ts
    CROSS JOIN LATERAL counters_at(span.meter_id, greatest(day.start_ts, span.start_ts)) AS at_begin
    CROSS JOIN LATERAL counters_at(span.meter_id, least(day.end_ts, span.end_ts)) AS at_end
    CROSS JOIN LATERAL (
        SELECT CASE span.counter WHEN 'import' THEN at_end.energy_import - at_begin.energy_import
                                 ELSE at_end.energy_export - at_begin.energy_export END AS difference
    ) AS counted
    CROSS JOIN LATERAL (SELECT CASE WHEN difference >= 0 THEN difference END AS wh) AS plausible
    GROUP BY day.start_ts
)
SELECT json_build_object(
    't', coalesce(array_agg(extract(epoch FROM start_ts)::bigint ORDER BY start_ts), '{}'),
    'consumption', coalesce(array_agg(consumption ORDER BY start_ts), '{}'),
    'production', coalesce(array_agg(production ORDER BY start_ts), '{}'),
    'missing', coalesce(array_agg(coalesce(missing, 0) ORDER BY start_ts), '{}')
)::text
FROM unnest(%(starts)s::timestamptz[]) AS day (start_ts) LEFT JOIN known USING (start_ts)

-- name: meter_profile
-- Energy (Wh) and power (W: mean, lowest, highest) of one meter in each quarter hour.
SELECT json_build_object(
    't', coalesce(array_agg(extract(epoch FROM bucket)::bigint ORDER BY bucket), '{}'),
    'energy_import', coalesce(array_agg(energy_import ORDER BY bucket), '{}'),
    'energy_export', coalesce(array_agg(energy_export ORDER BY bucket), '{}'),
    'power', coalesce(array_agg(round((power).mean::numeric, 1) ORDER BY bucket), '{}'),
    'power_minimum', coalesce(array_agg(round((power).minimum::numeric, 1) ORDER BY bucket), '{}'),
    'power_maximum', coalesce(array_agg(round((power).maximum::numeric, 1) ORDER BY bucket), '{}')
)::text
FROM meter
CROSS JOIN LATERAL (
    SELECT bucket, energy_import, energy_export, power
    FROM generate_series(%(start)s, %(end)s - interval '15 minutes', interval '15 minutes') AS bucket
    LEFT JOIN quarter_hours_of(meter.id, %(start)s, %(end)s) USING (bucket)
) AS grid
WHERE meter.slug = %(slug)s

-- name: point_profile
-- Energy (Wh) and power (W: mean, lowest, highest) of one point in each quarter hour, whichever meter it had then.
-- Power, too, is positive in the direction of the counter that counts for the point.
WITH quarter AS (
    SELECT
        quarter.bucket,
        CASE installation.counter WHEN 'import' THEN quarter.energy_import ELSE quarter.energy_export END AS energy,
        CASE installation.counter WHEN 'import' THEN (power).mean ELSE -(power).mean END AS power,
        CASE installation.counter WHEN 'import' THEN (power).minimum ELSE -(power).maximum END AS minimum,
        CASE installation.counter WHEN 'import' THEN (power).maximum ELSE -(power).minimum END AS maximum
    FROM installation
    CROSS JOIN LATERAL quarter_hours_of(
        installation.meter_id, greatest(%(start)s, installation.from_ts), least(%(end)s, installation.to_ts)
    ) AS quarter
    WHERE installation.point_id = %(point_id)s
)
SELECT json_build_object(
    't', coalesce(array_agg(extract(epoch FROM bucket)::bigint ORDER BY bucket), '{}'),
    'energy', coalesce(array_agg(energy ORDER BY bucket), '{}'),
    'power', coalesce(array_agg(round(power::numeric, 1) ORDER BY bucket), '{}'),
    'power_minimum', coalesce(array_agg(round(minimum::numeric, 1) ORDER BY bucket), '{}'),
    'power_maximum', coalesce(array_agg(round(maximum::numeric, 1) ORDER BY bucket), '{}')
)::text
FROM generate_series(%(start)s, %(end)s - interval '15 minutes', interval '15 minutes') AS bucket
LEFT JOIN quarter USING (bucket)

-- name: meter_days
-- Energy (Wh) of one meter on each of the given days, and how many quarter hours of it are measured: from the counters
-- at both ends, where these are measured; else of the measured quarter hours only.
SELECT json_build_object(
    't', coalesce(array_agg(extract(epoch FROM start_ts)::bigint ORDER BY start_ts), '{}'),
    'energy_import', coalesce(array_agg(
        coalesce(at_end.energy_import - at_begin.energy_import, sums.energy_import) ORDER BY start_ts), '{}'),
    'energy_export', coalesce(array_agg(
        coalesce(at_end.energy_export - at_begin.energy_export, sums.energy_export) ORDER BY start_ts), '{}'),
    'measured', coalesce(array_agg(measured ORDER BY start_ts), '{}'),
    'expected', coalesce(array_agg(extract(epoch FROM end_ts - start_ts)::bigint / 900 ORDER BY start_ts), '{}')
)::text
FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS day (start_ts, end_ts)
CROSS JOIN (SELECT id FROM meter WHERE slug = %(slug)s) AS meter
CROSS JOIN LATERAL counters_at(meter.id, day.start_ts) AS at_begin
CROSS JOIN LATERAL counters_at(meter.id, day.end_ts) AS at_end
CROSS JOIN LATERAL (
    SELECT sum(energy_import) AS energy_import, sum(energy_export) AS energy_export, count(energy_import) AS measured
    FROM quarter_hours_of(meter.id, day.start_ts, day.end_ts)
) AS sums

-- name: point_days
-- Energy (Wh) of one point on each of the given days, months or years, and how many quarter hours of it are measured:
-- of each meter that it had from the counters at both ends, where these are measured; else of the measured quarter hours.
WITH span AS MATERIALIZED (
    SELECT * FROM installation_span WHERE point_id = %(point_id)s AND start_ts < end_ts
)
SELECT json_build_object(
    't', coalesce(array_agg(extract(epoch FROM start_ts)::bigint ORDER BY start_ts), '{}'),
    'energy', coalesce(array_agg(energy ORDER BY start_ts), '{}'),
    'measured', coalesce(array_agg(measured ORDER BY start_ts), '{}'),
    'expected', coalesce(array_agg(extract(epoch FROM end_ts - start_ts)::bigint / 900 ORDER BY start_ts), '{}')
)::text
FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS day (start_ts, end_ts)
CROSS JOIN LATERAL (
    SELECT
        sum(CASE span.counter
            WHEN 'import' THEN coalesce(at_end.energy_import - at_begin.energy_import, sums.energy_import)
            ELSE coalesce(at_end.energy_export - at_begin.energy_export, sums.energy_export)
        END) AS energy,
        coalesce(sum(sums.measured), 0) AS measured
    FROM span
    CROSS JOIN LATERAL (
        SELECT greatest(day.start_ts, span.start_ts) AS since, least(day.end_ts, span.end_ts) AS until
    ) AS part
    CROSS JOIN LATERAL counters_at(span.meter_id, part.since) AS at_begin
    CROSS JOIN LATERAL counters_at(span.meter_id, part.until) AS at_end
    CROSS JOIN LATERAL (
        SELECT
            sum(energy_import) AS energy_import, sum(energy_export) AS energy_export, count(energy_import) AS measured
        FROM quarter_hours_of(span.meter_id, part.since, part.until)
    ) AS sums
    WHERE part.since < part.until
) AS whole

-- name: gaps
-- Where meters should have been measured and were not: stretches of quarter hours, by meter and time.
SELECT slug AS meter, min(bucket) AS start_ts, max(bucket) + interval '15 minutes' AS end_ts
FROM (
    SELECT
        meter.slug, unmeasured.bucket,
        bucket - row_number() OVER (PARTITION BY meter.slug ORDER BY bucket) * interval '15 minutes' AS stretch
    FROM meter
    JOIN meter_span AS span ON span.meter_id = meter.id
    CROSS JOIN LATERAL (
        SELECT greatest(%(start)s, span.start_ts) AS since, least(%(end)s, span.end_ts) AS until
    ) AS part
    CROSS JOIN LATERAL (
        SELECT bucket FROM generate_series(since, until - interval '15 minutes', interval '15 minutes') AS bucket
        EXCEPT
        SELECT bucket FROM quarter_hours_of(meter.id, since, until) WHERE energy_import IS NOT NULL
    ) AS unmeasured
    WHERE meter.slug = ANY(%(slugs)s)
) AS quarter_hours
GROUP BY slug, stretch
ORDER BY slug, start_ts

-- name: counters_at
-- The first counters of one meter within a quarter hour after each of the given instants, in their order.
SELECT
    wanted.ts AS wanted, (quarter.energy_import).first_ts AS ts,
    (quarter.energy_import).first AS energy_import, (quarter.energy_export).first AS energy_export
FROM unnest(%(instants)s::timestamptz[]) WITH ORDINALITY AS wanted (ts, position)
CROSS JOIN (SELECT id FROM meter WHERE slug = %(slug)s) AS meter
JOIN quarter_hour AS quarter ON quarter.meter_id = meter.id AND quarter.bucket = wanted.ts
WHERE (quarter.energy_import).first IS NOT NULL
ORDER BY wanted.position

-- name: lock_points
-- One assignment at a time: each looks at what the others have done.
LOCK TABLE installation IN SHARE ROW EXCLUSIVE MODE

-- name: meter_installation
-- A meter, and where it hangs now.
SELECT meter.id AS meter_id, installation.id AS installation_id, installation.point_id,
    EXISTS (SELECT FROM installation AS any_time WHERE any_time.meter_id = meter.id) AS was_installed
FROM meter LEFT JOIN installation ON installation.meter_id = meter.id AND installation.to_ts IS NULL
WHERE meter.slug = %(slug)s

-- name: point_by_name
-- A point, and the meter that it has now.
SELECT point.id, meter.slug AS meter
FROM point
LEFT JOIN installation ON installation.point_id = point.id AND installation.to_ts IS NULL
LEFT JOIN meter ON meter.id = installation.meter_id
WHERE point.name = %(name)s

-- name: points
-- Every point with the meter that it has now, by name.
SELECT point.id, point.name, point.kind, meter.slug AS meter
FROM point
LEFT JOIN installation ON installation.point_id = point.id AND installation.to_ts IS NULL
LEFT JOIN meter ON meter.id = installation.meter_id
ORDER BY point.name

-- name: add_point
-- A new point.
INSERT INTO point (name, kind) VALUES (%(name)s, %(kind)s) RETURNING id, NULL AS meter

-- name: change_point
-- Another name or kind for a point.
UPDATE point SET name = %(name)s, kind = %(kind)s WHERE id = %(id)s

-- name: add_installation
-- A meter goes onto a point. Where it never hung anywhere it counts from its first reading on, whenever that was.
INSERT INTO installation (point_id, meter_id, counter, from_ts)
VALUES (%(point_id)s, %(meter_id)s, %(counter)s,
    CASE WHEN %(was_installed)s THEN now() ELSE timestamptz '2000-01-01 00:00+00' END)

-- name: change_counter
-- The other counter was meant all along.
UPDATE installation SET counter = %(counter)s WHERE id = %(id)s

-- name: end_installation
-- The meter leaves its point now; what it has counted there stays.
UPDATE installation SET to_ts = now() WHERE id = %(id)s
