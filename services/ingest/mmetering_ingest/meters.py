"""Which meter a reading is of, and which gateway that belongs to: the one that it was first seen on.

What is known is asked for anew when it contradicts a delivery, and forgotten after a while: people reassign meters.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import psycopg
from mmetering_contract.record import Device

from mmetering_ingest.account import Refused, Row
from mmetering_ingest.intake import Delivery
from mmetering_ingest.refusal import Kind, refuse

Seen = Mapping[str, tuple[Device, str]]  # slug to what it is and the gateway that says so


@dataclass(frozen=True, slots=True)
class _Meter:
    id: int
    gateway: str
    device: Device


class Meters:
    """The rows of the table `meter` that deliveries have asked for."""

    def __init__(self, queries: Mapping[str, str]) -> None:
        """Know none yet."""
        self._queries = queries
        self._meters: dict[str, _Meter] = {}

    def forget(self) -> None:
        """Ask for all of them again."""
        self._meters.clear()

    def sort(self, connection: psycopg.Connection, deliveries: Sequence[Delivery]) -> tuple[list[Row], list[Refused]]:
        """Give each reading its meter; readings of another gateway's meter are refused.

        Raises:
            psycopg.Error: the database does not answer.
        """
        self._register(connection, deliveries)
        rows, refused = [], [Refused(delivery, refusal) for delivery in deliveries for refusal in delivery.refusals]
        for delivery in deliveries:
            for reading in delivery.readings:
                meter = self._meters[reading.meter]
                if meter.gateway == delivery.gateway:
                    rows.append(Row(delivery, reading, meter.id))
                else:
                    reason = f"meter {reading.meter} belongs to gateway {meter.gateway}"
                    refused.append(Refused(delivery, refuse(Kind.OTHER_GATEWAY, reading, reason)))
        return rows, refused

    def _register(self, connection: psycopg.Connection, deliveries: Sequence[Delivery]) -> None:
        """Know all meters of the deliveries, entering new ones and what has changed of known ones."""
        seen = {
            meter: (device, delivery.gateway) for delivery in deliveries for meter, device in delivery.devices.items()
        }
        foreign = self._foreign(deliveries)
        if unknown := (seen.keys() - self._meters.keys()) | foreign:
            self._enter(connection, {meter: seen[meter] for meter in unknown})
        for slug, (device, gateway) in sorted(seen.items()):
            meter = self._meters[slug]
            if meter.device != device and meter.gateway == gateway:
                parameters = {"meter": meter.id, "gateway": gateway, "model": device.model, "serial": device.serial}
                connection.execute(self._queries["describe_meter"], parameters)
                self._meters[slug] = _Meter(meter.id, gateway, device)

    def _foreign(self, deliveries: Iterable[Delivery]) -> set[str]:
        """Return the meters that are delivered by others than we know of."""
        return {
            slug
            for delivery in deliveries
            for slug in delivery.devices
            if slug in self._meters and self._meters[slug].gateway != delivery.gateway
        }

    def _enter(self, connection: psycopg.Connection, seen: Seen) -> None:
        slugs = list(seen)
        parameters = {
            "slugs": slugs,
            "models": [seen[slug][0].model for slug in slugs],
            "serials": [seen[slug][0].serial for slug in slugs],
            "gateways": [seen[slug][1] for slug in slugs],
        }
        connection.execute(self._queries["register_meters"], parameters)
        for slug, meter_id, gateway, model, serial in connection.execute(self._queries["meters"], {"slugs": slugs}):
            self._meters[slug] = _Meter(meter_id, gateway, Device(model, serial))
