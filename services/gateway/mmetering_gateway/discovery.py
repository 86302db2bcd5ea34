"""A meter as Home Assistant discovers it: one device with a sensor for each quantity that is read. Pure.

Device discovery came with Home Assistant 2024.11, the class `reactive_energy` with 2025.6. Source: its 2026.2.3,
components/mqtt/{discovery,schemas,sensor}.py and components/sensor/const.py.
"""

from collections.abc import Mapping

import msgspec
from mmetering_contract.quantity import BY_NAME, Group, Kind, Quantity
from mmetering_contract.state import OFFLINE, ONLINE, MeterInfo
from mmetering_contract.topic import Site, check_slug

PREFIX = "homeassistant"  # its own default
BIRTH_TOPIC = f"{PREFIX}/status"  # says `online` when Home Assistant has started

# A value that did not come for so long is shown as unavailable: three reads of its group, and a minute at least.
READS_MISSED = 3
LEAST_EXPIRY_S = 60


class Device(msgspec.Struct, frozen=True, omit_defaults=True):
    """The physical meter."""

    identifiers: str
    name: str
    model: str
    serial_number: str | None = None
    sw_version: str | None = None


class Origin(msgspec.Struct, frozen=True):
    """Who tells of it."""

    name: str


class Availability(msgspec.Struct, frozen=True):
    """A topic that tells whether a device is there, and its two words."""

    topic: str
    payload_available: str = ONLINE.decode()
    payload_not_available: str = OFFLINE.decode()


class Sensor(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, tag_field="platform", tag="sensor"):
    """One quantity."""

    unique_id: str
    name: str
    state_topic: str
    value_template: str
    state_class: str
    expire_after: int  # seconds
    device_class: str | None = None
    unit_of_measurement: str | None = None
    suggested_display_precision: int | None = None


class Discovery(msgspec.Struct, frozen=True):
    """All of one meter. It is available while every topic of `availability` says so: its gateway's and its own."""

    device: Device
    origin: Origin
    availability: tuple[Availability, ...]
    availability_mode: str
    components: dict[str, Sensor]


class _Look(msgspec.Struct, frozen=True):
    """How Home Assistant shows a unit of ours: its own unit, class and decimals."""

    unit: str
    device_class: str | None
    decimals: int


_LOOKS = {
    "V": _Look("V", "voltage", 1),
    "A": _Look("A", "current", 2),
    "W": _Look("W", "power", 0),
    "Hz": _Look("Hz", "frequency", 2),
    "Wh": _Look("kWh", "energy", 2),
    "varh": _Look("kvarh", "reactive_energy", 2),
    "VAh": _Look("kVAh", None, 2),  # there is no class for apparent energy
}


def config_topic(gateway: str, meter: str) -> str:
    """Return the retained topic of a meter's discovery; an empty payload there takes the meter back.

    The gateway stands in the place of Home Assistant's `node_id`, where the broker's ACL can bind it to the login.
    """
    return f"{PREFIX}/device/{check_slug(gateway)}/{check_slug(meter)}/config"


def discovery_of(site: Site, gateway: str, meter: str, info: MeterInfo, intervals: Mapping[Group, int]) -> Discovery:
    """Return what Home Assistant needs to know of a meter.

    Args:
        site: the site; a slug is a meter's for ever there, also behind another gateway.
        gateway: slug of its gateway.
        meter: its slug.
        info: what it is, and the quantities that it has.
        intervals: seconds between two reads of each scan group; other groups are not read.
    """
    identifier = f"mmetering_{site.slug}_{meter}"
    quantities = [BY_NAME[name] for name in info.units if name in BY_NAME]
    return Discovery(
        device=Device(identifier, info.label or meter, info.model, info.serial, info.firmware),
        origin=Origin("mmetering"),
        availability=(
            Availability(site.gateway_status(gateway)),
            Availability(site.meter_status(gateway, meter)),
        ),
        availability_mode="all",
        components={
            quantity.name: _sensor(
                quantity, identifier, site.live(gateway, meter, quantity.group), intervals[quantity.group]
            )
            for quantity in quantities
            if quantity.group in intervals
        },
    )


def _sensor(quantity: Quantity, device: str, topic: str, interval_s: int) -> Sensor:
    look = _LOOKS.get(quantity.unit)
    unit = look.unit if look else quantity.unit
    return Sensor(
        unique_id=f"{device}_{quantity.name}",
        name=_words(quantity.name),
        state_topic=topic,
        value_template=_template(quantity.name, kilo=unit == f"k{quantity.unit}"),
        state_class="total_increasing" if quantity.kind is Kind.COUNTER else "measurement",
        expire_after=max(LEAST_EXPIRY_S, READS_MISSED * interval_s),
        device_class=look.device_class if look else None,
        unit_of_measurement=unit or None,
        suggested_display_precision=look.decimals if look else None,
    )


def _template(name: str, *, kilo: bool) -> str:
    """Return the Jinja template of a value; `None`, which is shown as unknown, where a reading lacks it.

    `value_json.values` would be the dictionary's method of that name.
    """
    value = f"value_json['values']['{name}']"
    return f"{{{{ {value} / 1000 if {value} is defined else none }}}}" if kilo else f"{{{{ {value} | default(none) }}}}"


def _words(name: str) -> str:
    """Return `Energy import L1` for `energy_import_l1`."""
    first, *rest = name.split("_")
    return " ".join([first.capitalize(), *(word.upper() if word in ("l1", "l2", "l3") else word for word in rest)])
