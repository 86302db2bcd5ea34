"""A bus on a pseudo-terminal, as slow as a serial line: 8N1, ten bits for each byte, in both directions.

Nothing is ever faster than the wire: a request counts as heard when its last byte would have arrived,
and no byte of the reply is written before it would have. At another speed than its own a bus is deaf.
"""

import contextlib
import os
import select
import termios
import threading
import time
import tty
from collections.abc import Container, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from mmetering_simulator.bus import Bus
from mmetering_simulator.frame import rtu_pack, rtu_take
from mmetering_simulator.registers import BAUD_CODES, Meter

BITS_PER_BYTE = 10
SILENCE_S = 0.05  # ends a frame; more than the 3.5 characters of the wire, as a computer writes in spurts
TURNAROUND_S = 0.02  # from request to reply; no manual says it, SDM630 units in the field take 10 to 100 ms
SPURT_S = 0.004  # bytes that are due within such a time are written at once, after the last of them is due
OUTPUT_SPEED = 5  # index into the list that tcgetattr returns
SPEEDS: dict[int, int] = {baud: getattr(termios, f"B{baud}") for baud in BAUD_CODES}


class RtuBus(Bus):
    """Meters on a pseudo-terminal, from entering the context until leaving it.

    Args:
        meters: by unit id.
        path: where a symbolic link to the terminal is made; None makes none.
        baud: one of 2400, 4800, 9600, 19200, 38400.
        unplugged: see Bus.

    Attributes:
        path: what a client opens, as it would open `/dev/ttyUSB0`.
    """

    def __init__(
        self,
        meters: Mapping[int, Meter],
        *,
        path: Path | None = None,
        baud: int = 9600,
        unplugged: Container[int] = (),
    ) -> None:
        super().__init__(meters, unplugged=unplugged)
        self._byte_s = BITS_PER_BYTE / baud
        self._speed = SPEEDS[baud]
        self._link = path
        self._thread = threading.Thread(target=self._serve, name="modbus-rtu")
        self._ours, self._theirs = os.openpty()  # theirs stays open with us too: a client may come and go
        tty.setraw(self._theirs)
        os.set_blocking(self._ours, False)
        self._wake, self._woken = os.pipe()[::-1]
        self.path = str(path or os.ttyname(self._theirs))

    def __enter__(self) -> Self:
        if self._link:
            self._link.parent.mkdir(parents=True, exist_ok=True)
            fresh = self._link.with_name(f"{self._link.name}.{os.getpid()}")
            fresh.symlink_to(os.ttyname(self._theirs))
            fresh.replace(self._link)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        os.write(self._wake, b"\0")
        self._thread.join()
        if self._link:
            self._link.unlink(missing_ok=True)
        for descriptor in (self._ours, self._theirs, self._wake, self._woken):
            os.close(descriptor)

    def _serve(self) -> None:
        buffer = bytearray()
        begin = 0.0
        while not self._closing.is_set():
            ready, _, _ = select.select([self._ours, self._woken], [], [], SILENCE_S if buffer else None)
            if self._ours not in ready:
                buffer.clear()
                continue
            if not buffer:
                begin = time.monotonic()
            buffer += os.read(self._ours, 4096)
            if self._hears():
                self._reply(buffer, begin)
            else:
                buffer.clear()

    def _hears(self) -> bool:
        """Return whether the client set our speed."""
        return bool(termios.tcgetattr(self._theirs)[OUTPUT_SPEED] == self._speed)

    def _reply(self, buffer: bytearray, begin: float) -> None:
        """Answer the requests in the buffer, the first of which began at a monotonic time in s."""
        while True:
            length = len(buffer)
            request = rtu_take(buffer)
            if request is None:
                return
            begin += (length - len(buffer)) * self._byte_s
            self._wait_until(begin)
            if reply := self._answer(request):
                begin = max(begin + TURNAROUND_S, time.monotonic())
                self._write(self._on_the_line(rtu_pack(reply)), begin)

    def _write(self, data: bytes, begin: float) -> None:
        """Write at the speed of the wire; the first byte begins at a monotonic time in s."""
        step = max(1, round(SPURT_S / self._byte_s))
        for start in range(0, len(data), step):
            spurt = data[start : start + step]
            self._wait_until(begin + (start + len(spurt)) * self._byte_s)
            with contextlib.suppress(BlockingIOError):  # nobody reads and the terminal is full
                os.write(self._ours, spurt)

    def _wait_until(self, moment: float) -> None:
        while (left := moment - time.monotonic()) > 0 and not self._closing.wait(left):
            pass  # a wait may end a little early
