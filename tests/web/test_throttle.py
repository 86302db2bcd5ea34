"""Waiting after failed logins."""

from mmetering_web.throttle import KEYS, WINDOW_S, Throttle


def test_some_failures_are_free_then_one_waits() -> None:
    """The limit's failure makes one wait until the oldest of them is forgotten."""
    throttle = Throttle(3)
    for now in (0, 10, 20):
        assert throttle.wait("a", now) == 0
        throttle.failed("a", now)
    assert throttle.wait("a", 30) == WINDOW_S - 30
    assert throttle.wait("a", WINDOW_S) == 0


def test_others_do_not_wait() -> None:
    """A key suffers for its own failures only."""
    throttle = Throttle(1)
    throttle.failed("a", 0)
    assert throttle.wait("b", 1) == 0


def test_success_forgives() -> None:
    """Who got in has not failed."""
    throttle = Throttle(1)
    throttle.failed("a", 0)
    throttle.succeeded("a")
    assert throttle.wait("a", 1) == 0


def test_the_memory_is_bounded() -> None:
    """A flood of names forgets the oldest and keeps the newest."""
    throttle = Throttle(1)
    for number in range(KEYS + 1):
        throttle.failed(number, 0)
    assert throttle.wait(0, 1) == 0
    assert throttle.wait(KEYS, 1) > 0
