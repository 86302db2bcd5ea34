"""What there is besides the readings, as one document: flats, meters with their spans, people, activities. Pure.

Password hashes are Django's, as they stand. Roles are guessed from what people were permitted; look at them.
"""

import msgspec

from mmetering_importer.inventory import Flat
from mmetering_importer.mapping import Known
from mmetering_importer.source import (
    ACTIVITIES,
    GROUP_PERMISSIONS,
    GROUPS,
    PERMISSIONS,
    USER_GROUPS,
    USER_PERMISSIONS,
    USERS,
    Source,
)
from mmetering_importer.statement import Row

CHANGES = ("add_", "change_", "delete_")
TABLES = ("flat", "meter")


class Meter(msgspec.Struct, frozen=True):
    """A meter on a flat; `since` and `until` are local times as people entered them."""

    id: int
    flat_id: int
    slug: str
    model: str
    serial: str | None
    address: int | None
    active: bool
    since: str | None
    until: str | None


class Person(msgspec.Struct, frozen=True):
    """Somebody who could log in.

    Attributes:
        password: `pbkdf2_sha256$…` as Django keeps it.
        role: proposed: administrator, provider or viewer.
        groups: what the old groups were called.
    """

    username: str
    email: str
    name: str
    password: str
    active: bool
    role: str
    groups: tuple[str, ...]


class Plan(msgspec.Struct, frozen=True):
    """Everything but the readings."""

    time_zone: str
    flats: tuple[Flat, ...]
    meters: tuple[Meter, ...]
    people: tuple[Person, ...]
    activities: tuple[Row, ...]


def plan_of(source: Source, flats: list[Flat], known: dict[int, Known], time_zone: str) -> Plan:
    """Return the plan; flats keep their old ids, which the monthly sheets carry."""
    return Plan(
        time_zone=time_zone,
        flats=tuple(flats),
        meters=tuple(_meter(one) for one in known.values()),
        people=_people(source),
        activities=tuple(source.table(ACTIVITIES)),
    )


def _meter(known: Known) -> Meter:
    old = known.meter
    return Meter(
        id=old.id,
        flat_id=old.flat.id,
        slug=known.slug,
        model=known.device.model,
        serial=old.serial,
        address=old.address,
        active=old.active,
        since=old.since,
        until=old.until,
    )


def _people(source: Source) -> tuple[Person, ...]:
    groups = {row["id"]: row["name"] or "" for row in source.table(GROUPS)}
    codes = {row["id"]: row["codename"] or "" for row in source.table(PERMISSIONS)}
    member, given, granted = (source.table(name) for name in (USER_GROUPS, USER_PERMISSIONS, GROUP_PERMISSIONS))
    people = []
    for user in source.table(USERS):
        ids = [row["group_id"] for row in member if row["user_id"] == user["id"]]
        permitted = {codes.get(row["permission_id"], "") for row in granted if row["group_id"] in ids}
        permitted |= {codes.get(row["permission_id"], "") for row in given if row["user_id"] == user["id"]}
        people.append(_person(user, permitted, tuple(groups.get(group, "") for group in ids)))
    return tuple(people)


def _person(user: Row, permitted: set[str], groups: tuple[str, ...]) -> Person:
    return Person(
        username=user.get("username") or "",
        email=user.get("email") or "",
        name=f"{user.get('first_name') or ''} {user.get('last_name') or ''}".strip(),
        password=user.get("password") or "",
        active=user.get("is_active") != "0",
        role=_role(user, permitted),
        groups=groups,
    )


def _role(user: Row, permitted: set[str]) -> str:
    if user.get("is_superuser") == "1":
        return "administrator"
    changes = any(code.startswith(CHANGES) and code.split("_", 1)[1] in TABLES for code in permitted)
    return "provider" if changes else "viewer"
