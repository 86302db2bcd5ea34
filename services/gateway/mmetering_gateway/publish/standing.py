"""What the broker and the spool are told of the meters on a bus: who each of them is, and whether it is there."""

from collections.abc import Mapping
from datetime import UTC, datetime

from mmetering_contract.quantity import BY_NAME, Group
from mmetering_contract.record import Device
from mmetering_contract.state import MeterInfo
from mmetering_runtime.log import Log

from mmetering_gateway.meter.reader import Reader
from mmetering_gateway.publish.live import Live
from mmetering_gateway.spool.spool import Spool

log = Log("gateway.standing")


class Standing:
    """Keeps the condition of each meter, and publishes what has changed. For the thread of the bus.

    Attributes:
        intervals: scan group to seconds between two reads on the bus.
    """

    def __init__(self, intervals: Mapping[Group, int], spool: Spool, live: Live) -> None:
        """Publish on `live`, and remember in the spool who has been seen."""
        self.intervals = intervals
        self._spool = spool
        self._live = live

    def identify(self, reader: Reader) -> str:
        """Return the slug of the physical meter: the plant's, unless another serial number is known under that.

        Raises:
            ModbusError: it did not answer.
        """
        meter, serial = reader.meter, reader.identify().serial
        known = self._spool.devices().get(meter.slug, Device(meter.model))
        name = meter.slug
        if serial and known.serial and serial != known.serial:
            name = f"{meter.model}-{serial}"
            log.warning("meter_replaced", meter=meter.slug, serial=known.serial, by=serial, published_as=name)
            self._publish(reader, meter.slug, f"replaced by serial number {serial}")
        self._spool.remember(name, Device(meter.model, serial or known.serial))
        return name

    def answered(self, reader: Reader) -> None:
        """Take in that a meter gave a reading."""
        before, name = reader.condition, reader.name or reader.slug
        reader.condition = before.answered(datetime.now(UTC))
        if not before.online:
            log.info("meter_online", meter=name, bus=reader.meter.bus, address=reader.meter.address)
            self._publish(reader, name)

    def failed(self, reader: Reader, reason: str) -> None:
        """Take in why a meter gave none."""
        before = reader.condition
        reader.condition = before.failed(datetime.now(UTC), reason)
        if reader.condition.online is False and before.online is not False:
            name = reader.name or reader.slug
            log.warning("meter_offline", meter=name, bus=reader.meter.bus, address=reader.meter.address, reason=reason)
            self._publish(reader, name, reason)
            reader.forget()  # what comes back may be another meter

    def renew(self, reader: Reader) -> None:
        """Publish anew what a meter is, once it is known whether it is there."""
        condition = reader.condition
        if condition.online is not None:
            self._publish(reader, reader.name or reader.slug, "" if condition.online else condition.reason)

    def _publish(self, reader: Reader, name: str, reason: str = "") -> None:
        meter, known = reader.meter, self._spool.devices().get(name)
        info = MeterInfo(
            model=meter.model,
            bus=meter.bus,
            address=meter.address,
            since=reader.condition.since or datetime.now(UTC),
            reason=reason,
            serial=known.serial if known else None,
            firmware=reader.identity.firmware,
            label=meter.label,
            units={register.quantity: BY_NAME[register.quantity].unit for register in reader.model.registers},
            intervals={str(group): self.intervals[group] for group in self.intervals if group in reader.groups},
        )
        self._live.meter(name, info, online=not reason)
