"""A bus on a pseudo-terminal, as slow as a serial line in both directions.

Nothing is ever faster than the wire: a request counts as heard when its last byte would have arrived,
and no byte of the reply is written before it would have. A meter hears a client whose terminal has the meter's
speed, parity and stop bits. A client that wants a parity bit needs `parity.kept`.
"""

import contextlib
import os
import select
import termios
import threading
import time
import tty
from collections.abc import Container, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from mmetering_simulator.answer import Meter
from mmetering_simulator.bus import Bus
from mmetering_simulator.frame import rtu_pack, rtu_take
from mmetering_simulator.line import BAUD_CODES, Line, Parity
from mmetering_simulator.parity import CMSPAR

SILENCE_S = 0.05  # ends a frame; more than the 3.5 characters of the wire, as a computer writes in spurts
TURNAROUND_S = 0.02  # from request to reply; no manual says it, SDM630 units in the field take 10 to 100 ms
SPURT_S = 0.004  # bytes that are due within such a time are written at once, after the last of them is due
CONTROL, OUTPUT_SPEED = 2, 5  # indices into the list that tcgetattr returns
SPEEDS: dict[int, int] = {getattr(termios, f"B{baud}"): baud for baud in BAUD_CODES}


class RtuBus(Bus):
    """Meters on a pseudo-terminal, from entering the context until leaving it.

    Args:
        meters: by unit id, which are set to `baud`, 8N1; or just meters, which keep their lines; see Bus.
        path: where a symbolic link to the terminal is made; None makes none.
        baud: a speed that the models of the meters by unit id know.
        unplugged: see Bus.

    Attributes:
        path: what a client opens, as it would open `/dev/ttyUSB0`.
    """

    def __init__(
        self,
        meters: Mapping[int, Meter] | Iterable[Meter],
        *,
        path: Path | None = None,
        baud: int = 9600,
        unplugged: Container[int] = (),
    ) -> None:
        super().__init__(meters, line=Line(baud), unplugged=unplugged)
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
            self.line = self._client()
            if self.line and self._heard():
                self._take(buffer, begin, self.line.byte_s)
            else:
                self._send(self._echoed(bytes(buffer)))
                buffer.clear()

    def _client(self) -> Line | None:
        """Return what the client set; None where no meter knows such a speed."""
        settings = termios.tcgetattr(self._theirs)
        baud = SPEEDS.get(settings[OUTPUT_SPEED])
        parity: Parity = "O" if settings[CONTROL] & termios.PARODD else "E" if settings[CONTROL] & CMSPAR else "N"
        return Line(baud, parity, 2 if settings[CONTROL] & termios.CSTOPB else 1) if baud else None

    def _take(self, buffer: bytearray, begin: float, byte_s: float) -> None:
        """Answer the requests in the buffer, the first of which began at a monotonic time in s."""
        while True:
            length = len(buffer)
            request = rtu_take(buffer)
            if request is None:
                return
            begin += (length - len(buffer)) * byte_s
            self._wait_until(begin)
            self._send(self._echoed(rtu_pack(request)))
            if reply := self._answer(request):
                begin = max(begin + TURNAROUND_S, time.monotonic())
                self._write(reply, begin, byte_s)

    def _write(self, data: bytes, begin: float, byte_s: float) -> None:
        """Write at the speed of the wire; the first byte begins at a monotonic time in s."""
        step = max(1, round(SPURT_S / byte_s))
        for start in range(0, len(data), step):
            spurt = data[start : start + step]
            self._wait_until(begin + (start + len(spurt)) * byte_s)
            self._send(spurt)

    def _send(self, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError):  # nobody reads and the terminal is full
            os.write(self._ours, data)

    def _wait_until(self, moment: float) -> None:
        while (left := moment - time.monotonic()) > 0 and not self._closing.wait(left):
            pass  # a wait may end a little early
