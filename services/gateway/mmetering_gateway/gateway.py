"""The gateway: a poller for each bus, and one loop that talks to the broker."""

import math
import random
import threading
import time
from datetime import UTC, datetime

from mmetering_contract.errors import ContractError
from mmetering_contract.payload import encode
from mmetering_contract.state import OFFLINE, ONLINE, GatewayHealth, decode_meter_info
from mmetering_contract.topic import meter_of
from mmetering_runtime.event import Connected, Event, Message, Published
from mmetering_runtime.heartbeat import Heartbeat
from mmetering_runtime.log import Log
from mmetering_runtime.mqtt import NotConnectedError, Presence, Session, Subscription

from mmetering_gateway.config import Config
from mmetering_gateway.discovery import BIRTH_TOPIC
from mmetering_gateway.live import Live
from mmetering_gateway.poll import Poller
from mmetering_gateway.record import Record
from mmetering_gateway.removal import has_left
from mmetering_gateway.spool import Spool

TICK_S = 0.2
HEALTH_S = 30.0
PRUNE_S = 3600.0
ANNOUNCE_S = 3.0  # at most; Home Assistant wants not all devices at once when it has started

log = Log("gateway")


class Gateway:
    """All of one gateway. `run` returns when `stopping` is set."""

    def __init__(self, config: Config, spool: Spool) -> None:
        """Wire it up; nothing is opened yet."""
        site, gateway = config.broker.site, config.gateway
        self._config = config
        self._spool = spool
        self._session = Session(
            config.broker,
            client_id=f"mmetering-gateway-{gateway}",
            presence=Presence(site.gateway_status(gateway), ONLINE, OFFLINE),
            subscriptions=(
                Subscription(site.receipt(gateway), 1),
                Subscription(site.service_status("ingest"), 1),
                Subscription(site.meter_info(gateway), 1),
                Subscription(BIRTH_TOPIC, 1),
            ),
        )
        self._live = Live(self._session, site, gateway, spool.epoch, config.plant.intervals)
        self._record = Record(self._session, site, gateway, spool)
        self._pollers = [
            Poller(bus, config.plant.meters_on(bus.name), config.plant.intervals, spool, self._live)
            for bus in config.plant.bus
        ]
        self._heartbeat = Heartbeat(config.heartbeat)
        self._busy_s: dict[str, float] = {}
        self._health_at = self._pruned_at = time.monotonic()
        self._announce_at = math.inf

    def run(self, stopping: threading.Event) -> None:
        """Poll and publish until stopped."""
        threads = [
            threading.Thread(target=poller.run, args=(stopping,), name=f"bus-{poller.bus}") for poller in self._pollers
        ]
        for thread in threads:
            thread.start()
        self._session.start()
        try:
            while not stopping.is_set():
                self._turn()
        finally:
            stopping.set()
            for thread in threads:
                thread.join()
            self._session.stop()

    def _turn(self) -> None:
        event = self._session.next(TICK_S)
        while event:
            self._take(event, time.monotonic())
            event = self._session.next(0)
        now = time.monotonic()
        self._record.send(now)
        if now - self._health_at >= HEALTH_S:
            self._publish_health(now - self._health_at)
            self._health_at = now
        if now - self._pruned_at >= PRUNE_S:
            self._spool.prune()
            self._pruned_at = now
        if now >= self._announce_at:
            self._live.announce()
            self._announce_at = math.inf
        self._heartbeat.beat()

    def _take(self, event: Event, now: float) -> None:
        match event:
            case Connected():
                self._record.outbox.hurry(now)
                self._live.again()
            case Published():
                self._record.answered(event, now)
            case Message(topic=topic) if topic.endswith("/receipt"):
                self._record.receipt(event.payload)
            case Message(topic=topic) if topic.endswith("/info"):
                if event.retained:  # else it is our own, on its way back
                    self._compare(event)
            case Message(topic=topic) if topic == BIRTH_TOPIC:
                if event.payload == ONLINE and not event.retained:
                    self._announce_at = now + random.uniform(0, ANNOUNCE_S)  # noqa: S311 keeps no secret
            case Message(payload=payload) if payload == ONLINE:
                self._record.outbox.hurry(now)  # an ingest has come

    def _compare(self, event: Message) -> None:
        """Clear the topics of a meter that the broker knows from earlier, if it has left the plant."""
        try:
            _, meter = meter_of(self._config.broker.site, event.topic)
            info = decode_meter_info(event.payload)
        except ContractError as error:
            log.error("info_malformed", topic=event.topic, reason=error)
            return
        if has_left(meter, info, self._config.plant, self._spool.devices()):
            log.info("meter_removed", meter=meter, bus=info.bus, address=info.address)
            self._live.forget(meter)

    def _publish_health(self, elapsed_s: float) -> None:
        count, oldest = self._spool.depth()
        health = GatewayHealth(
            at=datetime.now(UTC),
            spooled=count,
            oldest_s=None if oldest is None else max(0.0, time.time() - oldest),
            outstanding=len(self._record.outbox),
            repeats=self._record.outbox.repeats,
            overruns=sum(poller.overruns for poller in self._pollers),
            bus_load={
                poller.bus: round((poller.busy_s - self._busy_s.get(poller.bus, 0.0)) / elapsed_s, 4)
                for poller in self._pollers
            },
            meters={slug: meter for poller in self._pollers for slug, meter in poller.health().items()},
            dropped=self._spool.dropped_count(),
            archived=self._spool.archived(),
        )
        self._busy_s = {poller.bus: poller.busy_s for poller in self._pollers}
        try:
            topic = self._config.broker.site.gateway_health(self._config.gateway)
            self._session.publish(topic, encode(health))
        except NotConnectedError:
            log.info("health", spooled=health.spooled, oldest_s=health.oldest_s)
