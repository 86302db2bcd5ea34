"""Gauges as whole numbers of steps, which compress to less than half of what `real` does, and a view in plain units.

What four bytes cannot count goes into `extra`. `received_at` becomes `delay_s`, the same in a tenth of the space.
"""

from collections.abc import Mapping

from alembic import op
from sqlalchemy import Connection, text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Unit to the step of its gauges, as they were when this step was released; 1 is the unit of a mere number.
RESOLUTION = {
    "V": "0.1",
    "A": "0.001",
    "W": "0.1",
    "VA": "1",
    "var": "1",
    "Hz": "0.001",
    "1": "0.001",
    "°": "0.1",
    "%": "0.1",
}
INT4 = 2**31 - 1

COLUMNS = """
SELECT attname::text, col_description(attrelid, attnum), atttypid = 'real'::regtype
FROM pg_attribute WHERE attrelid = 'reading'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""

HYPERTABLES = "SELECT to_regclass('timescaledb_information.hypertables') IS NOT NULL"
COMPRESSED = """
SELECT count(*) FROM timescaledb_information.hypertables WHERE hypertable_name = 'reading' AND compression_enabled
"""
DECOMPRESS = """
SELECT decompress_chunk(chunk, true) FROM show_chunks('reading') AS chunk;
ALTER TABLE reading SET (timescaledb.compress = false)
"""

DELAY = """
ALTER TABLE reading RENAME COLUMN received_at TO delay_s;
COMMENT ON COLUMN reading.delay_s IS 's from ts to the commit';
COMMENT ON COLUMN reading.extra IS
    'Quantities that this release has no column for, and what is beyond their columns, in plain units'
"""

# Functions that the planner takes apart, over aggregates in C: in SQL and PL/pgSQL they were most of the cost.
QUARTER_HOURS = """
CREATE FUNCTION to_gauge_span(mean numeric, minimum integer, maximum integer, resolution double precision)
RETURNS gauge_span
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN mean IS NOT NULL THEN
    ROW(mean::double precision * resolution, minimum * resolution, maximum * resolution)::gauge_span
END;
COMMENT ON FUNCTION to_gauge_span(numeric, integer, integer, double precision) IS
    'A gauge over a stretch of time in plain units, from numbers of steps';
DROP FUNCTION to_gauge_span(double precision, real, real);

CREATE FUNCTION to_counter_span(first bigint[], last bigint[], minimum bigint, maximum bigint) RETURNS counter_span
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN first IS NOT NULL THEN ROW(
    first[2], to_timestamp(first[1] / 1000000.0::double precision),
    last[2], to_timestamp(last[1] / 1000000.0::double precision),
    minimum, maximum
)::counter_span END;
COMMENT ON FUNCTION to_counter_span(bigint[], bigint[], bigint, bigint) IS
    'A counter over a stretch of time, from the first and the last pair of microseconds since 1970 and value';
DROP AGGREGATE counter_span_agg(timestamptz, bigint);
DROP FUNCTION counter_span_end(counter_span);
DROP FUNCTION counter_span_add(counter_span, timestamptz, bigint);

-- A row for all meters of a commit, not one for each: marks cost a tenth of it.
ALTER TABLE dirty_quarter_hour ADD COLUMN meters integer[], ADD COLUMN marked_at timestamptz NOT NULL DEFAULT now();
UPDATE dirty_quarter_hour SET meters = ARRAY[meter_id];
ALTER TABLE dirty_quarter_hour DROP COLUMN meter_id, ALTER COLUMN meters SET NOT NULL;
COMMENT ON COLUMN dirty_quarter_hour.meters IS 'The meters, by id, that readings have come of';
COMMENT ON COLUMN dirty_quarter_hour.marked_at IS 'When; a quarter hour that is not over waits for more';
"""


def upgrade() -> None:
    """Write the gauges anew as numbers of steps, and make `reading_in_units`."""
    connection = op.get_bind()
    _decompress(connection)
    columns = connection.execute(text(COLUMNS)).all()
    units = {name: unit for name, unit, is_gauge in columns if is_gauge}
    connection.exec_driver_sql(_escaped(_whole(units)))
    connection.exec_driver_sql(DELAY)
    for name, unit in units.items():
        step = RESOLUTION[unit] if unit == "1" else f"{RESOLUTION[unit]} {unit}"
        connection.exec_driver_sql(_escaped(f"COMMENT ON COLUMN reading.{name} IS '{step}'"))
    _make_view(connection, {name: unit for name, unit, _ in columns}, units)
    connection.exec_driver_sql(QUARTER_HOURS)


def _decompress(connection: Connection) -> None:
    """Take out of the columnstore what somebody has put there: types cannot be changed in it."""
    if connection.execute(text(HYPERTABLES)).scalar_one() and connection.execute(text(COMPRESSED)).scalar_one():
        connection.exec_driver_sql(DECOMPRESS)


def _whole(units: Mapping[str, str]) -> str:
    """Return the statement that changes the types, in one pass over the rows."""
    steps = {name: f"{name} / {RESOLUTION[unit]}::double precision" for name, unit in units.items()}
    changes = [
        f"ALTER {name} TYPE integer USING CASE WHEN abs({number}) < {INT4} THEN round({number}) END"
        for name, number in steps.items()
    ]
    # NaN is greater than every number.
    beyond = {name: f"abs({number}) >= {INT4}" for name, number in steps.items()}
    objects = (
        f"jsonb_build_object('{name}', CASE WHEN {is_beyond} THEN {name} END)" for name, is_beyond in beyond.items()
    )
    return f"""
        ALTER TABLE reading {", ".join(changes)},
        ALTER extra TYPE jsonb USING CASE
            WHEN {" OR ".join(beyond.values())}
            THEN coalesce(extra, '{{}}') || jsonb_strip_nulls({" || ".join(objects)})
            ELSE extra
        END,
        ALTER received_at TYPE integer USING round(extract(epoch FROM received_at - ts))
    """


def _make_view(connection: Connection, descriptions: Mapping[str, str | None], units: Mapping[str, str]) -> None:
    """Make the view with the columns of the table, gauges and the time of the commit in plain units."""
    plain = {name: f"({name} * {RESOLUTION[unit]}::double precision)::real AS {name}" for name, unit in units.items()}
    plain["received_at"] = "ts + delay_s * interval '1 second' AS received_at"
    listed = ", ".join(plain.get(name, name) for name in descriptions)
    view = f"CREATE VIEW reading_in_units AS SELECT {listed} FROM reading"  # noqa: S608 names of our own columns
    connection.exec_driver_sql(view)
    connection.exec_driver_sql("COMMENT ON VIEW reading_in_units IS 'Every reading, in plain units'")
    for name, description in descriptions.items():
        if description:
            connection.exec_driver_sql(_escaped(f"COMMENT ON COLUMN reading_in_units.{name} IS '{description}'"))


def _escaped(statement: str) -> str:
    """Return it as the driver wants it, to whom a percent sign alone is a parameter."""
    return statement.replace("%", "%%")
