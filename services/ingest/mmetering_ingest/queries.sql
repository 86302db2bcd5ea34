-- The SQL of ingest. Parameters are %(name)s; arrays of one length are unnested side by side.

-- name: version
-- The version of the schema.
SELECT version_num FROM alembic_version

-- name: settings
-- A receipt promises that the disk has it. Who waits long for a lock is to say so, and to try again.
SELECT
    set_config('lock_timeout', '20s', false),
    CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END

-- name: now
-- What time it is for the database, and when it heard of a batch last.
SELECT clock_timestamp(), (SELECT max(last_batch_at) FROM gateway)

-- name: register_meters
-- Enter meters on first sight; what is known stays, and so does its gateway.
INSERT INTO meter (slug, model, serial, gateway)
SELECT slug, model, serial, gateway
FROM unnest(%(slugs)s::text[], %(models)s::text[], %(serials)s::text[], %(gateways)s::text[])
    AS seen (slug, model, serial, gateway)
ORDER BY slug
ON CONFLICT (slug) DO NOTHING

-- name: meters
-- What is known of these meters.
SELECT slug, id, gateway, model, serial FROM meter WHERE slug = ANY(%(slugs)s)

-- name: describe_meter
-- Take over what a gateway says of its own meter.
UPDATE meter SET model = %(model)s, serial = %(serial)s WHERE id = %(meter)s AND gateway = %(gateway)s

-- name: stage
-- A place for readings of which some are there already.
CREATE TEMPORARY TABLE IF NOT EXISTS stage (LIKE reading) ON COMMIT DELETE ROWS

-- name: insert_staged
-- Readings that are not there yet.
INSERT INTO reading SELECT * FROM stage ON CONFLICT DO NOTHING

-- name: mark_dirty
-- Quarter hours that readings have come for, in the transaction that brings them; counted since 1970.
INSERT INTO dirty_quarter_hour (bucket, meters)
SELECT to_timestamp(number * 900.0), array_agg(meter_id)
FROM unnest(%(meters)s::integer[], %(numbers)s::integer[]) AS touched (meter_id, number)
GROUP BY number

-- name: record
-- What of each spool is accounted for: a reading is stored, else rejected, else dropped, whatever came first. In the
-- order of (gateway, epoch), so that copies of ingest never lock crosswise. Tells whether some of it was refused before.
INSERT INTO gateway_record AS record (gateway, epoch, seqs, rejected, dropped)
SELECT gateway, epoch, seqs, rejected - seqs, dropped - seqs - rejected
FROM unnest(
    %(gateways)s::text[], %(epochs)s::text[],
    %(seqs)s::int8multirange[], %(rejected)s::int8multirange[], %(dropped)s::int8multirange[]
) AS told (gateway, epoch, seqs, rejected, dropped)
ORDER BY gateway, epoch
ON CONFLICT (gateway, epoch) DO UPDATE
SET seqs = record.seqs + EXCLUDED.seqs,
    rejected = record.rejected + EXCLUDED.rejected - record.seqs - EXCLUDED.seqs,
    dropped = record.dropped + EXCLUDED.dropped - record.seqs - EXCLUDED.seqs - record.rejected - EXCLUDED.rejected
RETURNING EXISTS (
    SELECT FROM rejected WHERE rejected.gateway = record.gateway AND rejected.epoch = record.epoch
)

-- name: settle_rejected
-- What is stored now, or refused anew, is no longer kept as refused before; what is left of a message stays.
WITH told AS (
    SELECT gateway, epoch, seqs + rejected AS seqs
    FROM unnest(
        %(gateways)s::text[], %(epochs)s::text[], %(seqs)s::int8multirange[], %(rejected)s::int8multirange[]
    ) AS told (gateway, epoch, seqs, rejected)
), gone AS (
    DELETE FROM rejected USING told
    WHERE rejected.gateway = told.gateway AND rejected.epoch = told.epoch
        AND rejected.seqs <@ told.seqs AND NOT isempty(rejected.seqs)
)
UPDATE rejected SET seqs = rejected.seqs - told.seqs FROM told
WHERE rejected.gateway = told.gateway AND rejected.epoch = told.epoch
    AND rejected.seqs && told.seqs AND NOT rejected.seqs <@ told.seqs

-- name: reject
-- Keep what cannot be stored, for a look.
INSERT INTO rejected (topic, gateway, payload, kind, reason, epoch, seqs)
VALUES (%(topic)s, %(gateway)s, %(payload)s, %(kind)s, %(reason)s, %(epoch)s, %(seqs)s)

-- name: forget_rejected
-- Keep the newest rejected only, by number and by size.
DELETE FROM rejected WHERE id <= (
    SELECT max(id) FROM (
        SELECT id, row_number() OVER newest AS kept, sum(octet_length(payload)) OVER newest AS bytes FROM rejected
        WINDOW newest AS (ORDER BY id DESC)
    ) AS counted
    WHERE kept > %(keep)s OR bytes > %(keep_bytes)s
)

