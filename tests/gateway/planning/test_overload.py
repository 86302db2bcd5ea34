"""An overload is told once when it begins and once when it is over."""

from mmetering_gateway.planning.overload import Overload


def test_it_begins_with_a_missed_slot_and_ends_after_a_quarter_hour_of_calm() -> None:
    """Slots that are kept in between do not end it, and each further missed one begins the calm anew."""
    slots = {0: 0, 10: 3, 20: 0, 600: 1, 1490: 0, 1500: 0, 1510: 0}
    overload, told = Overload(), []
    for at, missed in slots.items():
        overload = overload.after(at, missed)
        told.append(overload.at is not None)
    assert told == [False, True, True, True, True, False, False]
