"""Waiting for what must come: a condition with a deadline instead of a fixed sleep."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_for(condition: Callable[[], T], timeout: float = 30, *, interval: float = 0.02) -> T:
    """Return the condition's first true value.

    Args:
        condition: asked again and again.
        timeout: seconds until the wait fails.
        interval: seconds between two askings.

    Raises:
        TimeoutError: the condition did not become true in time.
    """
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError(f"{condition} was not true within {timeout} s, last value {value!r}")
        time.sleep(interval)