-- name: see_gateways
-- How long ago (s) a batch of each gateway came last, and how far its clock is off (s), where that is known.
INSERT INTO gateway AS known (gateway, last_batch_at, clock_offset_s)
SELECT gateway, now() - age_s * interval '1 second', clock_offset_s
FROM unnest(%(gateways)s::text[], %(ages)s::float8[], %(offsets)s::real[]) AS seen (gateway, age_s, clock_offset_s)
ORDER BY gateway
ON CONFLICT (gateway) DO UPDATE
SET last_batch_at = greatest(known.last_batch_at, EXCLUDED.last_batch_at),
    clock_offset_s = coalesce(EXCLUDED.clock_offset_s, known.clock_offset_s)

-- name: lock_quarter_hours
-- One copy of ingest at a time computes quarter hours: two could overwrite each other with older readings.
SELECT pg_try_advisory_xact_lock(1836803445)

-- name: take_dirty
-- Take the marks of the newest quarter hours that are due; readings committed after this statement bring marks of their own.
-- One that is over is due, but for the seconds in which its last readings are on their way. One that is not over is due
-- when it has doubled since it was computed, and after a minute at the earliest. With no `now` every one is due.
WITH due AS (
    SELECT bucket FROM dirty_quarter_hour
    GROUP BY bucket
    HAVING %(now)s::timestamptz IS NULL
        OR %(now)s >= bucket + interval '15 minutes 10 seconds'
        OR %(now)s - min(marked_at) >= greatest(min(marked_at) - bucket, interval '1 minute')
    ORDER BY bucket DESC
    LIMIT %(limit)s
)
DELETE FROM dirty_quarter_hour AS mark USING due
WHERE mark.bucket = due.bucket
RETURNING mark.bucket, mark.meters

-- name: compute_quarter_hours
-- Quarter hours from their readings. first and last bound the chunks to look at.
-- Readings only ever come, until retention drops them: fewer of them than there were make no quarter hour.
-- Pairs of time and counter are ordered by time, then by counter: of two at one instant the lower is the first, the
-- higher the last. OFFSET 0 has the time in whole microseconds computed once for a row.
INSERT INTO quarter_hour AS old
SELECT
    due.meter_id, due.bucket, whole.readings, whole.suspect,
    voltage_l1, voltage_l2, voltage_l3, current_l1, current_l2, current_l3, power_l1, power_l2, power_l3,
    power_total, frequency, energy_import, energy_export, reactive_energy_import, reactive_energy_export,
    apparent_energy, energy_import_l1, energy_import_l2, energy_import_l3, energy_export_l1, energy_export_l2,
    energy_export_l3, power_import, power_export, charge, reactive_energy_import_l1, reactive_energy_import_l2,
    reactive_energy_import_l3, reactive_energy_export_l1, reactive_energy_export_l2, reactive_energy_export_l3,
    reactive_energy_total, reactive_energy_total_l1, reactive_energy_total_l2, reactive_energy_total_l3,
    reactive_energy_resettable, energy_total, energy_total_l1, energy_total_l2, energy_total_l3, energy_net,
    energy_resettable, energy_import_resettable, energy_export_resettable
