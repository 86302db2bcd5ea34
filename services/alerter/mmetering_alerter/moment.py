"""The present, on two clocks. Pure."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Moment:
    """Now, on two clocks: `steady` seconds measure how long something lasts, `utc` is for people."""

    steady: float
    utc: datetime
