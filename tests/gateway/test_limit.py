"""The limit of registers steps down below what was refused."""

import pytest
from mmetering_gateway.limit import lower_limit
from mmetering_gateway.plan import Request


@pytest.mark.parametrize(
    ("count", "code", "limit"),
    [(80, 2, 60), (72, 3, 60), (60, 2, 50), (52, 2, 50), (50, 2, 40), (22, 3, 20), (20, 2, None), (80, 1, None)],
)
def test_the_next_lower_step_is_tried(count: int, code: int, limit: int | None) -> None:
    """Only the codes that a length can bring count, and below 20 registers the reason must be another one."""
    assert lower_limit(Request(0, count), code) == limit
