"""What Home Assistant accepts when an MQTT device with sensors is discovered, as data and in our words.

Recorded from Home Assistant 2026.2.3, whose package needs a newer Python than ours: components/mqtt/discovery.py
(topic), mqtt/schemas.py (device, origin, availability, components), mqtt/sensor.py (sensor), components/sensor/const.py
(classes), const.py (units). Stricter than that: keys must be written in full, and a unit that has a class must name it.
"""

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import TypeAlias

Json: TypeAlias = Mapping[str, object]

# discovery.py, TOPIC_MATCHER: component, node id (may be absent), object id.
TOPIC = re.compile(r"homeassistant/device/([a-zA-Z0-9_-]+/)?[a-zA-Z0-9_-]+/config")
SUBSCRIPTIONS = ("homeassistant/+/+/config", "homeassistant/+/+/+/config")

# Key to type, and which are required.
Keys: TypeAlias = Mapping[str, type | tuple[type, ...]]
AVAILABILITY_KEYS: Keys = {"availability": list, "availability_mode": str}
ROOT: Keys = {
    "device": dict,
    "origin": dict,
    "components": dict,
    "state_topic": str,
    "command_topic": str,
    "qos": int,
    "encoding": str,
    **AVAILABILITY_KEYS,
}
DEVICE: Keys = {
    "identifiers": (str, list),
    "connections": list,
    "manufacturer": str,
    "model": str,
    "model_id": str,
    "name": str,
    "hw_version": str,
    "serial_number": str,
    "sw_version": str,
    "via_device": str,
    "suggested_area": str,
    "configuration_url": str,
}
ORIGIN: Keys = {"name": str, "sw_version": str, "support_url": str}
AVAILABILITY: Keys = {"topic": str, "payload_available": str, "payload_not_available": str, "value_template": str}
SENSOR: Keys = {
    "platform": str,
    "unique_id": str,
    "name": str,
    "state_topic": str,
    "value_template": str,
    "device_class": str,
    "state_class": str,
    "unit_of_measurement": str,
    "suggested_display_precision": int,
    "expire_after": int,
    "force_update": bool,
    "enabled_by_default": bool,
    "entity_category": str,
    "entity_picture": str,
    "icon": str,
    "json_attributes_topic": str,
    "json_attributes_template": str,
    "default_entity_id": str,
    "qos": int,
    "encoding": str,
    **AVAILABILITY_KEYS,
}

# Of the classes, those that an electricity meter can have: their units, and the state classes that go with them.
MEASUREMENT = {"measurement"}
ANGLE = {"measurement_angle"}  # without a class; its unit is the degree
TOTALS = {"total", "total_increasing"}
CLASSES: Mapping[str, tuple[set[str | None], set[str]]] = {
    "apparent_power": ({"mVA", "VA", "kVA"}, MEASUREMENT),
    "current": ({"A", "mA"}, MEASUREMENT),
    "energy": ({"mWh", "Wh", "kWh", "MWh", "GWh", "TWh"}, TOTALS),
    "frequency": ({"Hz", "kHz", "MHz", "GHz"}, MEASUREMENT),
    "power": ({"mW", "W", "kW", "MW", "GW", "TW"}, MEASUREMENT),
    "power_factor": ({"%", None}, MEASUREMENT),
    "reactive_energy": ({"varh", "kvarh"}, TOTALS),
    "reactive_power": ({"mvar", "var", "kvar"}, MEASUREMENT),
    "voltage": ({"μV", "mV", "V", "kV", "MV"}, MEASUREMENT),
}
CLASSED = {unit for units, _ in CLASSES.values() for unit in units} - {"%", None}


def problems(topic: str, payload: Json) -> list[str]:
    """Return what Home Assistant would refuse of a discovery, or show worse than it could; nothing if all is right."""
    return list(_problems(topic, payload))


def _problems(topic: str, payload: Json) -> Iterator[str]:
    if not TOPIC.fullmatch(topic):
        yield f"topic {topic}"
    yield from _keys("payload", payload, ROOT, required={"device", "origin", "components"})
    device, components = _mapping(payload, "device"), _mapping(payload, "components")
    yield from _keys("device", device, DEVICE)
    if not device.get("identifiers") and not device.get("connections"):
        yield "device has no identifier"
    yield from _keys("origin", _mapping(payload, "origin"), ORIGIN, required={"name"})
    yield from _availability(payload)
    for name in components:
        yield from _sensor(name, _mapping(components, name))
    unique = [_mapping(components, name).get("unique_id") for name in components]
    if not components or len(set(unique)) < len(unique):
        yield f"components are none or not unique: {unique}"


def _mapping(payload: Json, key: str) -> Json:
    value = payload.get(key)
    return value if isinstance(value, dict) else {}


def _keys(where: str, found: Json, known: Keys, required: AbstractSet[str] = frozenset()) -> Iterator[str]:
    for key in required - found.keys():
        yield f"{where} lacks {key}"
    for key, value in found.items():
        if key not in known:
            yield f"{where} has {key}"
        elif not isinstance(value, known[key]) or (known[key] is int and type(value) is bool):
            yield f"{where}.{key} is {value!r}"


def _availability(payload: Json) -> Iterator[str]:
    if payload.get("availability_mode", "latest") not in {"all", "any", "latest"}:
        yield f"availability_mode {payload['availability_mode']}"
    entries = payload.get("availability")
    for entry in entries if isinstance(entries, list) else ():
        yield from _keys("availability", entry, AVAILABILITY, required={"topic"})


def _sensor(where: str, sensor: Json) -> Iterator[str]:
    yield from _keys(where, sensor, SENSOR, required={"platform", "unique_id", "state_topic"})
    if sensor.get("platform") != "sensor":
        yield f"{where} is no sensor"
    if sensor.get("entity_category", "diagnostic") != "diagnostic":
        yield f"{where}: a sensor sets nothing"
    if any(wildcard in str(sensor.get("state_topic")) for wildcard in "+#"):
        yield f"{where}: wildcard in a state topic"
    for key in ("expire_after", "suggested_display_precision"):
        value = sensor.get(key, 0)
        if isinstance(value, int) and value < 0:
            yield f"{where}.{key} is negative"
    yield from _class(where, sensor)


def _class(where: str, sensor: Json) -> Iterator[str]:
    name, unit, state = (sensor.get(key) for key in ("device_class", "unit_of_measurement", "state_class"))
    if state not in MEASUREMENT | ANGLE | TOTALS:
        yield f"{where}: state class {state}"
    if (state in ANGLE) != (unit == "°"):
        yield f"{where}: {state} of {unit}"
    if name is None and unit in CLASSED:
        yield f"{where}: {unit} without its class"
    if name is None:
        return
    if str(name) not in CLASSES:
        yield f"{where}: device class {name}"
        return
    units, states = CLASSES[str(name)]
    if unit not in units:
        yield f"{where}: {unit} is no unit of {name}"
    if state not in states:
        yield f"{where}: {name} cannot be {state}"
