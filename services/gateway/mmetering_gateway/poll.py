"""One bus: ask its meters at every slot, spool what they said, publish it. Each bus has a thread of its own.

A meter that does not answer is asked no more in its turn. One that was well until then is asked once again at the end
of the slot, so that a disturbed frame loses nothing; all others wait as their backoff says. Quality and demand are
read in the time that is left, of meters that are well.
"""

import queue
import threading
import time
from collections.abc import Container, Iterator, Mapping
from dataclasses import asdict
from itertools import groupby
from operator import itemgetter

import msgspec
from mmetering_contract.quantity import Group
from mmetering_contract.state import BusHealth, MeterHealth
from mmetering_runtime.log import Log

from mmetering_gateway.bus.errands import Errands
from mmetering_gateway.bus.errors import LinkError, ModbusError, NoReplyError
from mmetering_gateway.bus.link import Link
from mmetering_gateway.clock import Clock
from mmetering_gateway.commands.bench import Bench
from mmetering_gateway.meter.reader import Reader
from mmetering_gateway.meter.sample import Sample
from mmetering_gateway.models.registers import Model
from mmetering_gateway.planning.backlog import Backlog
from mmetering_gateway.planning.overload import Overload
from mmetering_gateway.planning.round import Round, Turn
from mmetering_gateway.planning.schedule import PROMPT, WAITING, Slot, late_slot, missed_slots, next_slot
from mmetering_gateway.plant.plant import Bus, Meter, Plant
from mmetering_gateway.publish.live import Live
from mmetering_gateway.publish.standing import Standing
from mmetering_gateway.spool.spool import Spool

# A slot that is reached later than this was passed by a clock that was set, or by a machine that slept.
LATE_S = 1.0
# A step of an errand is not begun so shortly before a slot: it may wait for a reply that does not come.
STEP_S = 0.5

log = Log("gateway.poll")


