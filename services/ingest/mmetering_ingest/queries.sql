-- The SQL of ingest. Parameters are %(name)s; arrays of one length are unnested side by side.

-- name: version
-- The version of the schema.
SELECT version_num FROM alembic_version

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
-- Quarter hours that readings have come for, in the transaction that brings them.
INSERT INTO dirty_quarter_hour (meter_id, bucket)
SELECT * FROM unnest(%(meters)s::integer[], %(buckets)s::timestamptz[])

-- name: record
-- What of a spool is accounted for. Called in the order of (gateway, epoch), so that copies of ingest never lock crosswise.
-- What was on its way when its gateway gave it up, and came nevertheless, is not dropped.
INSERT INTO gateway_record AS record (gateway, epoch, seqs, rejected, dropped)
VALUES (%(gateway)s, %(epoch)s, %(seqs)s, %(rejected)s, %(dropped)s::int8multirange - %(seqs)s::int8multirange)
ON CONFLICT (gateway, epoch) DO UPDATE
SET seqs = record.seqs + EXCLUDED.seqs,
    rejected = record.rejected + EXCLUDED.rejected,
    dropped = record.dropped + EXCLUDED.dropped - record.seqs - EXCLUDED.seqs

-- name: reject
-- Keep what cannot be stored, for a look.
INSERT INTO rejected (topic, payload, reason, epoch, seqs)
VALUES (%(topic)s, %(payload)s, %(reason)s, %(epoch)s, %(seqs)s)

-- name: forget_rejected
-- Keep the newest rejected only.
DELETE FROM rejected WHERE id <= (SELECT max(id) FROM rejected) - %(keep)s

-- name: lock_quarter_hours
-- One copy of ingest at a time computes quarter hours: two could overwrite each other with older readings.
SELECT pg_try_advisory_xact_lock(1836803445)

-- name: take_dirty
-- Take marks; readings committed after this statement bring marks of their own.
DELETE FROM dirty_quarter_hour
WHERE ctid = ANY(ARRAY(SELECT ctid FROM dirty_quarter_hour LIMIT %(limit)s))
RETURNING meter_id, bucket

-- name: compute_quarter_hours
-- Quarter hours from their readings. first and last bound the chunks to look at.
INSERT INTO quarter_hour
SELECT
    due.meter_id,
    due.bucket,
    count(*),
    count(suspect),
    to_gauge_span(avg(voltage_l1), min(voltage_l1), max(voltage_l1)),
    to_gauge_span(avg(voltage_l2), min(voltage_l2), max(voltage_l2)),
    to_gauge_span(avg(voltage_l3), min(voltage_l3), max(voltage_l3)),
    to_gauge_span(avg(current_l1), min(current_l1), max(current_l1)),
    to_gauge_span(avg(current_l2), min(current_l2), max(current_l2)),
    to_gauge_span(avg(current_l3), min(current_l3), max(current_l3)),
    to_gauge_span(avg(power_l1), min(power_l1), max(power_l1)),
    to_gauge_span(avg(power_l2), min(power_l2), max(power_l2)),
    to_gauge_span(avg(power_l3), min(power_l3), max(power_l3)),
    to_gauge_span(avg(power_total), min(power_total), max(power_total)),
    to_gauge_span(avg(frequency), min(frequency), max(frequency)),
    counter_span_agg(ts, energy_import),
    counter_span_agg(ts, energy_export),
    counter_span_agg(ts, reactive_energy_import),
    counter_span_agg(ts, reactive_energy_export),
    counter_span_agg(ts, apparent_energy),
    counter_span_agg(ts, energy_import_l1),
    counter_span_agg(ts, energy_import_l2),
    counter_span_agg(ts, energy_import_l3),
    counter_span_agg(ts, energy_export_l1),
    counter_span_agg(ts, energy_export_l2),
    counter_span_agg(ts, energy_export_l3),
    to_gauge_span(avg(power_import), min(power_import), max(power_import)),
    to_gauge_span(avg(power_export), min(power_export), max(power_export)),
    counter_span_agg(ts, charge),
    counter_span_agg(ts, reactive_energy_import_l1),
    counter_span_agg(ts, reactive_energy_import_l2),
    counter_span_agg(ts, reactive_energy_import_l3),
    counter_span_agg(ts, reactive_energy_export_l1),
    counter_span_agg(ts, reactive_energy_export_l2),
    counter_span_agg(ts, reactive_energy_export_l3),
    counter_span_agg(ts, reactive_energy_total),
    counter_span_agg(ts, reactive_energy_total_l1),
    counter_span_agg(ts, reactive_energy_total_l2),
    counter_span_agg(ts, reactive_energy_total_l3),
    counter_span_agg(ts, reactive_energy_resettable),
    counter_span_agg(ts, energy_total),
    counter_span_agg(ts, energy_total_l1),
    counter_span_agg(ts, energy_total_l2),
    counter_span_agg(ts, energy_total_l3),
    counter_span_agg(ts, energy_net),
    counter_span_agg(ts, energy_resettable),
    counter_span_agg(ts, energy_import_resettable),
    counter_span_agg(ts, energy_export_resettable)
