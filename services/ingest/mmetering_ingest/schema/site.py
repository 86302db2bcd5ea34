"""The site's time zone: its midnights begin the days of the views, as the same setting makes them the web's."""

from zoneinfo import ZoneInfo

import psycopg
from mmetering_runtime.config import Environment

VARIABLE = "MMETERING_TIME_ZONE"
SET = "UPDATE site SET time_zone = %(zone)s WHERE time_zone <> %(zone)s"


def time_zone_from(environment: Environment) -> ZoneInfo | None:
    """Return MMETERING_TIME_ZONE, None where it is not given.

    Raises:
        ConfigError: it is no time zone.
    """
    return environment.time_zone(VARIABLE, "") if environment.variables.get(VARIABLE) else None


def set_time_zone(conninfo: str, zone: ZoneInfo | None) -> None:
    """Let the days of the views be those of this time zone; None leaves them as they are.

    Raises:
        psycopg.Error: the database cannot be reached, or does not know the time zone; then nothing has changed.
    """
    if zone:
        with psycopg.connect(conninfo, autocommit=True, prepare_threshold=None) as connection:
            connection.execute(SET, {"zone": zone.key})
