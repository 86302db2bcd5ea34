"""One bus: ask its meters at every slot, spool what they said, publish it. Each bus has a thread of its own.

A meter that does not answer costs the others one timeout in a slot: it is not asked a second time there.
"""

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from mmetering_contract.quantity import BY_NAME, Group
from mmetering_contract.record import Device
from mmetering_contract.state import MeterInfo
from mmetering_runtime.log import Log

from mmetering_gateway.health import Condition
from mmetering_gateway.live import Live
from mmetering_gateway.modbus import Link, LinkError, ModbusError, RefusedError
from mmetering_gateway.plan import Request, plan
from mmetering_gateway.plant import Bus, Meter
from mmetering_gateway.registers import WIDTH, Model, decode
from mmetering_gateway.sample import Sample
from mmetering_gateway.schedule import Slot, missed_slots, next_slot
from mmetering_gateway.sdm630 import MODELS
from mmetering_gateway.spool import Spool

# A slot that is reached later than this was passed by a clock that was set, or by a machine that slept.
LATE_S = 1.0

log = Log("gateway.poll")


class Poller:
    """The meters of one bus. `conditions`, `overruns` and `busy_s` may be read from any thread."""

    def __init__(
        self, bus: Bus, meters: tuple[Meter, ...], intervals: Mapping[Group, int], spool: Spool, live: Live
    ) -> None:
        """Prepare to poll; `run` does it."""
        self.bus = bus.name
        self.conditions = {meter.slug: Condition() for meter in meters}
        self.overruns = 0
        self.busy_s = 0.0
        self._link = Link(bus)
        self._meters = meters
        self._intervals = intervals
        self._spool = spool
        self._live = live
        self._names: dict[str, str] = {}  # slug in the plant to the slug of the physical meter, once it is identified

    def run(self, stopping: threading.Event) -> None:
        """Poll at every slot until stopped; whatever fails in one slot, the next one is polled."""
        previous: Slot | None = None
        while slot := self._wait(stopping):
            if previous:
                self.overruns += missed_slots(previous, slot, self._intervals)
            began = time.monotonic()
            try:
                self.poll(slot)
            except Exception:
                log.exception("slot_failed", bus=self.bus)
            self.busy_s += time.monotonic() - began
            previous = slot
        self._link.close()

    def _wait(self, stopping: threading.Event) -> Slot | None:
        """Return the next slot at its time, planned anew whenever the wall clock was set; None when stopped."""
        slot = next_slot(time.time(), self._intervals)
        while not stopping.wait(min(max(slot.at - time.time(), 0), LATE_S)):
            now = time.time()
            if 0 <= now - slot.at < LATE_S:
                return slot
            slot = next_slot(now, self._intervals)
        return None

    def poll(self, slot: Slot) -> None:
        """Read the slot's groups of all meters, the most important group first."""
        silent: set[str] = set()
        for group in slot.groups:
            samples = []
            for meter in self._meters:
                if meter.slug not in silent:
                    samples += self._ask(meter, group, silent)
            for reading in self._spool.append(samples):
                self._live.reading(reading)

    def _ask(self, meter: Meter, group: Group, silent: set[str]) -> list[Sample]:
        """Return one sample, or none; then the meter is silent for this slot, or with a dead bus all of them are."""
        began = time.monotonic()
        try:
            name = self._names.get(meter.slug) or self._identify(meter)
            sample = self._read(meter, name, group)
        except LinkError as error:
            silent.update(self.conditions)
            for other in self._meters:
                self._failed(other, str(error))
            return []
        except ModbusError as error:
            silent.add(meter.slug)
            self._failed(meter, str(error))
            return []
        self._answered(meter, name, (time.monotonic() - began) * 1000)
        return [sample]

    def _identify(self, meter: Meter) -> str:
        """Return the slug of the physical meter: the plant's, unless another serial number is known under that."""
        serial = self._serial(meter)
        known = self._spool.devices().get(meter.slug, Device(meter.model))
        name = meter.slug
        if serial and known.serial and serial != known.serial:
            name = f"{meter.model}-{serial}"
            log.warning("meter_replaced", meter=meter.slug, serial=known.serial, by=serial, published_as=name)
            self._publish(meter, meter.slug, known.serial, f"replaced by serial number {serial}")
        self._spool.remember(name, Device(meter.model, serial or known.serial))
        self._names[meter.slug] = name
        return name

    def _serial(self, meter: Meter) -> str | None:
        address = MODELS[meter.model].serial
        if address is None:
            return None
        try:
            high, low = self._link.read_holdings(meter.address, Request(address, WIDTH))
        except RefusedError:  # older units lack the register
            return None
        return str(high << 16 | low)

    def _read(self, meter: Meter, name: str, group: Group) -> Sample:
        """Read a group in as few requests as the bus wants; a part that is refused or lost is missing from it."""
        wanted = MODELS[meter.model].of_group(group)
        blocks: dict[int, list[int]] = {}
        failure: ModbusError = ModbusError(f"{meter.model} has no registers of group {group}")
        began = arrived = time.time()
        for request in self._requests(MODELS[meter.model], group):
            try:
                blocks[request.address] = self._link.read_inputs(meter.address, request)
                arrived = time.time()
            except LinkError:
                raise
            except ModbusError as error:
                failure = error
        values, missing = decode(wanted, blocks)
        if not values:
            raise failure
        ts = datetime.fromtimestamp(int(arrived * 1000) / 1000, UTC)
        return Sample(name, ts, group, values, max(0, round((arrived - began) * 1000)), missing=missing)

    def _requests(self, model: Model, group: Group) -> tuple[Request, ...]:
        return plan(model.of_group(group), model.limit, self._link.wire)

    def _answered(self, meter: Meter, name: str, took_ms: float) -> None:
        before = self.conditions[meter.slug]
        self.conditions[meter.slug] = before.answered(datetime.now(UTC), took_ms)
        if not before.online:
            log.info("meter_online", meter=name, bus=self.bus, address=meter.address)
            self._publish(meter, name, self._spool.devices()[name].serial)

    def _failed(self, meter: Meter, reason: str) -> None:
        before = self.conditions[meter.slug]
        after = self.conditions[meter.slug] = before.failed(datetime.now(UTC), reason)
        if after.online is False and before.online is not False:
            name = self._names.pop(meter.slug, meter.slug)  # what comes back may be another meter
            log.warning("meter_offline", meter=name, bus=self.bus, address=meter.address, reason=reason)
            known = self._spool.devices().get(name)
            self._publish(meter, name, known.serial if known else None, reason)

    def _publish(self, meter: Meter, name: str, serial: str | None, reason: str = "") -> None:
        condition = self.conditions[meter.slug]
        info = MeterInfo(
            model=meter.model,
            bus=meter.bus,
            address=meter.address,
            since=condition.since or datetime.now(UTC),
            reason=reason,
            serial=serial,
            label=meter.label,
            units={register.quantity: BY_NAME[register.quantity].unit for register in MODELS[meter.model].registers},
        )
        self._live.meter(name, info, online=not reason)
