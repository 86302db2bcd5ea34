"""When a meter that does not answer is asked again. Pure.

The first times at every slot, so that its status is certain soon; then after twice as long each time, up to a cap:
that is the longest that a meter which is back waits to be read again.
"""

from dataclasses import dataclass

FREE = 4  # silences at no delay: two in the first slot, one in each of the next two, after which it is offline
LONGEST_S = 60.0
SLACK_S = 0.5  # slots begin some milliseconds sooner or later, and are whole seconds apart


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often in a row a meter was silent, and when last, in seconds of a monotonic clock."""

    silences: int = 0
    at: float = 0.0

    def silent(self, now: float) -> "Backoff":
        """Return the state after a question at `now` that was not answered."""
        return Backoff(self.silences + 1, now)

    def due(self, now: float) -> bool:
        """Return whether to ask at `now`."""
        return now - self.at >= self.delay_s - SLACK_S

    @property
    def delay_s(self) -> float:
        """Seconds from the last question to the next one."""
        return 0.0 if self.silences < FREE else min(LONGEST_S, 2.0 ** min(self.silences - FREE, 10))
