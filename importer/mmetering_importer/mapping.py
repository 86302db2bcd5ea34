"""How old meters are called from now on: as `scan` calls them, or as a TOML file says. Pure.

The name is made from the serial number alone, so that nothing that people rename makes another meter of it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import msgspec
from mmetering_contract.payload import Slug, Text
from mmetering_contract.record import Device

from mmetering_importer.inventory import OldMeter

MODEL = "sdm630"


class MappingError(Exception):
    """Say what is wrong with the mapping."""


class Entry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person says of one old meter."""

    id: int
    slug: Slug | None = None
    model: Text | None = None
    skip: bool = False


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    meter: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """An old meter, and what it is from now on."""

    meter: OldMeter
    slug: str
    device: Device


def entries_of(text: str) -> tuple[Entry, ...]:
    """Return what a mapping file says.

    Raises:
        MappingError: it says something else.
    """
    try:
        return msgspec.toml.decode(text, type=_File).meter
    except msgspec.DecodeError as error:
        raise MappingError(str(error)) from None


def known_of(meters: Sequence[OldMeter], entries: Iterable[Entry] = ()) -> dict[int, Known]:
    """Return all meters to import by their old ids.

    Raises:
        MappingError: an entry is about no meter, or two meters that were there at one time would have one name.
    """
    told = {entry.id: entry for entry in entries}
    if strangers := told.keys() - {meter.id for meter in meters}:
        raise MappingError(f"the old system has no meter {min(strangers)}")
    known: dict[int, Known] = {}
    for meter in meters:
        entry = told.get(meter.id, Entry(meter.id))
        if not entry.skip:
            known[meter.id] = _known(meter, entry, known)
    return known


def _known(meter: OldMeter, entry: Entry, others: Mapping[int, Known]) -> Known:
    model = entry.model or MODEL
    slug = entry.slug or _proposal(meter, model)
    if any(other.slug == slug and other.meter.overlaps(meter) for other in others.values()):
        if entry.slug:
            raise MappingError(f"meter {meter.id} cannot be {slug}, as another one at the same time is")
        slug = f"{slug[:50]}-id-{meter.id}"
    return Known(meter, slug, Device(model, meter.serial))


def _proposal(meter: OldMeter, model: str) -> str:
    serial = re.sub(r"[^a-z0-9]+", "-", (meter.serial or "").lower()).strip("-")
    return f"{model}-{serial}"[:64] if serial else f"{model}-id-{meter.id}"
