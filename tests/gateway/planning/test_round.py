"""In a round nobody is asked twice who was silent; in the second one only those who were well."""

from mmetering_contract.quantity import Group
from mmetering_gateway.planning.round import Round


def test_a_silent_meter_is_passed_for_the_rest_of_its_round() -> None:
    """Its other groups stay unread; the neighbour is asked; the second round has them all again."""
    slot = Round()
    slot.silent("flat-01", Group.ENERGY, "no reply")
    assert not slot.passes("flat-02", Group.ENERGY)
    assert slot.passes("flat-01", Group.LIVE)
    assert slot.again({"flat-01", "flat-02"}) == [("flat-01", Group.ENERGY), ("flat-01", Group.LIVE)]
    assert not slot.passes("flat-01", Group.ENERGY)
    assert slot.reasons == {"flat-01": "no reply"}


def test_with_the_bus_away_nobody_is_asked() -> None:
    """All meters get the bus as their reason, but for those that were silent before it went."""
    slot = Round()
    slot.silent("flat-01", Group.LIVE, "no reply")
    slot.dead("flat-02", Group.LIVE, "the adapter is gone")
    assert slot.passes("flat-03", Group.LIVE)
    assert slot.reasons == {"flat-01": "no reply", "flat-02": "the adapter is gone", "flat-03": "the adapter is gone"}
    assert slot.is_dead


def test_who_was_not_well_before_is_not_asked_again() -> None:
    """A dead meter costs one question."""
    slot = Round()
    slot.silent("flat-01", Group.LIVE, "no reply")
    assert slot.again({"flat-02"}) == []
    assert not slot.is_dead
