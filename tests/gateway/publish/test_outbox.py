"""The outbox sends again what has no receipt, and never storms."""

from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from mmetering_contract.record import BATCH_READINGS, ranges_of
from mmetering_gateway.publish.outbox import LONGEST_WAIT_S, NO_SUBSCRIBERS, NOBODY_WAIT_S, OUTSTANDING, Outbox


def send_all(outbox: Outbox, now: float) -> int:
    """Send what is due and return how much that was."""
    due = outbox.due(now)
    for key, _ in due:
        outbox.sent(key, (1, key), now)
    return len(due)


def test_without_a_receipt_the_waits_double_up_to_ten_minutes() -> None:
    """A parcel goes again after 30, 60, 120 … seconds."""
    outbox = Outbox()
    outbox.add(frozenset({1}), now=0)
    times: list[float] = []
    now = 0.0
    while len(times) < 8:
        if send_all(outbox, now):
            times.append(now)
        now += 1
    waits = [b - a for a, b in pairwise(times)]
    assert waits == [30, 60, 120, 240, 480, LONGEST_WAIT_S, LONGEST_WAIT_S]
    assert outbox.repeats == 7


def test_when_nobody_subscribes_it_asks_again_every_ten_seconds() -> None:
    """The reason code 0x10 does not lengthen the wait."""
    outbox = Outbox()
    key = outbox.add(frozenset({1}), now=0)
    for attempt in range(5):
        now = attempt * NOBODY_WAIT_S
        assert send_all(outbox, now) == 1
        assert outbox.answered((1, key), NO_SUBSCRIBERS, now)
        assert not outbox.due(now + NOBODY_WAIT_S - 1)


def test_a_refused_batch_is_told() -> None:
    """A reason code of 0x80 and above says that the broker did not take it."""
    outbox = Outbox()
    key = outbox.add(frozenset({1}), now=0)
    send_all(outbox, 0)
    assert not outbox.answered((1, key), 0x87, 0)
    assert outbox.answered((9, 9), 0x87, 0), "somebody else's publication"


def test_a_new_connection_makes_everything_due() -> None:
    """Nobody new on the line has heard of what was sent before."""
    outbox = Outbox()
    outbox.add(frozenset({1}), now=0)
    send_all(outbox, 0)
    assert not outbox.due(1)
    outbox.hurry(1)
    assert len(outbox.due(1)) == 1


class AnyOrder(RuleBasedStateMachine):
    """Readings come, are sent, receipted and repeated in any order."""

    def __init__(self) -> None:
        """Begin with an empty spool."""
        super().__init__()
        self.outbox = Outbox()
        self.open: set[int] = set()
        self.seq = 0
        self.now = 0.0

    @rule(count=st.integers(1, 500))
    def read(self, count: int) -> None:
        """Take readings."""
        self.open |= set(range(self.seq + 1, self.seq + count + 1))
        self.seq += count

    @rule(newest=st.booleans())
    def fill(self, newest: bool) -> None:  # noqa: FBT001 Hypothesis passes it
        """Make a parcel: it is full, or holds all that is not under way."""
        open_seqs = sorted(self.open, reverse=newest)[: self.outbox.look_back()]
        under_way = {seq for _, parcel in self.outbox.due(1e12) for seq in parcel.seqs}
        chosen = self.outbox.choose(open_seqs)
        if len(self.outbox) < OUTSTANDING:
            assert len(chosen) == min(BATCH_READINGS, len(self.open - under_way))
        if chosen:
            assert not chosen & under_way
            self.outbox.add(chosen, self.now)

    @rule(seconds=st.floats(0, 700))
    def wait_and_send(self, seconds: float) -> None:
        """Let time pass, and send."""
        self.now += seconds
        send_all(self.outbox, self.now)

    @rule(first=st.integers(1, 3000), count=st.integers(0, 600))
    def settle(self, first: int, count: int) -> None:
        """Receive a receipt for some of the readings."""
        seqs = self.open & set(range(first, first + count))
        self.outbox.settle(ranges_of(seqs))
        self.open -= seqs

    @rule()
    def hurry(self) -> None:
        """Connect anew."""
        self.outbox.hurry(self.now)

    @invariant()
    def holds_only_open_readings_once_and_few_parcels(self) -> None:
        """What is under way is open, in one parcel each, in at most eight parcels, and due again within ten minutes."""
        parcels = [parcel for _, parcel in self.outbox.due(1e12)]
        seqs = [seq for parcel in parcels for seq in parcel.seqs]
        assert len(parcels) <= OUTSTANDING
        assert len(seqs) == len(set(seqs))
        assert set(seqs) <= self.open
        assert all(parcel.due <= self.now + LONGEST_WAIT_S for parcel in parcels)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
