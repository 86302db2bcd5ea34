"""From old rows to readings. Pure. Kilowatt-hours become whole watt-hours, rounded half up from their decimal text."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from mmetering_contract.quantity import Group
from mmetering_contract.reading import Reading

from mmetering_importer.dating import Dated, Raw
from mmetering_importer.mapping import Known
from mmetering_importer.source import READINGS, SourceError
from mmetering_importer.statement import Row

TOTAL = "value"
PHASES = {"value_l1": "_l1", "value_l2": "_l2", "value_l3": "_l3"}
WH_IN_KWH = 1000


class Conversion:
    """The rows on their way; counts what cannot come along."""

    def __init__(self, known: Mapping[int, Known]) -> None:
        """Convert the rows of these meters, by their old ids."""
        self._known = known
        self.others = 0  # rows of meters that are not to be imported, or do not exist
        self.without_value = 0
        self.without_time = 0

    def raw(self, rows: Iterable[Row]) -> Iterator[Raw]:
        """Yield what a row says, of each row that has a meter, a time and a value.

        Raises:
            SourceError: a row is no row of readings, or has a value that is no number.
        """
        for row in rows:
            try:
                number, meter = int(row["id"] or ""), int(row["meter_id"] or 0)
                local, total = row["saved_time"], row[TOTAL]
            except (KeyError, ValueError) as error:
                raise SourceError(f"{READINGS}: {row} lacks something: {error}") from None
            if meter not in self._known:
                self.others += 1
            elif total is None:
                self.without_value += 1
            elif (time := _time(local)) is None:
                self.without_time += 1
            else:
                yield Raw(number, meter, time, tuple(_energies(row)))

    def reading(self, dated: Dated) -> Reading:
        """Return the reading of a row; in doubt it is suspect.

        Raises:
            SourceError: no meter can have counted so much.
        """
        known = self._known[dated.row.meter]
        total = f"energy_{known.meter.flat.direction}"
        values: dict[str, int | float] = {
            total + PHASES.get(column, ""): energy for column, energy in dated.row.energies
        }
        try:
            return Reading(
                meter=known.slug,
                ts=dated.at,
                seq=dated.row.id,
                group=Group.ENERGY,
                values=values,
                span_ms=0,
                quality="suspect" if dated.doubt else "good",
                suspect=tuple(values) if dated.doubt else (),
            )
        except ValueError as error:
            raise SourceError(f"{READINGS}: row {dated.row.id}: {error}") from None


def watt_hours(text: str) -> int:
    """Return kilowatt-hours, as a decimal number, as whole watt-hours; the half goes away from zero.

    Raises:
        SourceError: it is no number.
    """
    try:
        return int((Decimal(text) * WH_IN_KWH).to_integral_value(ROUND_HALF_UP))
    except (InvalidOperation, ValueError, OverflowError):
        raise SourceError(f"{READINGS}: {text!r} is no number of kWh") from None


def _energies(row: Row) -> Iterator[tuple[str, int]]:
    for column in (TOTAL, *PHASES):
        text = row.get(column)
        if text is not None:
            yield column, watt_hours(text)


def _time(text: str | None) -> datetime | None:
    try:
        time = datetime.fromisoformat(text or "")
    except ValueError:  # such as MySQL's 0000-00-00 00:00:00
        return None
    return time.replace(tzinfo=None)
