"""Anomalies: what cannot be right, with its evidence. A person says what it was, and may take that back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from mmetering_accounting.flag import Flag
from mmetering_accounting.installation import Installation
from mmetering_accounting.profile import Profile
from mmetering_accounting.quarter import QUARTER_MS, ms_of
from mmetering_accounting.reconciliation import Reconciliation
from mmetering_accounting.trust import Trusted


class Kind(StrEnum):
    """What kind of thing it is."""

    FALL = "fall"  # a counter fell and stayed low
    LEAP = "leap"  # a counter grew by more than the meter can carry, and stayed there
    REJECTED = "rejected"  # samples that were off, each for itself
    SILENCE = "silence"  # nothing measured for long
    BALANCE = "balance"  # the points of the building do not add up to what goes in
    CALIBRATION = "calibration"  # expired, or about to


@dataclass(frozen=True, slots=True)
class Anomaly:
    """Something that cannot be right.

    Attributes:
        kind: what kind of thing it is.
        subject: the meter or point.
        begin: the instant it was seen first, in ms; with kind and subject its identity.
        evidence: figures by name, units in the names.
        resolved: whether a person has said what it was.
    """

    kind: Kind
    subject: str
    begin: int
    evidence: Mapping[str, int] = field(default_factory=dict)
    resolved: bool = False


SILENT = 96  # quarter hours without a measured one, after which somebody should look
KNOWN = (Flag.MEASURED, Flag.CORRECTED)


def of_counter(meter: str, trusted: Trusted) -> list[Anomaly]:
    """Return what is wrong with the samples of a meter."""
    found = [
        Anomaly(
            Kind.FALL if one.falls else Kind.LEAP,
            meter,
            one.first.ms,
            {"last_ms": one.last.ms, "last_wh": one.last.wh, "first_ms": one.first.ms, "first_wh": one.first.wh},
            resolved=one.resolution is not None,
        )
        for one in trusted.breaks
    ]
    if trusted.rejected:
        begin = min(sample.ms for sample in trusted.rejected)
        found.append(Anomaly(Kind.REJECTED, meter, begin, {"samples": len(trusted.rejected)}, resolved=True))
    return found


def silences(point: str, profile: Profile) -> list[Anomaly]:
    """Return the times of a day or more in which nothing of a point was measured."""
    found, begin = [], None
    for quarter, _, flag in (*profile, (profile.quarters.stop, 0, Flag.MEASURED)):
        if flag not in KNOWN:
            begin = quarter if begin is None else begin
        elif begin is not None:
            if quarter - begin >= SILENT:
                found.append(Anomaly(Kind.SILENCE, point, begin * QUARTER_MS, {"quarter_hours": quarter - begin}))
            begin = None
    return found


def balance(building: Reconciliation, quarters: range, percent: int = 3) -> list[Anomaly]:
    """Return whether the points of a building are off what the meter at the grid says.

    Args:
        building: its energies over these quarter hours.
        quarters: which.
        percent: of what the building used, by which both may differ: meters of class B may be 1 % off each, and
            what the cables lose is counted once only.
    """
    if building.building is None or building.rest is None or abs(building.rest) * 100 <= percent * building.building:
        return []
    evidence = {"building_wh": building.building, "points_wh": building.points, "rest_wh": building.rest}
    return [Anomaly(Kind.BALANCE, "building", quarters.start * QUARTER_MS, evidence)]


def calibrations(installations: Iterable[Installation], year: int, valid_years: int = 8) -> list[Anomaly]:
    """Return the meters whose calibration has expired, or does by the end of a year.

    Args:
        installations: those that last.
        year: the present one.
        valid_years: 8 for electronic meters (MessEV, Anlage 7), to the end of the eighth year.
    """
    return [
        Anomaly(Kind.CALIBRATION, one.meter, ms_of(one.begin), {"until_year": one.calibrated + valid_years})
        for one in installations
        if one.calibrated is not None and one.calibrated + valid_years <= year
    ]