FROM unnest(%(meters)s::integer[], %(buckets)s::timestamptz[]) AS due (meter_id, bucket)
CROSS JOIN LATERAL (
    SELECT
        count(*) AS readings,
        count(suspect) AS suspect,
        to_gauge_span(avg(voltage_l1), min(voltage_l1), max(voltage_l1), 0.1) AS voltage_l1,
        to_gauge_span(avg(voltage_l2), min(voltage_l2), max(voltage_l2), 0.1) AS voltage_l2,
        to_gauge_span(avg(voltage_l3), min(voltage_l3), max(voltage_l3), 0.1) AS voltage_l3,
        to_gauge_span(avg(current_l1), min(current_l1), max(current_l1), 0.001) AS current_l1,
        to_gauge_span(avg(current_l2), min(current_l2), max(current_l2), 0.001) AS current_l2,
        to_gauge_span(avg(current_l3), min(current_l3), max(current_l3), 0.001) AS current_l3,
        to_gauge_span(avg(power_l1), min(power_l1), max(power_l1), 0.1) AS power_l1,
        to_gauge_span(avg(power_l2), min(power_l2), max(power_l2), 0.1) AS power_l2,
        to_gauge_span(avg(power_l3), min(power_l3), max(power_l3), 0.1) AS power_l3,
        to_gauge_span(avg(power_total), min(power_total), max(power_total), 0.1) AS power_total,
        to_gauge_span(avg(frequency), min(frequency), max(frequency), 0.001) AS frequency,
        to_gauge_span(avg(power_import), min(power_import), max(power_import), 0.1) AS power_import,
        to_gauge_span(avg(power_export), min(power_export), max(power_export), 0.1) AS power_export
    FROM reading
    WHERE reading.meter_id = due.meter_id
        AND reading.ts >= due.bucket AND reading.ts < due.bucket + interval '15 minutes'
        AND reading.ts >= %(first)s AND reading.ts < %(last)s AND reading.clock_synced
) AS whole
CROSS JOIN LATERAL (
    SELECT
        to_counter_span(
            min(ARRAY[ts_us, energy_import]) FILTER (WHERE energy_import IS NOT NULL),
            max(ARRAY[ts_us, energy_import]) FILTER (WHERE energy_import IS NOT NULL),
            min(energy_import), max(energy_import)
        ) AS energy_import,
        to_counter_span(
            min(ARRAY[ts_us, energy_export]) FILTER (WHERE energy_export IS NOT NULL),
            max(ARRAY[ts_us, energy_export]) FILTER (WHERE energy_export IS NOT NULL),
            min(energy_export), max(energy_export)
        ) AS energy_export,
        to_counter_span(
            min(ARRAY[ts_us, reactive_energy_import]) FILTER (WHERE reactive_energy_import IS NOT NULL),
            max(ARRAY[ts_us, reactive_energy_import]) FILTER (WHERE reactive_energy_import IS NOT NULL),
            min(reactive_energy_import), max(reactive_energy_import)
        ) AS reactive_energy_import,
        to_counter_span(
            min(ARRAY[ts_us, reactive_energy_export]) FILTER (WHERE reactive_energy_export IS NOT NULL),
            max(ARRAY[ts_us, reactive_energy_export]) FILTER (WHERE reactive_energy_export IS NOT NULL),
            min(reactive_energy_export), max(reactive_energy_export)
        ) AS reactive_energy_export,
        to_counter_span(
            min(ARRAY[ts_us, apparent_energy]) FILTER (WHERE apparent_energy IS NOT NULL),
            max(ARRAY[ts_us, apparent_energy]) FILTER (WHERE apparent_energy IS NOT NULL),
            min(apparent_energy), max(apparent_energy)
        ) AS apparent_energy,
        to_counter_span(
            min(ARRAY[ts_us, energy_import_l1]) FILTER (WHERE energy_import_l1 IS NOT NULL),
            max(ARRAY[ts_us, energy_import_l1]) FILTER (WHERE energy_import_l1 IS NOT NULL),
            min(energy_import_l1), max(energy_import_l1)
        ) AS energy_import_l1,
        to_counter_span(
            min(ARRAY[ts_us, energy_import_l2]) FILTER (WHERE energy_import_l2 IS NOT NULL),
            max(ARRAY[ts_us, energy_import_l2]) FILTER (WHERE energy_import_l2 IS NOT NULL),
            min(energy_import_l2), max(energy_import_l2)
        ) AS energy_import_l2,
        to_counter_span(
            min(ARRAY[ts_us, energy_import_l3]) FILTER (WHERE energy_import_l3 IS NOT NULL),
            max(ARRAY[ts_us, energy_import_l3]) FILTER (WHERE energy_import_l3 IS NOT NULL),
            min(energy_import_l3), max(energy_import_l3)
        ) AS energy_import_l3,
        to_counter_span(
            min(ARRAY[ts_us, energy_export_l1]) FILTER (WHERE energy_export_l1 IS NOT NULL),
            max(ARRAY[ts_us, energy_export_l1]) FILTER (WHERE energy_export_l1 IS NOT NULL),
            min(energy_export_l1), max(energy_export_l1)
        ) AS energy_export_l1,
        to_counter_span(
            min(ARRAY[ts_us, energy_export_l2]) FILTER (WHERE energy_export_l2 IS NOT NULL),
            max(ARRAY[ts_us, energy_export_l2]) FILTER (WHERE energy_export_l2 IS NOT NULL),
            min(energy_export_l2), max(energy_export_l2)
        ) AS energy_export_l2,
        to_counter_span(
            min(ARRAY[ts_us, energy_export_l3]) FILTER (WHERE energy_export_l3 IS NOT NULL),
            max(ARRAY[ts_us, energy_export_l3]) FILTER (WHERE energy_export_l3 IS NOT NULL),
            min(energy_export_l3), max(energy_export_l3)
        ) AS energy_export_l3,
        to_counter_span(
            min(ARRAY[ts_us, charge]) FILTER (WHERE charge IS NOT NULL),
            max(ARRAY[ts_us, charge]) FILTER (WHERE charge IS NOT NULL),
            min(charge), max(charge)
        ) AS charge,
        to_counter_span(
            min(ARRAY[ts_us, reactive_energy_import_l1]) FILTER (WHERE reactive_energy_import_l1 IS NOT NULL),
            max(ARRAY[ts_us, reactive_energy_import_l1]) FILTER (WHERE reactive_energy_import_l1 IS NOT NULL),
            min(reactive_energy_import_l1), max(reactive_energy_import_l1)
        ) AS reactive_energy_import_l1,
        to_counter_span(
            min(ARRAY[ts_us, reactive_energy_import_l2]) FILTER (WHERE reactive_energy_import_l2 IS NOT NULL),
            max(ARRAY[ts_us, reactive_energy_import_l2]) FILTER (WHERE reactive_energy_import_l2 IS NOT NULL),
            min(reactive_energy_import_l2), max(reactive_energy_import_l2)
        ) AS reactive_energy_import_l2,
        to_counter_span(
            min(ARRAY[ts_us, reactive_energy_import_l3]) FILTER (WHERE reactive_energy_import_l3 IS NOT NULL),
            max(ARRAY[ts_us, reactive_energy_import_l3]) FILTER (WHERE reactive_energy_import_l3 IS NOT NULL),
            min(reactive_energy_import_l3), max(reactive_energy_import_l3)
        ) AS reactive_energy_import_l3,
        to_counter_span(
            min(ARRAY[ts_us, reactive_energy_export_l1]) FILTER (WHERE reactive_energy_export_l1 IS NOT NULL),
            max(ARRAY[ts_us, reactive_energy_export_l1]) FILTER (WHERE reactive_energy_export_l1 IS NOT NULL),
            min(reactive_energy_export_l1), max(reactive_energy_export_l1)
        ) AS reactive_energy_export_l1,
        to_counter_span(
            min(ARRAY[ts_us, reactive_energy_export_l2]) FILTER (WHERE reactive_energy_export_l2 IS NOT NULL),
            max(ARRAY[ts_us, reactive_energy_export_l2]) FILTER (WHERE reactive_energy_export_l2 IS NOT NULL),
            min(reactive_energy_export_l2), max(reactive_energy_export_l2)
        ) AS reactive_energy_export_l2,
        to_counter_span(
            min(ARRAY[ts_us, reactive_energy_export_l3]) FILTER (WHERE reactive_energy_export_l3 IS NOT NULL),
            max(ARRAY[ts_us, reactive_energy_export_l3]) FILTER (WHERE reactive_energy_export_l3 IS NOT NULL),
            min(reactive_energy_export_l3), max(reactive_energy_export_l3)
        ) AS reactive_energy_export_l3,
        to_counter_span(
            min(ARRAY[ts_us, reactive_energy_total]) FILTER (WHERE reactive_energy_total IS NOT NULL),
            max(ARRAY[ts_us, reactive_energy_total]) FILTER (WHERE reactive_energy_total IS NOT NULL),
            min(reactive_energy_total), max(reactive_energy_total)
        ) AS reactive_energy_total,
        to_counter_span(
            min(ARRAY[ts_us, reactive_energy_total_l1]) FILTER (WHERE reactive_energy_total_l1 IS NOT NULL),
            max(ARRAY[ts_us, reactive_energy_total_l1]) FILTER (WHERE reactive_energy_total_l1 IS NOT NULL),
            min(reactive_energy_total_l1), max(reactive_energy_total_l1)
        ) AS reactive_energy_total_l1,
        to_counter_span(
            min(ARRAY[ts_us, reactive_energy_total_l2]) FILTER (WHERE reactive_energy_total_l2 IS NOT NULL),
            max(ARRAY[ts_us, reactive_energy_total_l2]) FILTER (WHERE reactive_energy_total_l2 IS NOT NULL),
            min(reactive_energy_total_l2), max(reactive_energy_total_l2)
        ) AS reactive_energy_total_l2,
        to_counter_span(
            min(ARRAY[ts_us, reactive_energy_total_l3]) FILTER (WHERE reactive_energy_total_l3 IS NOT NULL),
            max(ARRAY[ts_us, reactive_energy_total_l3]) FILTER (WHERE reactive_energy_total_l3 IS NOT NULL),
            min(reactive_energy_total_l3), max(reactive_energy_total_l3)
        ) AS reactive_energy_total_l3,
        to_counter_span(
            min(ARRAY[ts_us, reactive_energy_resettable]) FILTER (WHERE reactive_energy_resettable IS NOT NULL),
            max(ARRAY[ts_us, reactive_energy_resettable]) FILTER (WHERE reactive_energy_resettable IS NOT NULL),
            min(reactive_energy_resettable), max(reactive_energy_resettable)
        ) AS reactive_energy_resettable,
        to_counter_span(
            min(ARRAY[ts_us, energy_total]) FILTER (WHERE energy_total IS NOT NULL),
            max(ARRAY[ts_us, energy_total]) FILTER (WHERE energy_total IS NOT NULL),
            min(energy_total), max(energy_total)
        ) AS energy_total,
        to_counter_span(
            min(ARRAY[ts_us, energy_total_l1]) FILTER (WHERE energy_total_l1 IS NOT NULL),
            max(ARRAY[ts_us, energy_total_l1]) FILTER (WHERE energy_total_l1 IS NOT NULL),
            min(energy_total_l1), max(energy_total_l1)
        ) AS energy_total_l1,
        to_counter_span(
            min(ARRAY[ts_us, energy_total_l2]) FILTER (WHERE energy_total_l2 IS NOT NULL),
            max(ARRAY[ts_us, energy_total_l2]) FILTER (WHERE energy_total_l2 IS NOT NULL),
            min(energy_total_l2), max(energy_total_l2)
        ) AS energy_total_l2,
        to_counter_span(
            min(ARRAY[ts_us, energy_total_l3]) FILTER (WHERE energy_total_l3 IS NOT NULL),
            max(ARRAY[ts_us, energy_total_l3]) FILTER (WHERE energy_total_l3 IS NOT NULL),
            min(energy_total_l3), max(energy_total_l3)
        ) AS energy_total_l3,
        to_counter_span(
            min(ARRAY[ts_us, energy_net]) FILTER (WHERE energy_net IS NOT NULL),
            max(ARRAY[ts_us, energy_net]) FILTER (WHERE energy_net IS NOT NULL),
            min(energy_net), max(energy_net)
        ) AS energy_net,
        to_counter_span(
            min(ARRAY[ts_us, energy_resettable]) FILTER (WHERE energy_resettable IS NOT NULL),
            max(ARRAY[ts_us, energy_resettable]) FILTER (WHERE energy_resettable IS NOT NULL),
            min(energy_resettable), max(energy_resettable)
        ) AS energy_resettable,
        to_counter_span(
            min(ARRAY[ts_us, energy_import_resettable]) FILTER (WHERE energy_import_resettable IS NOT NULL),
            max(ARRAY[ts_us, energy_import_resettable]) FILTER (WHERE energy_import_resettable IS NOT NULL),
            min(energy_import_resettable), max(energy_import_resettable)
        ) AS energy_import_resettable,
        to_counter_span(
            min(ARRAY[ts_us, energy_export_resettable]) FILTER (WHERE energy_export_resettable IS NOT NULL),
            max(ARRAY[ts_us, energy_export_resettable]) FILTER (WHERE energy_export_resettable IS NOT NULL),
            min(energy_export_resettable), max(energy_export_resettable)
        ) AS energy_export_resettable
    FROM (
        SELECT *, (date_part('epoch', ts) * 1000000)::bigint AS ts_us
        FROM reading
        WHERE reading.meter_id = due.meter_id
        AND reading.ts >= due.bucket AND reading.ts < due.bucket + interval '15 minutes'
        AND reading.ts >= %(first)s AND reading.ts < %(last)s AND reading.clock_synced
        AND coalesce(
            energy_import, energy_export, reactive_energy_import, reactive_energy_export, apparent_energy,
            energy_import_l1, energy_import_l2, energy_import_l3, energy_export_l1, energy_export_l2,
            energy_export_l3, charge, reactive_energy_import_l1, reactive_energy_import_l2,
            reactive_energy_import_l3, reactive_energy_export_l1, reactive_energy_export_l2,
            reactive_energy_export_l3, reactive_energy_total, reactive_energy_total_l1, reactive_energy_total_l2,
            reactive_energy_total_l3, reactive_energy_resettable, energy_total, energy_total_l1, energy_total_l2,
            energy_total_l3, energy_net, energy_resettable, energy_import_resettable, energy_export_resettable
        ) IS NOT NULL
        OFFSET 0
    ) AS counted
) AS counted
WHERE whole.readings > 0
ON CONFLICT (meter_id, bucket) DO UPDATE SET
    readings = EXCLUDED.readings,
    suspect = EXCLUDED.suspect,
    voltage_l1 = EXCLUDED.voltage_l1,
    voltage_l2 = EXCLUDED.voltage_l2,
    voltage_l3 = EXCLUDED.voltage_l3,
    current_l1 = EXCLUDED.current_l1,
    current_l2 = EXCLUDED.current_l2,
    current_l3 = EXCLUDED.current_l3,
    power_l1 = EXCLUDED.power_l1,
    power_l2 = EXCLUDED.power_l2,
    power_l3 = EXCLUDED.power_l3,
    power_total = EXCLUDED.power_total,
    frequency = EXCLUDED.frequency,
    energy_import = EXCLUDED.energy_import,
    energy_export = EXCLUDED.energy_export,
    reactive_energy_import = EXCLUDED.reactive_energy_import,
    reactive_energy_export = EXCLUDED.reactive_energy_export,
    apparent_energy = EXCLUDED.apparent_energy,
    energy_import_l1 = EXCLUDED.energy_import_l1,
    energy_import_l2 = EXCLUDED.energy_import_l2,
    energy_import_l3 = EXCLUDED.energy_import_l3,
    energy_export_l1 = EXCLUDED.energy_export_l1,
    energy_export_l2 = EXCLUDED.energy_export_l2,
    energy_export_l3 = EXCLUDED.energy_export_l3,
    power_import = EXCLUDED.power_import,
    power_export = EXCLUDED.power_export,
    charge = EXCLUDED.charge,
    reactive_energy_import_l1 = EXCLUDED.reactive_energy_import_l1,
    reactive_energy_import_l2 = EXCLUDED.reactive_energy_import_l2,
    reactive_energy_import_l3 = EXCLUDED.reactive_energy_import_l3,
    reactive_energy_export_l1 = EXCLUDED.reactive_energy_export_l1,
    reactive_energy_export_l2 = EXCLUDED.reactive_energy_export_l2,
    reactive_energy_export_l3 = EXCLUDED.reactive_energy_export_l3,
    reactive_energy_total = EXCLUDED.reactive_energy_total,
    reactive_energy_total_l1 = EXCLUDED.reactive_energy_total_l1,
    reactive_energy_total_l2 = EXCLUDED.reactive_energy_total_l2,
    reactive_energy_total_l3 = EXCLUDED.reactive_energy_total_l3,
    reactive_energy_resettable = EXCLUDED.reactive_energy_resettable,
    energy_total = EXCLUDED.energy_total,
    energy_total_l1 = EXCLUDED.energy_total_l1,
    energy_total_l2 = EXCLUDED.energy_total_l2,
    energy_total_l3 = EXCLUDED.energy_total_l3,
    energy_net = EXCLUDED.energy_net,
    energy_resettable = EXCLUDED.energy_resettable,
    energy_import_resettable = EXCLUDED.energy_import_resettable,
    energy_export_resettable = EXCLUDED.energy_export_resettable
