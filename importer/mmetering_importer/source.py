"""Where the old rows come from: a dump or a live database. Both give the same text for the same value."""

from collections.abc import Iterator
from typing import Protocol

from mmetering_importer.statement import Row

READINGS = "mmetering_meterdata"
FLATS, METERS, ACTIVITIES = "mmetering_flat", "mmetering_meter", "mmetering_activities"
USERS, GROUPS, PERMISSIONS = "auth_user", "auth_group", "auth_permission"
USER_GROUPS, GROUP_PERMISSIONS, USER_PERMISSIONS = (
    "auth_user_groups",
    "auth_group_permissions",
    "auth_user_user_permissions",
)
SMALL = (
    FLATS,
    METERS,
    ACTIVITIES,
    USERS,
    GROUPS,
    PERMISSIONS,
    USER_GROUPS,
    GROUP_PERMISSIONS,
    USER_PERMISSIONS,
)


class SourceError(Exception):
    """Say what is wrong with the old data, or why it cannot be reached."""


class Source(Protocol):
    """The old tables."""

    @property
    def share(self) -> float:
        """How much of the readings has been given, 0 to 1."""

    def table(self, name: str) -> list[Row]:
        """Return the rows of a small table; none where it does not exist."""

    def readings(self) -> Iterator[Row]:
        """Yield the rows of `mmetering_meterdata` in the order of their ids.

        Raises:
            SourceError: they cannot be read, or are not in order.
        """
