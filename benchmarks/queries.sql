-- The past that the queries are asked of, and the same questions asked of the raw readings.

-- name: add_meters
-- Meters, each on a point of its own.
WITH new AS (
    INSERT INTO meter (slug, model, gateway)
    SELECT 'meter-' || number, 'sdm630', 'main' FROM generate_series(1, %(meters)s::integer) AS number
    RETURNING id, slug
), point AS (
    INSERT INTO point (name, kind) SELECT slug, 'flat' FROM new ORDER BY id RETURNING id, name
)
INSERT INTO installation (point_id, meter_id, counter, from_ts)
SELECT point.id, new.id, 'import', '2000-01-01Z' FROM new JOIN point ON point.name = new.slug

-- name: add_readings
-- Readings of the meters from one id to another, with noise in every value and counters that count.
INSERT INTO reading (
    ts, meter_id, seq, delay_s, span_ms, clock_synced,
    voltage_l1, voltage_l2, voltage_l3, current_l1, current_l2, current_l3, power_l1, power_l2, power_l3, power_total,
    frequency, energy_import, energy_export
)
SELECT
    ts, meter, extract(epoch FROM ts)::bigint, 1, 90, true,
    2300 + noise, 2300 - noise, 2290 + noise, 1600 + noise, 1500 - noise, 1700 + noise,
    3700 + noise, 3600 - noise, 3800 + noise, 11100 + noise, 50000 + noise,
    extract(epoch FROM ts)::bigint * 310 / 1000, extract(epoch FROM ts)::bigint / 100
FROM generate_series(%(start)s::timestamptz, %(end)s::timestamptz - interval '1 ms', %(interval)s) AS ts
CROSS JOIN generate_series(%(first)s::integer, %(last)s::integer) AS meter
CROSS JOIN LATERAL (SELECT (random() * 40 + 0 * meter)::integer AS noise) AS noisy

-- name: add_quarter_hours
-- What ingest keeps of them; the counters only grow, so that the lowest is the first.
INSERT INTO quarter_hour (
    meter_id, bucket, readings, suspect,
    voltage_l1, voltage_l2, voltage_l3, current_l1, current_l2, current_l3, power_l1, power_l2, power_l3, power_total,
    frequency, energy_import, energy_export
)
SELECT
    meter_id, date_bin('15 minutes', ts, '2000-01-01Z') AS bucket, count(*), 0,
    to_gauge_span(avg(voltage_l1), min(voltage_l1), max(voltage_l1), 0.1),
    to_gauge_span(avg(voltage_l2), min(voltage_l2), max(voltage_l2), 0.1),
    to_gauge_span(avg(voltage_l3), min(voltage_l3), max(voltage_l3), 0.1),
    to_gauge_span(avg(current_l1), min(current_l1), max(current_l1), 0.001),
    to_gauge_span(avg(current_l2), min(current_l2), max(current_l2), 0.001),
    to_gauge_span(avg(current_l3), min(current_l3), max(current_l3), 0.001),
    to_gauge_span(avg(power_l1), min(power_l1), max(power_l1), 0.1),
    to_gauge_span(avg(power_l2), min(power_l2), max(power_l2), 0.1),
    to_gauge_span(avg(power_l3), min(power_l3), max(power_l3), 0.1),
    to_gauge_span(avg(power_total), min(power_total), max(power_total), 0.1),
    to_gauge_span(avg(frequency), min(frequency), max(frequency), 0.001),
    ROW(min(energy_import), min(ts), max(energy_import), max(ts), min(energy_import), max(energy_import))::counter_span,
    ROW(min(energy_export), min(ts), max(energy_export), max(ts), min(energy_export), max(energy_export))::counter_span
FROM reading
WHERE ts >= %(start)s AND ts < %(end)s
GROUP BY meter_id, bucket
ORDER BY bucket, meter_id

-- name: compress
-- The chunks of all days but the newest into the columnstore.
SELECT count(compress_chunk(chunk, true)) FROM show_chunks('reading', older_than => %(start)s) AS chunk

-- name: raw_meter_profile
-- Energy and power of each quarter hour out of the readings.
SELECT
    date_bin('15 minutes', ts, '2000-01-01Z') AS bucket, max(energy_import) - min(energy_import),
    max(energy_export) - min(energy_export), avg(power_total), min(power_total), max(power_total)
FROM reading
WHERE meter_id = (SELECT id FROM meter WHERE slug = %(slug)s) AND ts >= %(start)s AND ts < %(end)s
GROUP BY bucket ORDER BY bucket

-- name: raw_building_profile
-- The sum over all meters in each quarter hour, likewise.
SELECT bucket, sum(wh) FROM (
    SELECT date_bin('15 minutes', ts, '2000-01-01Z') AS bucket, max(energy_import) - min(energy_import) AS wh
    FROM reading WHERE ts >= %(start)s AND ts < %(end)s
    GROUP BY meter_id, bucket
) AS parts
GROUP BY bucket ORDER BY bucket

-- name: raw_meter_days
-- Energy of each day out of the readings.
SELECT date_trunc('day', ts AT TIME ZONE 'Europe/Berlin') AS day, max(energy_import) - min(energy_import)
FROM reading
WHERE meter_id = (SELECT id FROM meter WHERE slug = %(slug)s) AND ts >= %(start)s AND ts < %(end)s
GROUP BY day ORDER BY day

-- name: raw_building_days
-- The sum over all meters on each day, likewise.
SELECT day, sum(wh) FROM (
    SELECT date_trunc('day', ts AT TIME ZONE 'Europe/Berlin') AS day, max(energy_import) - min(energy_import) AS wh
    FROM reading WHERE ts >= %(start)s AND ts < %(end)s
    GROUP BY meter_id, day
) AS parts
GROUP BY day ORDER BY day

-- name: raw_gaps
-- Readings after which none came for a quarter hour.
SELECT ts, next FROM (
    SELECT ts, lead(ts) OVER (ORDER BY ts) AS next FROM reading
    WHERE meter_id = (SELECT id FROM meter WHERE slug = %(slug)s) AND ts >= %(start)s AND ts < %(end)s
) AS readings
WHERE next - ts > interval '15 minutes'

-- name: raw_latest
-- The newest reading of each meter.
SELECT DISTINCT ON (meter_id) * FROM reading ORDER BY meter_id, ts DESC

-- name: raw_counters_at
-- The first counters of each of these days.
SELECT DISTINCT ON (wanted) wanted, ts, energy_import, energy_export
FROM unnest(%(instants)s::timestamptz[]) AS wanted
JOIN reading ON ts >= wanted AND ts < wanted + interval '15 minutes'
WHERE meter_id = (SELECT id FROM meter WHERE slug = %(slug)s)
ORDER BY wanted, ts
