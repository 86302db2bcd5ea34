"""The planner finds the least time on the bus."""

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mmetering_contract.quantity import Group
from mmetering_gateway.models.registers import WIDTH, Register
from mmetering_gateway.models.sdm630 import SDM630
from mmetering_gateway.planning.requests import Request, Wire, line, network, plan

# The 15 values 0x00 to 0x10 and 0x46 to 0x50, whose span of 82 registers is more than one request may ask for.
FIFTEEN = [Register(address, "frequency") for address in (*range(0x00, 0x12, 2), *range(0x46, 0x52, 2))]


@pytest.mark.parametrize(
    ("baud", "expected_ms"), [(2400, 422.5), (4800, 211.2), (9600, 105.6), (19200, 52.8), (38400, 29.4)]
)
def test_the_fifteen_values_take_two_requests_at_every_speed(baud: int, expected_ms: float) -> None:
    """Two requests of 86 bytes in all, in the time that the arithmetic of the protocol gives."""
    wire = line(baud, bits=10, turnaround_s=0)
    requests = plan(FIFTEEN, 80, wire)
    assert requests == (Request(0x00, 18), Request(0x46, 12))
    assert sum(13 + 2 * request.count for request in requests) == 86
    assert sum(wire.cost_s(request.count) for request in requests) * 1000 == pytest.approx(expected_ms, abs=0.06)


@pytest.mark.parametrize(
    ("baud", "turnaround_s", "limit", "requests", "total", "expected_ms"),
    [
        (9600, 0.0, 80, 6, 470, 537.7),
        (38400, 0.0, 80, 5, 481, 142.8),
        (9600, 0.05, 80, 4, 500, 752.9),
        (9600, 0.1, 80, 4, 500, 952.9),
        (38400, 0.05, 80, 4, 500, 344.2),
        (38400, 0.1, 80, 4, 500, 544.2),
        (9600, 0.05, 60, 5, 481, 791.1),
        (38400, 0.05, 60, 5, 481, 392.8),
        (9600, 0.05, 50, 6, 470, 837.7),
        (38400, 0.05, 50, 6, 470, 443.4),
    ],
)
def test_all_86_values_take_the_least_time(
    *, baud: int, turnaround_s: float, limit: int, requests: int, total: int, expected_ms: float
) -> None:
    """The whole map of an SDM630: the slower its answers, the fewer the questions, whatever bytes that costs."""
    wire = line(baud, bits=10, turnaround_s=turnaround_s)
    planned = plan(SDM630.registers, limit, wire)
    assert len(planned) == requests
    assert sum(13 + 2 * request.count for request in planned) == total
    assert _cost(planned, wire) * 1000 == pytest.approx(expected_ms, abs=0.06)


def test_a_network_wants_the_fewest_requests() -> None:
    """Where bytes cost nothing, as much as the limit allows is read at once."""
    assert len(plan(SDM630.of_group(Group.LIVE), 80, network(0.05))) == 1


def test_no_registers_need_no_request() -> None:
    """An empty group plans nothing."""
    assert plan([], 80, network(0.05)) == ()


ADDRESSES = st.lists(st.integers(0, 60).map(lambda n: 2 * n), min_size=1, max_size=7, unique=True)
WIRES = st.builds(line, st.sampled_from([2400, 9600, 38400]), st.just(10), st.sampled_from([0.0, 0.05, 0.1]))


@given(addresses=ADDRESSES, limit=st.sampled_from([2, 20, 80]), wire=WIRES)
def test_no_other_way_to_cut_is_quicker(addresses: list[int], limit: int, wire: Wire) -> None:
    """The plan covers every register within the limit, and costs no more than the best of all cuts tried one by one."""
    requests = plan([Register(address, "frequency") for address in addresses], limit, wire)
    covered = {address for r in requests for address in range(r.address, r.address + r.count, WIDTH)}
    assert covered >= set(addresses)
    assert all(request.count <= limit for request in requests)
    assert _cost(requests, wire) == pytest.approx(_least_cost(sorted(addresses), limit, wire))


@given(
    addresses=st.lists(st.integers(0, 300).map(lambda n: 2 * n), min_size=1, max_size=80, unique=True),
    limit=st.sampled_from([2, 20, 50, 60, 80, 124]),
    wire=WIRES,
    gaps=st.booleans(),
)
def test_it_is_never_worse_than_taking_as_much_as_fits(
    addresses: list[int], limit: int, wire: Wire, *, gaps: bool
) -> None:
    """Nor than asking for each value by itself; without gaps nothing is read along that nobody wants."""
    requests = plan([Register(address, "frequency") for address in addresses], limit, wire, gaps=gaps)
    covered = [address for r in requests for address in range(r.address, r.address + r.count, WIDTH)]
    assert set(covered) >= set(addresses)
    assert all(request.count <= limit for request in requests)
    assert gaps or sorted(covered) == sorted(addresses)
    rounding = 1e-9
    assert _cost(requests, wire) <= _cost(_greedy(sorted(addresses), limit, gaps=gaps), wire) + rounding
    assert _cost(requests, wire) <= len(addresses) * wire.cost_s(WIDTH) + rounding


def _greedy(addresses: list[int], limit: int, *, gaps: bool) -> tuple[Request, ...]:
    """Return requests from the first address on, each as long as it may be."""
    requests: list[Request] = []
    for address in addresses:
        last = requests[-1] if requests else Request(-WIDTH, 0)
        fits = address + WIDTH - last.address <= limit and (gaps or address == last.address + last.count)
        if requests and fits:
            requests[-1] = Request(last.address, address + WIDTH - last.address)
        else:
            requests.append(Request(address, WIDTH))
    return tuple(requests)


def _cost(requests: tuple[Request, ...], wire: Wire) -> float:
    return sum(wire.cost_s(request.count) for request in requests)


def _least_cost(addresses: list[int], limit: int, wire: Wire) -> float:
    costs = []
    for size in range(len(addresses)):
        for cuts in combinations(range(1, len(addresses)), size):
            bounds = [0, *cuts, len(addresses)]
            parts = [addresses[a:b] for a, b in pairwise(bounds)]
            requests = tuple(Request(part[0], part[-1] + WIDTH - part[0]) for part in parts)
            if all(request.count <= limit for request in requests):
                costs.append(_cost(requests, wire))
    return min(costs)
