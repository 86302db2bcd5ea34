"""Parity on pseudo-terminals, for the clients in this process.

Linux's driver of pseudo-terminals clears PARENB (`pty_set_termios`), and the C library calls a setting invalid that
was dropped and changed nothing else: a client that wants a parity bit cannot open one twice. CMSPAR is left alone;
within `kept` it is set in PARENB's place on pseudo-terminals, where RtuBus reads it.
"""

import os
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CMSPAR = 0o10000000000  # of Linux's asm-generic/termbits-common.h; the module does not name it before Python 3.13


@contextmanager
def kept() -> Iterator[None]:
    """Let pseudo-terminals keep their parity while the context is open, whoever in this process sets it."""
    original = termios.tcsetattr

    def tcsetattr(terminal: Any, when: int, settings: Any) -> None:  # noqa: ANN401 - as the module's own
        if settings[2] & termios.PARENB and os.ttyname(terminal).startswith("/dev/pts/"):
            control = settings[2] & ~termios.PARENB | CMSPAR
            settings = [*settings[:2], control, *settings[3:]]
        original(terminal, when, settings)

    termios.tcsetattr = tcsetattr
    try:
        yield
    finally:
        termios.tcsetattr = original