class Poller:
    """The meters of one bus. `overruns`, `busy_s` and `health` may be used from any thread."""

    def __init__(self, bus: Bus, plant: Plant, spool: Spool, live: Live, *, clock: Clock) -> None:
        """Prepare to poll the plant's meters on one of its buses; `run` does it."""
        self.bus = bus.name
        self.overruns = 0
        self.busy_s = 0.0
        self._link = Link(bus)
        self._clock = clock
        self._readers = {meter.slug: self._reader(meter, plant) for meter in plant.meters_on(bus.name)}
        self._intervals = plant.intervals_on(bus.name)
        self._standing = Standing(self._intervals, spool, live)
        self._overload = Overload()
        self._ahead_s = time.time() - time.monotonic()
        self._changes: queue.SimpleQueue[Plant] = queue.SimpleQueue()
        self._errands = Errands(bus.name)
        self._backlog = Backlog()
        self._spool = spool
        self._live = live

    def run(self, stopping: threading.Event) -> None:
        """Poll at every slot until stopped; whatever fails in one slot, the next one is polled."""
        previous: Slot | None = None
        while slot := self._wait(stopping, previous):
            self._count(self._unless_set(previous), slot)
            began = time.monotonic()
            try:
                self._adopt()
                self.poll(slot, began)
            except Exception:
                log.exception("slot_failed", bus=self.bus)
            self._errands.step()  # one at each slot, also where the bus has no time to spare
            self.busy_s += time.monotonic() - began
            previous = self._unless_set(slot)
        self.close()

    def close(self) -> None:
        """Close the link; the next poll opens it again."""
        self._link.close()

    def _wait(self, stopping: threading.Event, previous: Slot | None) -> Slot | None:
        """Return the next slot at its time, or at once what is late; None when stopped."""
        if previous and not stopping.is_set() and (late := late_slot(previous, time.time(), self._intervals)):
            return late
        slot = next_slot(time.time(), self._intervals)
        while not stopping.is_set():
            self._pass(max(slot.at - time.time(), 0))
            now = time.time()
            if 0 <= now - slot.at < LATE_S:
                return slot
            slot = next_slot(now, self._intervals)
        return None

    def change(self, plant: Plant) -> None:
        """Read this plant's meters of the bus, from the next slot on."""
        self._changes.put(plant)

    def _adopt(self) -> None:
        """Take over the changes; who stays at its place goes on as it is, and who left the plant is forgotten."""
        while not self._changes.empty():
            plant = self._changes.get()
            intervals = self._intervals
            self._intervals = self._standing.intervals = plant.intervals_on(self.bus)
            meters, slugs = plant.meters_on(self.bus), {meter.slug for meter in plant.meter}
            before = self._readers
            self._readers = {meter.slug: self._kept(meter) or self._reader(meter, plant) for meter in meters}
            for slug in before.keys() - slugs:
                for name in {slug, before[slug].name or slug}:
                    log.info("meter_removed", meter=name, bus=self.bus, address=before[slug].meter.address)
                    self._live.forget(name)
            if self._intervals != intervals:
                for reader in self._readers.values():
                    self._standing.renew(reader)

    def _reader(self, meter: Meter, plant: Plant) -> Reader:
        return Reader(meter, plant.model_of(meter), self._link, self._clock)

    def _kept(self, meter: Meter) -> Reader | None:
        """Return the reader of a meter that is read as before; it may have got another label."""
        reader = self._readers.get(meter.slug)
        if reader is None or msgspec.structs.replace(reader.meter, label=meter.label) != meter:
            return None
        if reader.meter != meter:
            reader.meter = meter
            self._standing.renew(reader)
        return reader

    def bench(self, models: Mapping[str, Model]) -> Bench:
        """Return what a command may use; it is worked as an errand."""
        return Bench(self._link, tuple(reader.meter for reader in self._readers.values()), models)

    def submit(self, errand: Iterator[object]) -> None:
        """Have an errand done between slots, on the thread of the bus; each of its steps asks the bus once at most."""
        self._errands.submit(errand)

    def _pass(self, seconds: float) -> None:
        """Use some of the time until the next slot for a turn that waits and an errand's next step, or let it pass."""
        began = time.monotonic()
        used = self._catch_up(seconds)
        left = seconds - (time.monotonic() - began)
        used = (left > STEP_S and self._errands.step()) or used
        if used:
            self.busy_s += time.monotonic() - began
        else:
            self._errands.wait(min(max(left, 0), LATE_S))

    def _catch_up(self, seconds: float) -> bool:
        """Take the first turn that waits, if there is time for it; return whether it was taken.

        It is not asked for again, and says nothing of how the meter is: there is a slot soon enough.
        """
        turn = self._backlog.first(self._able())
        if turn is None or self._readers[turn[0]].longest_s(turn[1]) > seconds:
            return False
        self._backlog.taken(turn)
        round_ = Round()
        try:
            self._take([turn], round_, time.monotonic(), partly=True)
        except Exception:
            log.exception("turn_failed", bus=self.bus)
        if round_.is_dead:
            self._backlog.keep(())
        return True

    def _unless_set(self, slot: Slot | None) -> Slot | None:
        """Return the slot; None if the wall clock was set since the last call: it passed slots then, not the bus."""
        before, self._ahead_s = self._ahead_s, time.time() - time.monotonic()
        return slot if abs(self._ahead_s - before) < LATE_S else None

    def _count(self, previous: Slot | None, slot: Slot) -> None:
        missed = missed_slots(previous, slot, self._intervals) if previous else 0
        able = self._able()
        missed += sum(self._backlog.waits(group, able) for group in slot.groups)  # in vain, since its last slot
        self.overruns += missed
        before, self._overload = self._overload, self._overload.after(slot.at, missed)
        if self._overload.at and not before.at:
            log.warning("bus_overloaded", bus=self.bus, overruns=self.overruns)
        elif before.at and not self._overload.at:
            log.info("bus_keeps_up", bus=self.bus, overruns=self.overruns)

    def poll(self, slot: Slot, now: float) -> None:
        """Read the slot's groups of all meters that are due at `now`, in seconds of a monotonic clock."""
        due = [reader for reader in self._readers.values() if reader.backoff.due(now)]
        prompt = [group for group in slot.groups if group in PROMPT]
        turns = [(reader.slug, group) for group in prompt for reader in due if group in reader.groups]
        round_ = Round()
        self._take(turns, round_, now)
        self._take(round_.again(self._well()), round_, now, partly=True)
        for slug in dict.fromkeys(slug for slug, _ in turns):
            if slug in round_.heard:
                self._standing.answered(self._readers[slug])
            else:
                self._standing.failed(self._readers[slug], round_.reasons[slug])
        self._put_off(slot.groups, self._well())

    def _put_off(self, groups: Container[Group], well: dict[str, Reader]) -> None:
        """Let those of the groups that are not read at the slot itself wait, of meters that are well."""
        self._backlog.keep(well)
        for group in WAITING:
            if group in groups:
                self._backlog.fill(group, [slug for slug, reader in well.items() if group in reader.groups])

    def _able(self) -> set[str]:
        """Return the slugs of the meters that have answered their last question."""
        return {slug for slug, reader in self._readers.items() if not reader.backoff.silences}

    def _well(self) -> dict[str, Reader]:
        return {slug: reader for slug, reader in self._readers.items() if reader.condition.well}

    def _take(self, turns: list[Turn], round_: Round, now: float, *, partly: bool = False) -> None:
        """Read what the turns say, group by group, and publish it."""
        for group, same in groupby(turns, key=itemgetter(1)):
            samples: list[Sample] = []
            for slug, _ in same:
                if not round_.passes(slug, group):
                    samples += self._ask(self._readers[slug], group, round_, now, partly=partly)
            for reading in self._spool.append(samples):
                self._live.reading(reading)

    def _ask(self, reader: Reader, group: Group, round_: Round, now: float, *, partly: bool) -> list[Sample]:
        """Return one sample, or none."""
        try:
            reader.wake()
            reader.name = reader.name or self._standing.identify(reader)
            sample = reader.read(group, reader.name, partly=partly)
        except LinkError as error:
            round_.dead(reader.slug, group, str(error))
            return []
        except NoReplyError as error:
            reader.silent(now)
            round_.silent(reader.slug, group, str(error))
            return []
        except ModbusError as error:
            round_.reasons[reader.slug] = str(error)
            return []
        round_.heard.add(reader.slug)
        return [sample]

    def bus_health(self, load: float) -> BusHealth:
        """Return how the bus is doing, given the share of the time that it was in use."""
        return BusHealth(round(load, 4), overruns=self.overruns, **asdict(self._link.counts))

    def health(self) -> dict[str, MeterHealth]:
        """Return by slug how well each meter answers."""
        return {slug: reader.health() for slug, reader in self._readers.items()}
