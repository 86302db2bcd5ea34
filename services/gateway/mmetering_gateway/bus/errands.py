"""What a bus is asked for other than polling, one errand after the other and step by step, on the bus's own thread."""

import queue
import time
from collections.abc import Iterator
from contextlib import suppress

from mmetering_runtime.log import Log

DONE = object()

log = Log("gateway.errands")


class Errands:
    """The errands of one bus. `submit` may be called from any thread."""

    def __init__(self, bus: str) -> None:
        """Begin with none."""
        self._bus = bus
        self._queue: queue.SimpleQueue[Iterator[object]] = queue.SimpleQueue()
        self._errand: Iterator[object] | None = None

    def submit(self, errand: Iterator[object]) -> None:
        """Have an errand done; each of its steps asks the bus once at most."""
        self._queue.put(errand)

    def step(self) -> bool:
        """Take the next step of the errand at work; return whether there was one. An errand that fails is over."""
        try:
            self._errand = self._errand or self._queue.get_nowait()
            if next(self._errand, DONE) is DONE:
                self._errand = None
        except queue.Empty:
            return False
        except Exception:
            log.exception("errand_failed", bus=self._bus)
            self._errand = None
        return True

    def wait(self, seconds: float) -> None:
        """Let time pass; an errand that comes ends that, unless another one is at work."""
        if self._errand:
            time.sleep(seconds)
            return
        with suppress(queue.Empty):
            self._errand = self._queue.get(timeout=seconds)
