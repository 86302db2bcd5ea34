-- Named queries about how the readings rest: chunks, columnstore, retention, and the space that they take.

-- name: edition
-- TimescaleDB's version, whether it is the full edition, and whether that has a columnstore; nothing without it.
SELECT
    extversion,
    current_setting('timescaledb.license') = 'timescale',
    current_setting('timescaledb.license') = 'timescale' AND to_regproc('add_columnstore_policy') IS NOT NULL
FROM pg_extension WHERE extname = 'timescaledb'

-- name: chunks
-- The length of new chunks and whether they go into the columnstore; nothing where `reading` is no hypertable.
SELECT time_interval, compression_enabled
FROM timescaledb_information.hypertables
JOIN timescaledb_information.dimensions USING (hypertable_schema, hypertable_name)
WHERE hypertable_schema = 'public' AND hypertable_name = 'reading'

-- name: readings_of_a_day
-- How many there were in the last 24 hours of which there are quarter hours.
SELECT coalesce(sum(readings), 0)
FROM quarter_hour
WHERE bucket > (SELECT max(bucket) FROM quarter_hour) - interval '1 day'

-- name: set_chunks
-- The length of chunks that are still to come.
SELECT set_chunk_time_interval('reading', %(length)s)

-- name: use_columnstore
-- A meter's readings side by side, in order of time, so that a query of one meter unpacks no other's.
ALTER TABLE reading SET (
    timescaledb.enable_columnstore, timescaledb.segmentby = 'meter_id', timescaledb.orderby = 'ts, seq'
)

-- name: leave_filters_out
-- Its order finds a repeated reading well enough; a filter on it would take a byte and a half of each. From 2.22 on.
ALTER TABLE reading SET (timescaledb.sparse_index = '')

-- name: keep_columnstore
-- Chunks go there of themselves so long after their end.
CALL add_columnstore_policy('reading', after => %(after)s, if_not_exists => true)

-- name: set_retention
-- For how many days readings are kept.
UPDATE retention SET days = %(days)s

-- name: drop_old_readings
-- Drop some of what is older; whether there was anything.
SELECT drop_old_readings()

-- name: readings
-- All readings, the oldest and the newest, and how many are older than so many days. Reads the whole table.
SELECT
    count(*), min(ts), max(ts),
    array[
        count(*) FILTER (WHERE ts < now() - make_interval(days => %(few)s)),
        count(*) FILTER (WHERE ts < now() - make_interval(days => %(more)s)),
        count(*) FILTER (WHERE ts < now() - make_interval(days => %(many)s))
    ]
FROM reading

-- name: quarter_hours
-- How many quarter hours there are, and the bytes that they take.
SELECT count(*), pg_total_relation_size('quarter_hour') + pg_total_relation_size('quarter_hour_quality')
FROM quarter_hour

-- name: retention
-- For how many days readings are kept; NULL is for ever.
SELECT days FROM retention

-- name: table_size
-- The bytes of a plain table of readings with its indexes.
SELECT pg_total_relation_size('reading')

-- name: hypertable_size
-- The same of a hypertable.
SELECT hypertable_size('reading')

-- name: chunk_count
-- How many chunks a hypertable has.
SELECT count(*) FROM show_chunks('reading')

-- name: columnstore
-- Chunks in the columnstore, and the bytes that they took before and take there; NULL without any.
SELECT number_compressed_chunks, before_compression_total_bytes, after_compression_total_bytes
FROM hypertable_columnstore_stats('reading')
