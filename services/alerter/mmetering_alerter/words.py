"""Times and durations as people say them. Times are local and carry their offset. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))  # seconds


def duration(lasted: timedelta) -> str:
    """Return the two largest units of a duration, such as `1 h 12 min`."""
    rest = max(0, int(lasted.total_seconds()))
    parts = []
    for seconds, unit in _UNITS:
        count, rest = divmod(rest, seconds)
        parts.append((count, unit))
    largest = next((i for i, (count, _) in enumerate(parts) if count), len(parts) - 1)
    first, *second = parts[largest : largest + 2]
    return " ".join(f"{count} {unit}" for count, unit in [first, *second] if count or (count, unit) == first)


def full_time(at: datetime, zone: ZoneInfo) -> str:
    """Return a time such as `Mon 23 Nov 2026, 02:53:50 +01:00`."""
    local = at.astimezone(zone)
    offset = f"{local:%z}"
    return f"{local:%a %d %b %Y, %H:%M:%S} {offset[:3]}:{offset[3:]}"


def short_time(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    """Return a time such as `02:53`, with its day if that is not today's."""
    local = at.astimezone(zone)
    today = local.date() == now.astimezone(zone).date()
    return f"{local:%H:%M}" if today else f"{local:%d %b, %H:%M}"
