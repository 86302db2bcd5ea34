"""Where the sun stands and what a tilted roof gets of it under a clear sky.

Sources: NOAA Global Monitoring Laboratory, "General Solar Position Calculations" (here right
within half a degree); Kasten and Young 1989 for the air mass; Meinel 1976 for the direct beam.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from mmetering_simulator.chance import Numbers

DIFFUSE = 0.11  # share of the direct beam that comes from the rest of a clear sky


@dataclass(frozen=True, slots=True)
class Sun:
    """The sun at several times: elevation above the horizon, azimuth from north over east, both in radians."""

    elevation: Numbers
    azimuth: Numbers


def sun(times: Numbers, latitude: float, longitude: float) -> Sun:
    """Return where the sun stands.

    Args:
        times: POSIX times in s, all of one UTC year.
        latitude: degrees north.
        longitude: degrees east.
    """
    year = datetime.fromtimestamp(float(times[0]), UTC).replace(month=1, day=1, hour=0, minute=0, second=0)
    hours = (times - year.timestamp()) / 3600
    gamma = 2 * np.pi / 365.25 * (hours - 12) / 24  # fractional year
    equation = 229.18 * (
        0.000075
        + 0.001868 * np.cos(gamma)
        - 0.032077 * np.sin(gamma)
        - 0.014615 * np.cos(2 * gamma)
        - 0.040849 * np.sin(2 * gamma)
    )  # of time, in minutes
    declination = (
        0.006918
        - 0.399912 * np.cos(gamma)
        + 0.070257 * np.sin(gamma)
        - 0.006758 * np.cos(2 * gamma)
        + 0.000907 * np.sin(2 * gamma)
        - 0.002697 * np.cos(3 * gamma)
        + 0.00148 * np.sin(3 * gamma)
    )
    solar_minutes = hours % 24 * 60 + equation + 4 * longitude
    angle = np.radians(solar_minutes / 4 - 180)  # 0 at solar noon
    north = np.radians(latitude)
    elevation = np.arcsin(np.sin(north) * np.sin(declination) + np.cos(north) * np.cos(declination) * np.cos(angle))
    azimuth = np.pi + np.arctan2(np.sin(angle), np.cos(angle) * np.sin(north) - np.tan(declination) * np.cos(north))
    return Sun(elevation, azimuth)


def clear_sky(position: Sun, slope: float, direction: float) -> Numbers:
    """Return the irradiance on a tilted plane under a clear sky, in W/m², 0 while the sun is down.

    Args:
        position: where the sun stands.
        slope: of the plane, degrees from the horizontal.
        direction: that it looks to, degrees from north over east.
    """
    up = np.maximum(position.elevation, 0)
    air_mass = 1 / (np.sin(up) + 0.50572 * (np.degrees(up) + 6.07995) ** -1.6364)
    beam = 1353 * 0.7 ** (air_mass**0.678)
    tilt = np.radians(slope)
    incidence = np.sin(up) * np.cos(tilt) + np.cos(up) * np.sin(tilt) * np.cos(position.azimuth - np.radians(direction))
    irradiance = beam * (np.maximum(incidence, 0) + DIFFUSE * (1 + np.cos(tilt)) / 2)
    return np.where(position.elevation > 0, irradiance, 0.0)
