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

-- name: building_profile
-- Consumption and production (Wh) of each quarter hour, and how many of the installed meters are missing in it.
-- A meter counts from its first quarter hour on: nobody expects readings from before it was there.
WITH part AS (
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
        energy.bucket,
        sum(wh) FILTER (WHERE NOT produces) AS consumption,
        sum(wh) FILTER (WHERE produces) AS production,
        count(wh) AS measured
    FROM part
    JOIN quarter_hour_energy AS energy
        ON energy.meter_id = part.meter_id AND energy.bucket >= part.from_ts AND energy.bucket < part.to_ts
    CROSS JOIN LATERAL (
        SELECT CASE part.counter WHEN 'import' THEN energy.energy_import ELSE energy.energy_export END AS value
    ) AS counted
    CROSS JOIN LATERAL (SELECT CASE WHEN value >= 0 THEN value END AS wh) AS plausible
    WHERE energy.bucket >= %(start)s AND energy.bucket < %(end)s
    GROUP BY energy.bucket
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

-- name: meter_profile
-- Energy (Wh) and power (W: mean, lowest, highest) of one meter in each quarter hour.
SELECT json_build_object(
    't', coalesce(array_agg(extract(epoch FROM grid.bucket)::bigint ORDER BY grid.bucket), '{}'),
    'energy_import', coalesce(array_agg(energy.energy_import ORDER BY grid.bucket), '{}'),
    'energy_export', coalesce(array_agg(energy.energy_export ORDER BY grid.bucket), '{}'),
    'power', coalesce(array_agg(round((quarter.power_total).mean::numeric, 1) ORDER BY grid.bucket), '{}'),
    'power_minimum', coalesce(array_agg(round((quarter.power_total).minimum::numeric, 1) ORDER BY grid.bucket), '{}'),
    'power_maximum', coalesce(array_agg(round((quarter.power_total).maximum::numeric, 1) ORDER BY grid.bucket), '{}')
)::text
FROM generate_series(%(start)s, %(end)s - interval '15 minutes', interval '15 minutes') AS grid (bucket)
CROSS JOIN (SELECT id FROM meter WHERE slug = %(slug)s) AS meter
LEFT JOIN quarter_hour AS quarter ON quarter.meter_id = meter.id AND quarter.bucket = grid.bucket
LEFT JOIN quarter_hour_energy AS energy ON energy.meter_id = meter.id AND energy.bucket = grid.bucket

-- name: meter_days
-- Energy (Wh) of one meter on each of the given days, and how many quarter hours of it are measured.
SELECT json_build_object(
    't', coalesce(array_agg(extract(epoch FROM start_ts)::bigint ORDER BY start_ts), '{}'),
    'energy_import', coalesce(array_agg(energy_import ORDER BY start_ts), '{}'),
    'energy_export', coalesce(array_agg(energy_export ORDER BY start_ts), '{}'),
    'measured', coalesce(array_agg(measured ORDER BY start_ts), '{}'),
    'expected', coalesce(array_agg(extract(epoch FROM end_ts - start_ts)::bigint / 900 ORDER BY start_ts), '{}')
)::text
FROM unnest(%(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS day (start_ts, end_ts)
CROSS JOIN (SELECT id FROM meter WHERE slug = %(slug)s) AS meter
CROSS JOIN LATERAL (
    SELECT sum(energy_import) AS energy_import, sum(energy_export) AS energy_export, count(energy_import) AS measured
    FROM quarter_hour_energy AS energy
    WHERE energy.meter_id = meter.id AND energy.bucket >= day.start_ts AND energy.bucket < day.end_ts
) AS sums

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
SELECT point.name, point.kind, meter.slug AS meter
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
