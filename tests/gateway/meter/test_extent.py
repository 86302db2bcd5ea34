"""What a unit lacks is found out by what it refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_gateway.meter.extent import Extent, span
from mmetering_gateway.models.registers import WIDTH, Register
from mmetering_gateway.planning.requests import Request, network, plan


@pytest.mark.parametrize(("shortest", "limit"), [(80, 60), (72, 60), (60, 50), (52, 50), (50, 40), (22, 20), (21, 20)])
def test_the_limit_steps_down_below_what_was_refused(shortest: int, limit: int) -> None:
    """When all of it came in parts, it was too long."""
    assert Extent(80, gaps=True).refused(shortest, (), 80) == Extent(limit, gaps=True)


def test_what_is_too_long_at_twenty_holds_something_that_is_not_there() -> None:
    """Then gaps are no longer read along, and replies may be as long as before; what remains is no reason."""
    without = Extent(30, gaps=True).refused(18, (), 80)
    assert without == Extent(80, gaps=False)
    assert without.refused(18, (), 80) == without


def test_what_is_absent_explains_a_refusal() -> None:
    """Neither length nor gaps are blamed then."""
    before, after = (Extent(80, gaps=True, absent=frozenset(absent)) for absent in ({2}, {2, 4}))
    assert before.refused(0, {4}, 80) == after


def test_a_group_of_which_nothing_is_there_is_asked_for_its_first_register() -> None:
    """So that a unit that could not answer yet is not given up for ever."""
    registers = [Register(0, "voltage_l1"), Register(2, "voltage_l2")]
    nothing = Extent(80, gaps=True, absent=frozenset({0, 2}))
    assert not nothing.has(registers)
    assert list(nothing.parts(registers)) == [registers[:1]]
    assert list(nothing.parts([])) == []


ADDRESSES = st.lists(st.integers(0, 40).map(lambda n: 2 * n), min_size=1, max_size=20, unique=True).map(sorted)


@given(addresses=ADDRESSES, absent=st.sets(st.integers(0, 40).map(lambda n: 2 * n)), limit=st.sampled_from([20, 80]))
def test_no_request_crosses_what_is_absent(addresses: list[int], absent: set[int], limit: int) -> None:
    """Every register that is there is read, and none that is not is read along."""
    registers = [Register(address, "frequency") for address in addresses]
    extent = Extent(limit, gaps=True, absent=frozenset(absent))
    requests = [request for part in extent.parts(registers) for request in plan(part, limit, network(0.1))]
    asked = {address for r in requests for address in range(r.address, r.address + r.count, WIDTH)}
    present = set(addresses) - absent
    assert present <= asked
    assert not present or not asked & absent


def test_a_span_is_from_the_first_to_the_last_register() -> None:
    """Both of the last value's registers are in it."""
    assert span([Register(6, "current_l1"), Register(0x46, "frequency")]) == Request(6, 66)