FROM unnest(%(meters)s::integer[], %(buckets)s::timestamptz[]) AS due (meter_id, bucket)
JOIN reading
    ON reading.meter_id = due.meter_id
    AND reading.ts >= due.bucket AND reading.ts < due.bucket + interval '15 minutes'
WHERE reading.ts >= %(first)s AND reading.ts < %(last)s AND reading.clock_synced
GROUP BY due.meter_id, due.bucket
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

-- name: compute_quarter_hours_of_quality
-- Likewise of power quality and demand, where there are such readings.
INSERT INTO quarter_hour_quality AS old
SELECT
    due.meter_id,
    due.bucket,
    to_gauge_span(avg(power_demand), min(power_demand), max(power_demand)),
    to_gauge_span(avg(power_demand_maximum), min(power_demand_maximum), max(power_demand_maximum)),
    to_gauge_span(avg(power_import_demand), min(power_import_demand), max(power_import_demand)),
    to_gauge_span(avg(power_import_demand_maximum), min(power_import_demand_maximum), max(power_import_demand_maximum)),
    to_gauge_span(avg(power_export_demand), min(power_export_demand), max(power_export_demand)),
    to_gauge_span(avg(power_export_demand_maximum), min(power_export_demand_maximum), max(power_export_demand_maximum)),
    to_gauge_span(avg(apparent_power_l1), min(apparent_power_l1), max(apparent_power_l1)),
    to_gauge_span(avg(apparent_power_l2), min(apparent_power_l2), max(apparent_power_l2)),
    to_gauge_span(avg(apparent_power_l3), min(apparent_power_l3), max(apparent_power_l3)),
    to_gauge_span(avg(apparent_power_total), min(apparent_power_total), max(apparent_power_total)),
    to_gauge_span(avg(apparent_power_demand), min(apparent_power_demand), max(apparent_power_demand)),
    to_gauge_span(avg(apparent_power_demand_maximum), min(apparent_power_demand_maximum), max(apparent_power_demand_maximum)),
    to_gauge_span(avg(reactive_power_l1), min(reactive_power_l1), max(reactive_power_l1)),
    to_gauge_span(avg(reactive_power_l2), min(reactive_power_l2), max(reactive_power_l2)),
    to_gauge_span(avg(reactive_power_l3), min(reactive_power_l3), max(reactive_power_l3)),
    to_gauge_span(avg(reactive_power_total), min(reactive_power_total), max(reactive_power_total)),
    to_gauge_span(avg(power_factor_l1), min(power_factor_l1), max(power_factor_l1)),
    to_gauge_span(avg(power_factor_l2), min(power_factor_l2), max(power_factor_l2)),
    to_gauge_span(avg(power_factor_l3), min(power_factor_l3), max(power_factor_l3)),
    to_gauge_span(avg(power_factor_total), min(power_factor_total), max(power_factor_total)),
    to_gauge_span(avg(power_factor_inverse), min(power_factor_inverse), max(power_factor_inverse)),
    to_gauge_span(avg(phase_angle_l1), min(phase_angle_l1), max(phase_angle_l1)),
    to_gauge_span(avg(phase_angle_l2), min(phase_angle_l2), max(phase_angle_l2)),
    to_gauge_span(avg(phase_angle_l3), min(phase_angle_l3), max(phase_angle_l3)),
    to_gauge_span(avg(phase_angle_total), min(phase_angle_total), max(phase_angle_total)),
    to_gauge_span(avg(voltage_average), min(voltage_average), max(voltage_average)),
    to_gauge_span(avg(voltage_l1_l2), min(voltage_l1_l2), max(voltage_l1_l2)),
    to_gauge_span(avg(voltage_l2_l3), min(voltage_l2_l3), max(voltage_l2_l3)),
    to_gauge_span(avg(voltage_l3_l1), min(voltage_l3_l1), max(voltage_l3_l1)),
    to_gauge_span(avg(voltage_line_average), min(voltage_line_average), max(voltage_line_average)),
    to_gauge_span(avg(current_average), min(current_average), max(current_average)),
    to_gauge_span(avg(current_sum), min(current_sum), max(current_sum)),
    to_gauge_span(avg(current_neutral), min(current_neutral), max(current_neutral)),
    to_gauge_span(avg(current_demand_l1), min(current_demand_l1), max(current_demand_l1)),
    to_gauge_span(avg(current_demand_l2), min(current_demand_l2), max(current_demand_l2)),
    to_gauge_span(avg(current_demand_l3), min(current_demand_l3), max(current_demand_l3)),
    to_gauge_span(avg(current_demand_maximum_l1), min(current_demand_maximum_l1), max(current_demand_maximum_l1)),
    to_gauge_span(avg(current_demand_maximum_l2), min(current_demand_maximum_l2), max(current_demand_maximum_l2)),
    to_gauge_span(avg(current_demand_maximum_l3), min(current_demand_maximum_l3), max(current_demand_maximum_l3)),
    to_gauge_span(avg(current_neutral_demand), min(current_neutral_demand), max(current_neutral_demand)),
    to_gauge_span(avg(current_neutral_demand_maximum), min(current_neutral_demand_maximum), max(current_neutral_demand_maximum)),
    to_gauge_span(avg(voltage_thd_l1), min(voltage_thd_l1), max(voltage_thd_l1)),
    to_gauge_span(avg(voltage_thd_l2), min(voltage_thd_l2), max(voltage_thd_l2)),
    to_gauge_span(avg(voltage_thd_l3), min(voltage_thd_l3), max(voltage_thd_l3)),
    to_gauge_span(avg(voltage_thd_average), min(voltage_thd_average), max(voltage_thd_average)),
    to_gauge_span(avg(voltage_thd_l1_l2), min(voltage_thd_l1_l2), max(voltage_thd_l1_l2)),
    to_gauge_span(avg(voltage_thd_l2_l3), min(voltage_thd_l2_l3), max(voltage_thd_l2_l3)),
    to_gauge_span(avg(voltage_thd_l3_l1), min(voltage_thd_l3_l1), max(voltage_thd_l3_l1)),
    to_gauge_span(avg(voltage_thd_line_average), min(voltage_thd_line_average), max(voltage_thd_line_average)),
    to_gauge_span(avg(current_thd_l1), min(current_thd_l1), max(current_thd_l1)),
    to_gauge_span(avg(current_thd_l2), min(current_thd_l2), max(current_thd_l2)),
    to_gauge_span(avg(current_thd_l3), min(current_thd_l3), max(current_thd_l3)),
    to_gauge_span(avg(current_thd_average), min(current_thd_average), max(current_thd_average))
FROM unnest(%(meters)s::integer[], %(buckets)s::timestamptz[]) AS due (meter_id, bucket)
JOIN reading
    ON reading.meter_id = due.meter_id
    AND reading.ts >= due.bucket AND reading.ts < due.bucket + interval '15 minutes'
WHERE reading.ts >= %(first)s AND reading.ts < %(last)s AND reading.clock_synced
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
GROUP BY due.meter_id, due.bucket
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
-- When each of these meters was read last.
UPDATE meter SET last_seen = newest.ts
FROM (
    SELECT meter_id, (SELECT max(ts) FROM reading WHERE reading.meter_id = seen.meter_id) AS ts
    FROM unnest(%(meters)s::integer[]) AS seen (meter_id)
) AS newest
WHERE meter.id = newest.meter_id AND newest.ts IS DISTINCT FROM meter.last_seen
