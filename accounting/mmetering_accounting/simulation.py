"""What another sharing key would have meant: the same energies, shared by each key."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo

from mmetering_accounting.distribution import distribute
from mmetering_accounting.profile import Profile
from mmetering_accounting.sharing import Key
from mmetering_accounting.terms import Terms


def compare(
    used: Mapping[str, Profile],
    produced: Mapping[str, Profile],
    terms: Iterable[Terms],
    zone: ZoneInfo,
    keys: Iterable[Key] = tuple(Key),
) -> dict[Key, dict[str, int]]:
    """Return the own share of each point that takes part, in Wh, as it would have been with each key.

    Args:
        used: by point.
        produced: by producer.
        terms: what was agreed; ranks, participation and parts stay.
        zone: in which days begin.
        keys: to try.
    """
    terms = tuple(terms)
    found = {key: distribute(used, produced, [replace(one, key=key) for one in terms], zone) for key in keys}
    return {key: {point: sum(one.own_of(point)) for point in sorted(one.own)} for key, one in found.items()}
