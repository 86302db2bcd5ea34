"""A plant to start with, as TOML text: a bus, and the meters that were found on it. Pure."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from mmetering_gateway.cli.bus import Place
from mmetering_gateway.commands.scan import Found
from mmetering_gateway.plant.plant import Bus, Meter

HEADER = """\
# The plant: which buses there are and which meters hang on them.
# A slug means one physical meter for ever: name each as you like before its first reading. A label may change.
"""
NO_MODEL = "\n# No model that we know fits this one; `read METER --register 0` shows what it has."


def start_text(place: Place, found: Sequence[Found]) -> str:
    """Return a plant of what was found; who answers at another speed than the bus's stands there as a comment."""
    slugs = Counter(_slug(meter) for meter in found)
    tables = (_found_table(place, meter, twice=slugs[_slug(meter)] > 1) for meter in found)
    return HEADER + bus_table(place.bus) + "".join(tables)


def slug_of(model: str, serial: str | None, address: int) -> str:
    """Return a proposal such as `sdm630-12345678`; without a serial number the address is in its place."""
    return f"{model or 'meter'}-{serial or f'at-{address}'}"


def bus_table(bus: Bus) -> str:
    """Return the table of a bus, without what is as it always is."""
    told = {
        field.name: getattr(bus, field.name)
        for field in msgspec.structs.fields(bus)
        if field.default is msgspec.NODEFAULT or field.default != getattr(bus, field.name)
    }
    return _table("bus", {"name": told.pop("name"), "type": bus.__struct_config__.tag, **told})


def meter_table(meter: Meter) -> str:
    """Return the table of a meter."""
    return _table("meter", {name: getattr(meter, name) for name in ("slug", "bus", "address", "model", "label")})


def _slug(found: Found) -> str:
    return found.slug or slug_of(found.model, found.serial, found.address)


def _found_table(place: Place, found: Found, *, twice: bool) -> str:
    known = next((meter for meter in place.meters if meter.slug == found.slug), None)
    model = found.model or next(iter(place.models))
    slug = _slug(found) + (f"-at-{found.address}" if twice else "")
    table = meter_table(known or Meter(slug, place.bus.name, found.address, model))
    speed = {name: getattr(found, name) for name in ("baud", "parity", "stop_bits") if getattr(found, name)}
    if any(getattr(place.bus, name, told) != told for name, told in speed.items()):
        return f"\n# At {found.baud} 8{found.parity}{found.stop_bits}:{table}".replace("\n", "\n# ").removesuffix("# ")
    return table if found.model else NO_MODEL + table


def _table(name: str, values: Mapping[str, object]) -> str:
    lines = [f"{key} = {_value(value)}\n" for key, value in values.items() if value not in ("", None, {})]
    return f"\n[[{name}]]\n{''.join(lines)}"


def _value(value: object) -> str:
    """Return a value in TOML: strings are as in JSON there (TOML 1.0, Basic strings)."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(one)}" for key, one in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
