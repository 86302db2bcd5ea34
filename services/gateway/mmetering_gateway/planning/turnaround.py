"""How long a meter takes between a question and its answer, and so how long to wait for one. Pure.

After the time of the bytes a meter gets four times its running mean, at least a floor. Replies that stay away double
that from the third on, as TCP does: a meter that has become slow is found again, a dead one costs no more than a cap.
"""

import msgspec

# What a meter and a converter take between request and reply before anybody has measured it.
FIRST_GUESS_S = 0.05
SPREAD = 4  # times the mean: USB adapters hold bytes back for up to 16 ms, meters do other things in between
WEIGHT = 0.2  # of the newest measurement in the mean
AT_ONCE = 2  # lost replies without more patience: one in the slot, and its repetition
LONGEST_S = 0.8
# A plan is made anew when the mean has moved by this share of what it was made with, and by this much.
REPLAN_SHARE, REPLAN_S = 0.25, 0.01


class Turnaround(msgspec.Struct, frozen=True):
    """What is known of one meter.

    Attributes:
        floor_s: what it is given at least.
        mean_s: running mean; None before the first reply.
        planned_s: what requests are to be planned with; it follows the mean in steps.
        lost: replies in a row that did not come.
    """

    floor_s: float
    mean_s: float | None = None
    planned_s: float = FIRST_GUESS_S
    lost: int = 0

    @property
    def patience_s(self) -> float:
        """How long to wait for a reply, beyond the time of its bytes."""
        usual = max(self.floor_s, SPREAD * (self.mean_s or 0.0))
        return max(usual, min(LONGEST_S, usual * 2.0 ** max(0, min(self.lost, 10) - AT_ONCE)))

    def measured(self, seconds: float) -> "Turnaround":
        """Return what is known after a reply; the first one after a loss counts for all, since the old mean failed."""
        mean = seconds if self.mean_s is None or self.lost else self.mean_s + WEIGHT * (seconds - self.mean_s)
        moved = abs(mean - self.planned_s)
        noticeable = moved > REPLAN_S and moved > REPLAN_SHARE * self.planned_s
        return Turnaround(self.floor_s, mean, mean if noticeable else self.planned_s)

    def missed(self) -> "Turnaround":
        """Return what is known after a reply that did not come."""
        return msgspec.structs.replace(self, lost=self.lost + 1)
