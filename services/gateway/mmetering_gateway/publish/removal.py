"""Which meters have left the plant, though the broker still holds what this gateway once said of them. Pure.

A slug that is not in the plant is such a meter, with one exception: a meter that has taken another's place is
published as `{model}-{serial}`, and nobody has to write that into the plant.
"""

from collections.abc import Mapping

from mmetering_contract.record import Device
from mmetering_contract.state import MeterInfo

from mmetering_gateway.plant.plant import Plant


def has_left(slug: str, info: MeterInfo, plant: Plant, devices: Mapping[str, Device]) -> bool:
    """Return whether a meter's topics are to be cleared.

    Args:
        slug: the meter's.
        info: what the broker holds of it.
        plant: the meters that there are.
        devices: what is known to hang under each slug.
    """
    if slug in {meter.slug for meter in plant.meter}:
        return False
    return slug != f"{info.model}-{info.serial}" or not _replaces(info, plant, devices)


def _replaces(info: MeterInfo, plant: Plant, devices: Mapping[str, Device]) -> bool:
    """Return whether at this place the plant has a meter of which another serial number is known."""
    here = (meter.slug for meter in plant.meter if (meter.bus, meter.address) == (info.bus, info.address))
    known = (devices[slug].serial for slug in here if slug in devices)
    return any(serial and serial != info.serial for serial in known)
