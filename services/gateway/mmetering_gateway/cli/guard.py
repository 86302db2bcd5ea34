"""Whether a gateway runs on this machine: it holds the lock beside its spool, and owns the ports of its plant."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mmetering_runtime.config import ConfigError

from mmetering_gateway.spool.file import lock_of


@contextmanager
def looks(spool: Path) -> Iterator[bool]:
    """Yield whether a gateway runs; while none does, none can start before the context ends.

    Raises:
        ConfigError: the lock may not be looked at.
    """
    try:
        guard = lock_of(spool).open()  # never made here: it would be this user's, and shut the gateway out
    except FileNotFoundError:
        yield False
        return
    except OSError as error:
        raise ConfigError(f"MMETERING_SPOOL={spool}: {error}; ask as the user that the gateway runs as") from None
    with guard:
        try:
            fcntl.flock(guard, fcntl.LOCK_SH | fcntl.LOCK_NB)
            runs = False
        except BlockingIOError:
            runs = True
        yield runs
