-- Named queries of backup and restore; the catalog tells what is there, so that later migrations need nothing here.

-- name: plain_text
-- Values as text that every server reads alike.
SET LOCAL client_encoding = 'UTF8';
SET LOCAL timezone = 'UTC';
SET LOCAL datestyle = 'ISO';
SET LOCAL intervalstyle = 'postgres';
SET LOCAL bytea_output = 'hex';
SET LOCAL extra_float_digits = 1

-- name: tables
-- The tables and what they hold in columns, in no order; without those of extensions and of the migrations themselves.
SELECT
    format('%s.%s', nspname, relname),
    array(
        SELECT attname::text FROM pg_attribute
        WHERE attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
        ORDER BY attnum
    )
FROM pg_class
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p') AND NOT relispartition AND relpersistence <> 't' AND relname <> 'alembic_version'
    AND nspname <> 'information_schema' AND nspname !~ '^pg_'
    AND NOT EXISTS (
        SELECT FROM pg_depend
        WHERE deptype = 'e' AND (classid, objid) IN (
            ('pg_class'::regclass, pg_class.oid), ('pg_namespace'::regclass, relnamespace)
        )
    )
ORDER BY 1

-- name: references
-- Which table refers to which.
SELECT DISTINCT
    format('%s.%s', from_schema.nspname, from_table.relname),
    format('%s.%s', to_schema.nspname, to_table.relname)
FROM pg_constraint
JOIN pg_class AS from_table ON from_table.oid = conrelid
JOIN pg_namespace AS from_schema ON from_schema.oid = from_table.relnamespace
JOIN pg_class AS to_table ON to_table.oid = confrelid
JOIN pg_namespace AS to_schema ON to_schema.oid = to_table.relnamespace
WHERE contype = 'f' AND conrelid <> confrelid

-- name: sequences
-- How far the sequences of this table's columns have counted; one that nobody has asked yet is left out.
SELECT format('%%s.%%s', schemaname, sequencename), last_value
FROM pg_sequences
JOIN pg_depend ON objid = to_regclass(format('%%I.%%I', schemaname, sequencename))::oid
    AND classid = 'pg_class'::regclass AND deptype IN ('a', 'i')
JOIN pg_class ON pg_class.oid = refobjid
JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE last_value IS NOT NULL AND format('%%s.%%s', nspname, relname) = %(table)s
ORDER BY 1

-- name: set_sequence
-- Let a sequence go on after this number.
SELECT setval(format('%%I.%%I', %(schema)s::text, %(name)s::text)::regclass, %(value)s)

-- name: newest_counters
-- The newest counters of each meter, Wh; NULL where it has none.
SELECT
    slug,
    (SELECT energy_import FROM reading WHERE meter_id = meter.id AND energy_import IS NOT NULL
     ORDER BY ts DESC, seq DESC LIMIT 1),
    (SELECT energy_export FROM reading WHERE meter_id = meter.id AND energy_export IS NOT NULL
     ORDER BY ts DESC, seq DESC LIMIT 1)
FROM meter
ORDER BY slug

-- name: server
-- The schema, the version of the server, and TimescaleDB's where it is there.
SELECT
    version_num,
    current_setting('server_version'),
    (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb')
FROM alembic_version

-- name: other_clients
-- How many others are connected to this database.
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'

-- name: removals
-- The statements that remove every table, view, function and type that belongs to no extension.
SELECT format('DROP %s IF EXISTS %s CASCADE', object.type, object.identity)
FROM (
    SELECT 'pg_class'::regclass AS class, oid, relnamespace AS schema
    FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND relpersistence <> 't'
    UNION ALL
    SELECT 'pg_proc'::regclass, oid, pronamespace FROM pg_proc
    UNION ALL
    SELECT 'pg_type'::regclass, oid, typnamespace FROM pg_type WHERE typtype IN ('c', 'd', 'e', 'r')
) AS own
JOIN pg_namespace ON pg_namespace.oid = own.schema
CROSS JOIN LATERAL pg_identify_object(own.class, own.oid, 0) AS object
WHERE nspname <> 'information_schema' AND nspname !~ '^pg_'
    AND NOT EXISTS (
        SELECT FROM pg_depend
        WHERE (deptype IN ('e', 'i') AND classid = own.class AND objid = own.oid)
            OR (deptype = 'e' AND classid = 'pg_namespace'::regclass AND objid = own.schema)
    )
