"""Columns for everything that the meters measure: power quality, demand, charge, totals and what people may set back.

Nullable and without a default: no row is written anew, and compressed chunks of a hypertable take them, too.
"""

from collections.abc import Mapping, Sequence

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# Unit to quantities, as they were when this step was released; 1 is the unit of a mere number.
LIVE_AND_ENERGY = {
    "W": (
        "power_import",
        "power_export",
    ),
    "mAh": ("charge",),
    "varh": (
        "reactive_energy_import_l1",
        "reactive_energy_import_l2",
        "reactive_energy_import_l3",
        "reactive_energy_export_l1",
        "reactive_energy_export_l2",
        "reactive_energy_export_l3",
        "reactive_energy_total",
        "reactive_energy_total_l1",
        "reactive_energy_total_l2",
        "reactive_energy_total_l3",
        "reactive_energy_resettable",
    ),
    "Wh": (
        "energy_total",
        "energy_total_l1",
        "energy_total_l2",
        "energy_total_l3",
        "energy_net",
        "energy_resettable",
        "energy_import_resettable",
        "energy_export_resettable",
    ),
}
QUALITY_AND_DEMAND = {
    "W": (
        "power_demand",
        "power_demand_maximum",
        "power_import_demand",
        "power_import_demand_maximum",
        "power_export_demand",
        "power_export_demand_maximum",
    ),
    "VA": (
        "apparent_power_l1",
        "apparent_power_l2",
        "apparent_power_l3",
        "apparent_power_total",
        "apparent_power_demand",
        "apparent_power_demand_maximum",
    ),
    "var": (
        "reactive_power_l1",
        "reactive_power_l2",
        "reactive_power_l3",
        "reactive_power_total",
    ),
    "1": (
        "power_factor_l1",
        "power_factor_l2",
        "power_factor_l3",
        "power_factor_total",
        "power_factor_inverse",
    ),
    "°": (
        "phase_angle_l1",
        "phase_angle_l2",
        "phase_angle_l3",
        "phase_angle_total",
    ),
    "V": (
        "voltage_average",
        "voltage_l1_l2",
        "voltage_l2_l3",
        "voltage_l3_l1",
        "voltage_line_average",
    ),
    "A": (
        "current_average",
        "current_sum",
        "current_neutral",
        "current_demand_l1",
        "current_demand_l2",
        "current_demand_l3",
        "current_demand_maximum_l1",
        "current_demand_maximum_l2",
        "current_demand_maximum_l3",
        "current_neutral_demand",
        "current_neutral_demand_maximum",
    ),
    "%%": (  # one alone is a parameter to the driver
        "voltage_thd_l1",
        "voltage_thd_l2",
        "voltage_thd_l3",
        "voltage_thd_average",
        "voltage_thd_l1_l2",
        "voltage_thd_l2_l3",
        "voltage_thd_l3_l1",
        "voltage_thd_line_average",
        "current_thd_l1",
        "current_thd_l2",
        "current_thd_l3",
        "current_thd_average",
    ),
}
WHOLE = ("Wh", "varh", "VAh", "mAh")

# In one table with the energy a row would fill a page, and a year of load profile would be read through all of them.
QUARTER_HOURS = """
CREATE TABLE quarter_hour_quality (
    meter_id  integer NOT NULL REFERENCES meter,
    bucket    timestamptz NOT NULL,
    PRIMARY KEY (meter_id, bucket)
);
COMMENT ON TABLE quarter_hour_quality IS
    'What the readings of power quality and demand in a quarter hour amount to; derived, as quarter_hour is';
COMMENT ON COLUMN quarter_hour_quality.bucket IS 'Begin of the quarter hour, on the UTC grid';

-- All counters of a meter are more than 2 kB; PostgreSQL would put each of them away in a row of its own.
ALTER TABLE quarter_hour SET (toast_tuple_target = 8160);
"""


def upgrade() -> None:
    """Add the columns to `reading` and to the tables of quarter hours."""
    connection = op.get_bind()
    connection.exec_driver_sql(QUARTER_HOURS)
    for table, quantities in (("quarter_hour", LIVE_AND_ENERGY), ("quarter_hour_quality", QUALITY_AND_DEMAND)):
        connection.exec_driver_sql(_add("reading", quantities, "bigint", "real"))
        connection.exec_driver_sql(_add(table, quantities, "counter_span", "gauge_span"))
        for unit, names in quantities.items():
            for name in names:
                connection.exec_driver_sql(f"COMMENT ON COLUMN reading.{name} IS '{unit}'")


def _add(table: str, quantities: Mapping[str, Sequence[str]], whole: str, gauge: str) -> str:
    """Return the statement that adds the columns, whole ones of one type and gauges of the other."""
    columns = (
        f"ADD COLUMN {name} {whole if unit in WHOLE else gauge}" for unit, names in quantities.items() for name in names
    )
    return f"ALTER TABLE {table} {', '.join(columns)}"
