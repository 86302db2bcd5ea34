"""Who may do what: a role each for ingest, for the web and for whoever only reads; the owner migrates.

The roles cannot log in; logins are members of one of them. What is not granted here or by a later step is forbidden,
but that the web may read whatever a later step makes.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ROLES = ("mmetering_ingest", "mmetering_web", "mmetering_reader")

# Roles belong to the server: another of its databases may have made them, also at this very moment.
ROLE = """
DO $$
BEGIN
    IF to_regrole('{role}') IS NULL THEN
        CREATE ROLE {role} NOLOGIN;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL;
    WHEN insufficient_privilege THEN
        RAISE insufficient_privilege USING
            MESSAGE = current_user || ' may not create roles',
            HINT = 'Let an administrator run "{all}" and migrate again.';
END
$$
"""

# To whom these do not belong they stay as they are, with a warning: that is the administrator's business then.
EVERYBODY = """
DO $$
DECLARE
    database text := quote_ident(current_database());
BEGIN
    EXECUTE 'REVOKE TEMPORARY ON DATABASE ' || database || ' FROM PUBLIC';
    EXECUTE 'GRANT TEMPORARY ON DATABASE ' || database || ' TO mmetering_ingest';
END
$$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO mmetering_ingest, mmetering_web, mmetering_reader;
GRANT SELECT ON alembic_version TO mmetering_ingest, mmetering_web, mmetering_reader;
"""

INGEST = """
GRANT SELECT, INSERT, UPDATE (model, serial, last_seen) ON meter TO mmetering_ingest;
GRANT SELECT, INSERT ON reading TO mmetering_ingest;
GRANT SELECT, INSERT, UPDATE ON gateway, gateway_record, quarter_hour, quarter_hour_quality TO mmetering_ingest;
GRANT SELECT, INSERT, UPDATE (seqs), DELETE ON rejected TO mmetering_ingest;
GRANT SELECT, INSERT, DELETE ON dirty_quarter_hour TO mmetering_ingest;
GRANT EXECUTE ON FUNCTION drop_old_readings TO mmetering_ingest;
"""

WEB = """
GRANT SELECT ON ALL TABLES IN SCHEMA public TO mmetering_web;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO mmetering_web;
GRANT INSERT, UPDATE, DELETE ON person, point, installation TO mmetering_web;
"""

READER = """
GRANT SELECT ON
    meter, point, installation, site, retention, gateway, gateway_record, spool_account,
    reading_in_units, quarter_hour, quarter_hour_quality, quarter_hour_energy,
    meter_power, meter_phases, meter_energy, meter_span,
    point_energy, installation_span, building_energy,
    local_day, local_month, local_year, day_energy, month_energy, year_energy,
    point_day_energy, point_month_energy, point_year_energy
TO mmetering_reader;
"""


def upgrade() -> None:
    """Make the roles that the server lacks, and give them their rights."""
    connection = op.get_bind()
    everything = " ".join(f"CREATE ROLE {role} NOLOGIN;" for role in ROLES)
    for role in ROLES:
        connection.exec_driver_sql(ROLE.format(role=role, all=everything))
    for statements in (EVERYBODY, INGEST, WEB, READER):
        connection.exec_driver_sql(statements)
