"""A service's loop beats into a file; `python -m mmetering_runtime.heartbeat` fails when the last beat is old.

MMETERING_HEARTBEAT names the file. Without it nothing is written.
"""

import os
import sys
import time
from pathlib import Path

OLD_S = 60  # a loop turns at least every few seconds; a slow disk or a waiting database may hold it up for some more


class Heartbeat:
    """The pulse of one loop."""

    def __init__(self, path: Path | None) -> None:
        """Beat into this file, or into none."""
        self._path = path
        self._beaten_at = float("-inf")

    def beat(self) -> None:
        """Say that the loop turns; at most once a second, so that it may be called at every turn."""
        now = time.monotonic()
        if self._path and now - self._beaten_at >= 1:
            self._path.touch()
            self._beaten_at = now


def main() -> int:
    """Return 0 when the last beat is young."""
    try:
        beaten_at = Path(os.environ["MMETERING_HEARTBEAT"]).stat().st_mtime
    except (KeyError, OSError) as error:
        sys.stderr.write(f"no heartbeat: {error!r}\n")
        return 1
    age = time.time() - beaten_at
    if age > OLD_S:
        sys.stderr.write(f"last beat {age:.0f} s ago\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
