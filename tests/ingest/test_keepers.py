"""Nothing that ingest does beside its loop ends in silence."""

import threading

import pytest
from mmetering_ingest.keepers import keeping


def waits(stopping: threading.Event) -> None:
    """Work until stopped."""
    assert stopping.wait(30)


def fails(stopping: threading.Event) -> None:
    """Fail at once."""
    assert not stopping.is_set()
    raise LookupError("no such quarter hour")


def test_they_run_as_long_as_the_loop() -> None:
    """Its end is theirs, also by an error, which comes out."""
    stopping = threading.Event()
    with pytest.raises(ZeroDivisionError), keeping([waits, waits], stopping):
        raise ZeroDivisionError
    assert stopping.is_set()
    stopping = threading.Event()
    with keeping([waits], stopping):
        pass
    assert stopping.is_set()


def test_one_that_fails_ends_all() -> None:
    """The loop is told to stop, and the error comes out."""
    stopping = threading.Event()
    with pytest.raises(LookupError, match="no such quarter hour"), keeping([waits, fails], stopping):
        assert stopping.wait(30)
