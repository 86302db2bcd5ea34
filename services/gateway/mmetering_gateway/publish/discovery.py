"""A meter as Home Assistant discovers it: one device with a sensor for each quantity that is read. Pure.

Device discovery came with Home Assistant 2024.11, the class `reactive_energy` with 2025.6. Source: its 2026.2.3,
components/mqtt/{discovery,schemas,sensor}.py and components/sensor/const.py.
"""

import re

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
    enabled_by_default: bool = True


class Discovery(msgspec.Struct, frozen=True):
    """All of one meter. It is available while every topic of `availability` says so: its gateway's and its own."""

    device: Device
    origin: Origin
    availability: tuple[Availability, ...]
    availability_mode: str
    components: dict[str, Sensor]


class _Look(msgspec.Struct, frozen=True):
    """How Home Assistant shows a unit of ours: its own unit, class and decimals, and how many of ours make one."""

    unit: str | None
    device_class: str | None
    decimals: int
    ours: int = 1


_LOOKS = {
    "V": _Look("V", "voltage", 1),
    "A": _Look("A", "current", 2),
    "W": _Look("W", "power", 0),
    "VA": _Look("VA", "apparent_power", 0),
    "var": _Look("var", "reactive_power", 0),
    "Hz": _Look("Hz", "frequency", 2),
    "": _Look(None, "power_factor", 2),
    "°": _Look("°", None, 1),
    "%": _Look("%", None, 1),
    "Wh": _Look("kWh", "energy", 2, 1000),
    "varh": _Look("kvarh", "reactive_energy", 2, 1000),
    "VAh": _Look("kVAh", None, 2, 1000),  # there is no class for apparent energy, nor for charge
    "mAh": _Look("Ah", None, 2, 1000),
}
_STATE_CLASSES = {Kind.COUNTER: "total_increasing", Kind.BALANCE: "total", Kind.GAUGE: "measurement"}


def config_topic(gateway: str, meter: str) -> str:
    """Return the retained topic of a meter's discovery; an empty payload there takes the meter back.

    The gateway stands in the place of Home Assistant's `node_id`, where the broker's ACL can bind it to the login.
    """
    return f"{PREFIX}/device/{check_slug(gateway)}/{check_slug(meter)}/config"


def discovery_of(site: Site, gateway: str, meter: str, info: MeterInfo) -> Discovery:
    """Return what Home Assistant needs to know of a meter.

    Args:
        site: the site; a slug is a meter's for ever there, also behind another gateway.
        gateway: slug of its gateway.
        meter: its slug.
        info: what it is, the quantities that it has, and how often its scan groups are read; others are not read.
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
                quantity, identifier, site.live(gateway, meter, quantity.group), info.intervals[quantity.group]
            )
            for quantity in quantities
            if quantity.group in info.intervals
        },
    )


def _sensor(quantity: Quantity, device: str, topic: str, interval_s: int) -> Sensor:
    look = _LOOKS[quantity.unit]
    return Sensor(
        unique_id=f"{device}_{quantity.name}",
        name=_words(quantity.name),
        state_topic=topic,
        value_template=_template(quantity.name, look.ours),
        state_class="measurement_angle" if look.unit == "°" else _STATE_CLASSES[quantity.kind],
        expire_after=max(LEAST_EXPIRY_S, READS_MISSED * interval_s),
        device_class=look.device_class,
        unit_of_measurement=look.unit,
        suggested_display_precision=look.decimals,
        enabled_by_default=_is_for_everybody(quantity),
    )


def _is_for_everybody(quantity: Quantity) -> bool:
    """Return whether people see a quantity who have not asked for it; the others wait, switched off, for experts."""
    of_a_phase = quantity.name.endswith(("_l1", "_l2", "_l3"))
    if quantity.group is Group.ENERGY:
        return not (of_a_phase and (quantity.unit == "varh" or quantity.kind is Kind.BALANCE))
    return quantity.group is Group.LIVE


def _template(name: str, divisor: int) -> str:
    """Return the Jinja template of a value; `None`, which is shown as unknown, where a reading lacks it.

    `value_json.values` would be the dictionary's method of that name.
    """
    value = f"value_json['values']['{name}']"
    if divisor == 1:
        return f"{{{{ {value} | default(none) }}}}"
    return f"{{{{ {value} / {divisor} if {value} is defined else none }}}}"


def _words(name: str) -> str:
    """Return `Energy import L1` for `energy_import_l1`, and `Voltage L1-L2` for `voltage_l1_l2`."""
    first, *rest = name.split("_")
    words = (word.upper() if re.fullmatch(r"l[123]|thd", word) else word for word in rest)
    return re.sub(r"\b(L[123]) (L[123])", r"\1-\2", " ".join([first.capitalize(), *words]))
