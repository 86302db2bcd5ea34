"""How numbers and times are written on the pages."""

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import Flask

KILO_UNITS = {"Wh": "kWh", "varh": "kvarh", "VAh": "kVAh", "mAh": "Ah"}


def init_app(app: Flask, zone: ZoneInfo) -> None:
    """Give the filters to the templates."""
    app.add_template_filter(kwh)
    app.add_template_filter(shown_unit)
    app.add_template_filter(lambda instant: local(instant, zone), "local")


def kwh(energy: int | None) -> str:
    """Return Wh as kWh, to the Wh."""
    return "\N{EN DASH}" if energy is None else f"{energy / 1000:,.3f}"


def shown_unit(unit: str) -> str:
    """Return the unit in which a quantity is shown: counters by the thousand."""
    return KILO_UNITS.get(unit, unit)


def local(instant: datetime, zone: ZoneInfo) -> str:
    """Return an instant as the site's time, with its offset, so that October's double hour is told apart."""
    at = instant.astimezone(zone)
    return f"{at.day} {at:%b %Y, %H:%M} (UTC{at:%z})".replace("00)", ")").replace("(UTC+0)", "(UTC)")
