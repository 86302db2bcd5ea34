"""The standard load profiles of the German energy industry (BDEW, 2025), from demandlib.

H25 (households, dynamised) and G25 (trade) followed H0 and G0; demandlib 0.2.2 also has those, but its
table of them breaks on pandas 3. A profile goes by local time: days of a clock change come out right.
"""

import warnings
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal

import numpy as np

from mmetering_simulator.chance import Numbers

QUARTERS = 96  # quarter hours of a day
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def profile(name: Literal["H25", "G25"], zone: str, day: int) -> Numbers:
    """Return the mean power, in W for each kWh used in a year, in the quarter hours of a UTC day.

    Args:
        name: H25 for households, G25 for trade.
        zone: IANA time zone by whose clocks people live.
        day: days since 1970-01-01.
    """
    date = EPOCH + timedelta(days=day)
    return _year(name, zone, date.year)[date.timetuple().tm_yday - 1]


@lru_cache
def _year(name: Literal["H25", "G25"], zone: str, year: int) -> list[Numbers]:
    import pandas as pd  # noqa: PLC0415 - half a second, which commands that need no load do not wait for
    from demandlib import bdew  # noqa: PLC0415 - likewise

    index = pd.date_range(f"{year}-01-01", f"{year + 1}-01-01", freq="15min", inclusive="left", tz="UTC")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # demandlib 0.2.2 uses arguments of pandas that will end with pandas 4
        shape = {"H25": bdew.H25, "G25": bdew.G25}[name](index.tz_convert(zone))
    per_kwh = np.asarray(shape, dtype=np.float64) * 1e-3  # demandlib: kW for a yearly GWh
    return list(per_kwh.reshape(-1, QUARTERS))