WHERE EXCLUDED.readings >= old.readings
RETURNING meter_id, bucket

-- name: compute_quarter_hours_of_quality
-- Likewise of power quality and demand, where there are such readings.
INSERT INTO quarter_hour_quality AS old
SELECT due.meter_id, due.bucket, computed.*
FROM unnest(%(meters)s::integer[], %(buckets)s::timestamptz[]) AS due (meter_id, bucket)
CROSS JOIN LATERAL (
    SELECT
        to_gauge_span(avg(power_demand), min(power_demand), max(power_demand), 0.1),
        to_gauge_span(avg(power_demand_maximum), min(power_demand_maximum), max(power_demand_maximum), 0.1),
        to_gauge_span(avg(power_import_demand), min(power_import_demand), max(power_import_demand), 0.1),
        to_gauge_span(avg(power_import_demand_maximum), min(power_import_demand_maximum), max(power_import_demand_maximum), 0.1),
        to_gauge_span(avg(power_export_demand), min(power_export_demand), max(power_export_demand), 0.1),
        to_gauge_span(avg(power_export_demand_maximum), min(power_export_demand_maximum), max(power_export_demand_maximum), 0.1),
        to_gauge_span(avg(apparent_power_l1), min(apparent_power_l1), max(apparent_power_l1), 1),
        to_gauge_span(avg(apparent_power_l2), min(apparent_power_l2), max(apparent_power_l2), 1),
        to_gauge_span(avg(apparent_power_l3), min(apparent_power_l3), max(apparent_power_l3), 1),
        to_gauge_span(avg(apparent_power_total), min(apparent_power_total), max(apparent_power_total), 1),
        to_gauge_span(avg(apparent_power_demand), min(apparent_power_demand), max(apparent_power_demand), 1),
        to_gauge_span(avg(apparent_power_demand_maximum), min(apparent_power_demand_maximum), max(apparent_power_demand_maximum), 1),
        to_gauge_span(avg(reactive_power_l1), min(reactive_power_l1), max(reactive_power_l1), 1),
        to_gauge_span(avg(reactive_power_l2), min(reactive_power_l2), max(reactive_power_l2), 1),
        to_gauge_span(avg(reactive_power_l3), min(reactive_power_l3), max(reactive_power_l3), 1),
        to_gauge_span(avg(reactive_power_total), min(reactive_power_total), max(reactive_power_total), 1),
        to_gauge_span(avg(power_factor_l1), min(power_factor_l1), max(power_factor_l1), 0.001),
        to_gauge_span(avg(power_factor_l2), min(power_factor_l2), max(power_factor_l2), 0.001),
        to_gauge_span(avg(power_factor_l3), min(power_factor_l3), max(power_factor_l3), 0.001),
        to_gauge_span(avg(power_factor_total), min(power_factor_total), max(power_factor_total), 0.001),
        to_gauge_span(avg(power_factor_inverse), min(power_factor_inverse), max(power_factor_inverse), 0.001),
        to_gauge_span(avg(phase_angle_l1), min(phase_angle_l1), max(phase_angle_l1), 0.1),
        to_gauge_span(avg(phase_angle_l2), min(phase_angle_l2), max(phase_angle_l2), 0.1),
        to_gauge_span(avg(phase_angle_l3), min(phase_angle_l3), max(phase_angle_l3), 0.1),
        to_gauge_span(avg(phase_angle_total), min(phase_angle_total), max(phase_angle_total), 0.1),
        to_gauge_span(avg(voltage_average), min(voltage_average), max(voltage_average), 0.1),
        to_gauge_span(avg(voltage_l1_l2), min(voltage_l1_l2), max(voltage_l1_l2), 0.1),
        to_gauge_span(avg(voltage_l2_l3), min(voltage_l2_l3), max(voltage_l2_l3), 0.1),
        to_gauge_span(avg(voltage_l3_l1), min(voltage_l3_l1), max(voltage_l3_l1), 0.1),
        to_gauge_span(avg(voltage_line_average), min(voltage_line_average), max(voltage_line_average), 0.1),
        to_gauge_span(avg(current_average), min(current_average), max(current_average), 0.001),
        to_gauge_span(avg(current_sum), min(current_sum), max(current_sum), 0.001),
        to_gauge_span(avg(current_neutral), min(current_neutral), max(current_neutral), 0.001),
        to_gauge_span(avg(current_demand_l1), min(current_demand_l1), max(current_demand_l1), 0.001),
        to_gauge_span(avg(current_demand_l2), min(current_demand_l2), max(current_demand_l2), 0.001),
        to_gauge_span(avg(current_demand_l3), min(current_demand_l3), max(current_demand_l3), 0.001),
        to_gauge_span(avg(current_demand_maximum_l1), min(current_demand_maximum_l1), max(current_demand_maximum_l1), 0.001),
        to_gauge_span(avg(current_demand_maximum_l2), min(current_demand_maximum_l2), max(current_demand_maximum_l2), 0.001),
        to_gauge_span(avg(current_demand_maximum_l3), min(current_demand_maximum_l3), max(current_demand_maximum_l3), 0.001),
        to_gauge_span(avg(current_neutral_demand), min(current_neutral_demand), max(current_neutral_demand), 0.001),
        to_gauge_span(avg(current_neutral_demand_maximum), min(current_neutral_demand_maximum), max(current_neutral_demand_maximum), 0.001),
        to_gauge_span(avg(voltage_thd_l1), min(voltage_thd_l1), max(voltage_thd_l1), 0.1),
        to_gauge_span(avg(voltage_thd_l2), min(voltage_thd_l2), max(voltage_thd_l2), 0.1),
        to_gauge_span(avg(voltage_thd_l3), min(voltage_thd_l3), max(voltage_thd_l3), 0.1),
        to_gauge_span(avg(voltage_thd_average), min(voltage_thd_average), max(voltage_thd_average), 0.1),
        to_gauge_span(avg(voltage_thd_l1_l2), min(voltage_thd_l1_l2), max(voltage_thd_l1_l2), 0.1),
        to_gauge_span(avg(voltage_thd_l2_l3), min(voltage_thd_l2_l3), max(voltage_thd_l2_l3), 0.1),
        to_gauge_span(avg(voltage_thd_l3_l1), min(voltage_thd_l3_l1), max(voltage_thd_l3_l1), 0.1),
        to_gauge_span(avg(voltage_thd_line_average), min(voltage_thd_line_average), max(voltage_thd_line_average), 0.1),
        to_gauge_span(avg(current_thd_l1), min(current_thd_l1), max(current_thd_l1), 0.1),
        to_gauge_span(avg(current_thd_l2), min(current_thd_l2), max(current_thd_l2), 0.1),
        to_gauge_span(avg(current_thd_l3), min(current_thd_l3), max(current_thd_l3), 0.1),
        to_gauge_span(avg(current_thd_average), min(current_thd_average), max(current_thd_average), 0.1)
    FROM reading
    WHERE reading.meter_id = due.meter_id
        AND reading.ts >= due.bucket AND reading.ts < due.bucket + interval '15 minutes'
        AND reading.ts >= %(first)s AND reading.ts < %(last)s AND reading.clock_synced
        AND num_nonnulls(
            power_demand, power_demand_maximum, power_import_demand, power_import_demand_maximum,
            power_export_demand, power_export_demand_maximum, apparent_power_l1, apparent_power_l2,
            apparent_power_l3, apparent_power_total, apparent_power_demand, apparent_power_demand_maximum,
            reactive_power_l1, reactive_power_l2, reactive_power_l3, reactive_power_total, power_factor_l1,
            power_factor_l2, power_factor_l3, power_factor_total, power_factor_inverse, phase_angle_l1,
            phase_angle_l2, phase_angle_l3, phase_angle_total, voltage_average, voltage_l1_l2, voltage_l2_l3,
            voltage_l3_l1, voltage_line_average, current_average, current_sum, current_neutral, current_demand_l1,
            current_demand_l2, current_demand_l3, current_demand_maximum_l1, current_demand_maximum_l2,
            current_demand_maximum_l3, current_neutral_demand, current_neutral_demand_maximum, voltage_thd_l1,
            voltage_thd_l2, voltage_thd_l3, voltage_thd_average, voltage_thd_l1_l2, voltage_thd_l2_l3,
            voltage_thd_l3_l1, voltage_thd_line_average, current_thd_l1, current_thd_l2, current_thd_l3,
            current_thd_average
        ) > 0
    HAVING count(*) > 0
) AS computed
ON CONFLICT (meter_id, bucket) DO UPDATE SET
    power_demand = EXCLUDED.power_demand,
    power_demand_maximum = EXCLUDED.power_demand_maximum,
    power_import_demand = EXCLUDED.power_import_demand,
    power_import_demand_maximum = EXCLUDED.power_import_demand_maximum,
    power_export_demand = EXCLUDED.power_export_demand,
    power_export_demand_maximum = EXCLUDED.power_export_demand_maximum,
    apparent_power_l1 = EXCLUDED.apparent_power_l1,
    apparent_power_l2 = EXCLUDED.apparent_power_l2,
    apparent_power_l3 = EXCLUDED.apparent_power_l3,
    apparent_power_total = EXCLUDED.apparent_power_total,
    apparent_power_demand = EXCLUDED.apparent_power_demand,
    apparent_power_demand_maximum = EXCLUDED.apparent_power_demand_maximum,
    reactive_power_l1 = EXCLUDED.reactive_power_l1,
    reactive_power_l2 = EXCLUDED.reactive_power_l2,
    reactive_power_l3 = EXCLUDED.reactive_power_l3,
    reactive_power_total = EXCLUDED.reactive_power_total,
    power_factor_l1 = EXCLUDED.power_factor_l1,
    power_factor_l2 = EXCLUDED.power_factor_l2,
    power_factor_l3 = EXCLUDED.power_factor_l3,
    power_factor_total = EXCLUDED.power_factor_total,
    power_factor_inverse = EXCLUDED.power_factor_inverse,
    phase_angle_l1 = EXCLUDED.phase_angle_l1,
    phase_angle_l2 = EXCLUDED.phase_angle_l2,
    phase_angle_l3 = EXCLUDED.phase_angle_l3,
    phase_angle_total = EXCLUDED.phase_angle_total,
    voltage_average = EXCLUDED.voltage_average,
    voltage_l1_l2 = EXCLUDED.voltage_l1_l2,
    voltage_l2_l3 = EXCLUDED.voltage_l2_l3,
    voltage_l3_l1 = EXCLUDED.voltage_l3_l1,
    voltage_line_average = EXCLUDED.voltage_line_average,
    current_average = EXCLUDED.current_average,
    current_sum = EXCLUDED.current_sum,
    current_neutral = EXCLUDED.current_neutral,
    current_demand_l1 = EXCLUDED.current_demand_l1,
    current_demand_l2 = EXCLUDED.current_demand_l2,
    current_demand_l3 = EXCLUDED.current_demand_l3,
    current_demand_maximum_l1 = EXCLUDED.current_demand_maximum_l1,
    current_demand_maximum_l2 = EXCLUDED.current_demand_maximum_l2,
    current_demand_maximum_l3 = EXCLUDED.current_demand_maximum_l3,
    current_neutral_demand = EXCLUDED.current_neutral_demand,
    current_neutral_demand_maximum = EXCLUDED.current_neutral_demand_maximum,
    voltage_thd_l1 = EXCLUDED.voltage_thd_l1,
    voltage_thd_l2 = EXCLUDED.voltage_thd_l2,
    voltage_thd_l3 = EXCLUDED.voltage_thd_l3,
    voltage_thd_average = EXCLUDED.voltage_thd_average,
    voltage_thd_l1_l2 = EXCLUDED.voltage_thd_l1_l2,
    voltage_thd_l2_l3 = EXCLUDED.voltage_thd_l2_l3,
    voltage_thd_l3_l1 = EXCLUDED.voltage_thd_l3_l1,
    voltage_thd_line_average = EXCLUDED.voltage_thd_line_average,
    current_thd_l1 = EXCLUDED.current_thd_l1,
    current_thd_l2 = EXCLUDED.current_thd_l2,
    current_thd_l3 = EXCLUDED.current_thd_l3,
    current_thd_average = EXCLUDED.current_thd_average
WHERE old IS DISTINCT FROM EXCLUDED

-- name: see_meters
-- When each of these meters was read last, of the quarter hours given; one that is new was only entered until now.
UPDATE meter SET last_seen = newest.ts
FROM (
    SELECT meter_id, max(bucket) AS bucket
    FROM unnest(%(meters)s::integer[], %(buckets)s::timestamptz[]) AS due (meter_id, bucket)
    GROUP BY meter_id
) AS latest
CROSS JOIN LATERAL (
    SELECT max(ts) AS ts FROM reading
    WHERE reading.meter_id = latest.meter_id
        AND reading.ts >= latest.bucket AND reading.ts < latest.bucket + interval '15 minutes'
        AND reading.ts >= %(first)s AND reading.ts < %(last)s
) AS newest
WHERE meter.id = latest.meter_id AND newest.ts IS NOT NULL
    AND (newest.ts > meter.last_seen OR meter.last_seen = meter.first_seen)
