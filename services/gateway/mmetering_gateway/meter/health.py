"""Whether a meter is there: one rule for its status, and the count of its polls. Pure.

A meter is online with its first good reply, and offline after three polls in a row without one.
"""

from datetime import datetime

import msgspec

FAILURES_TO_OFFLINE = 3


class Condition(msgspec.Struct, frozen=True):
    """How a meter is.

    Attributes:
        online: None before anything is known.
        since: since when it is online or offline, UTC; None while neither is known.
        reason: why the last poll failed; empty after a good one.
        in_a_row: failed polls since the last good one.
        polls, failures: since the start.
        answered_at: when its last good poll was, UTC; None before the first.
    """

    online: bool | None = None
    since: datetime | None = None
    reason: str = ""
    in_a_row: int = 0
    polls: int = 0
    failures: int = 0
    answered_at: datetime | None = None

    @property
    def well(self) -> bool:
        """Whether its last poll was good."""
        return bool(self.online) and not self.in_a_row

    def answered(self, at: datetime) -> "Condition":
        """Return the condition after a good reply."""
        return msgspec.structs.replace(
            self,
            online=True,
            since=self.since if self.online else at,
            reason="",
            in_a_row=0,
            polls=self.polls + 1,
            answered_at=at,
        )

    def failed(self, at: datetime, reason: str) -> "Condition":
        """Return the condition after a poll that brought nothing."""
        in_a_row = self.in_a_row + 1
        offline = in_a_row >= FAILURES_TO_OFFLINE
        return msgspec.structs.replace(
            self,
            online=False if offline else self.online,
            since=at if offline and self.online is not False else self.since,
            reason=reason,
            in_a_row=in_a_row,
            polls=self.polls + 1,
            failures=self.failures + 1,
        )
