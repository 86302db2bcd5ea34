"""The gateway: a poller for each bus, and one loop that talks to the broker."""

import math
import random
import threading
import time

from mmetering_contract.errors import ContractError
from mmetering_contract.payload import encode
from mmetering_contract.state import OFFLINE, ONLINE, decode_meter_info
from mmetering_contract.topic import meter_of
from mmetering_runtime.event import Connected, Event, Message, Published
from mmetering_runtime.heartbeat import Heartbeat
from mmetering_runtime.log import Log
from mmetering_runtime.metrics import served
from mmetering_runtime.mqtt import NotConnectedError, Presence, Session, Subscription

from mmetering_gateway.clock import Clock
from mmetering_gateway.config import Config
from mmetering_gateway.metrics import HealthCollector
from mmetering_gateway.order import Orders
from mmetering_gateway.plant.desired import Desired
from mmetering_gateway.plant.forecast import forecast_of
from mmetering_gateway.plant.plant import Plant
from mmetering_gateway.poll import Poller
from mmetering_gateway.publish.discovery import BIRTH_TOPIC
from mmetering_gateway.publish.live import Live
from mmetering_gateway.publish.record import Record
from mmetering_gateway.publish.removal import has_left
from mmetering_gateway.spool.dater import Dater
from mmetering_gateway.spool.spool import Spool
from mmetering_gateway.vitals import Vitals

TICK_S = 0.2
HEALTH_S = 30.0
PRUNE_S = 3600.0
ANNOUNCE_S = 3.0  # at most; Home Assistant wants not all devices at once when it has started

log = Log("gateway")


class Gateway:
    """All of one gateway. `run` returns when `stopping` is set."""

    def __init__(self, config: Config, spool: Spool, clock: Clock) -> None:
        """Wire it up; nothing is opened yet."""
        site, gateway = config.broker.site, config.gateway
        self._config = config
        self._spool = spool
        self._dater = Dater(clock, spool)
        self._desired = Desired(config.plant, config.spool.with_name("plant.json"))
        plant = self._desired.plant
        _tell(plant)
        self._session = Session(
            config.broker,
            client_id=f"mmetering-gateway-{gateway}",
            presence=Presence(site.gateway_status(gateway), ONLINE, OFFLINE),
            subscriptions=(
                Subscription(site.receipt(gateway), 1),
                Subscription(site.service_status("ingest"), 1),
                Subscription(site.command(gateway), 1),
                Subscription(site.plant(gateway), 1),  # ahead of the meters that it may name
                Subscription(site.meter_info(gateway), 1),
                Subscription(BIRTH_TOPIC, 1),
            ),
        )
        self._live = Live(self._session, site, gateway, spool.epoch)
        self._record = Record(self._session, site, gateway, spool)
        self._pollers = [Poller(bus, plant, spool, self._live, clock=clock) for bus in plant.bus]
        self._orders = Orders(self._session, site, gateway, self._pollers, plant.models)
        self._heartbeat = Heartbeat(config.heartbeat)
        self._vitals = Vitals(self._pollers, spool, self._record, self._desired, clock)
        self._health_at = self._pruned_at = time.monotonic()
        self._announce_at = math.inf

    def run(self, stopping: threading.Event) -> None:
        """Poll and publish until stopped.

        Raises:
            ConfigError: metrics cannot be served where they are wanted.
        """
        with served(self._config.metrics, HealthCollector(self._config.gateway, self._vitals.health)):
            self._run(stopping)

    def _run(self, stopping: threading.Event) -> None:
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
            for poller in self._pollers:
                poller.submit(iter(()))  # wakes it
            for thread in threads:
                thread.join()
            self._orders.close()
            self._session.stop()

    def _turn(self) -> None:
        event = self._session.next(TICK_S)
        while event:
            self._take(event, time.monotonic())
            event = self._session.next(0)
        now = time.monotonic()
        if clock_is_good := self._dater.turn():
            self._record.send(now)
        if now - self._health_at >= HEALTH_S:
            self._vitals.measure(now)
            self._publish_health()
            self._health_at = now
        if clock_is_good and now - self._pruned_at >= PRUNE_S:
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
                self._orders.again()
            case Published():
                self._record.answered(event, now)
            case Message():
                self._hear(event, now)

    def _hear(self, message: Message, now: float) -> None:
        match message:
            case Message(topic=topic) if topic.endswith("/receipt"):
                self._record.receipt(message.payload)
            case Message(topic=topic) if topic.endswith("/plant"):
                self._change(message.payload)
            case Message(topic=topic) if topic.endswith("/info"):
                if message.retained:  # else it is our own, on its way back
                    self._compare(message)
            case Message(topic=topic) if topic == BIRTH_TOPIC:
                if message.payload == ONLINE and not message.retained:
                    self._announce_at = now + random.uniform(0, ANNOUNCE_S)  # noqa: S311 keeps no secret
            case Message(topic=topic) if "/command/" in topic:
                self._orders.take(message)
            case Message(payload=payload) if payload == ONLINE:
                self._record.outbox.hurry(now)  # an ingest has come

    def _change(self, payload: bytes) -> None:
        """Read the meters that the broker tells from now on, if that is where the plant's come from."""
        if self._desired.take(payload):
            plant = self._desired.plant
            log.info("plant_changed", revision=self._desired.revision, meters=len(plant.meter))
            _tell(plant)
            for poller in self._pollers:
                poller.change(plant)
        self._publish_health()  # which tells what became of it

    def _compare(self, event: Message) -> None:
        """Clear the topics of a meter that the broker knows from earlier, if it has left the plant."""
        try:
            _, meter = meter_of(self._config.broker.site, event.topic)
            info = decode_meter_info(event.payload)
        except ContractError as error:
            log.error("info_malformed", topic=event.topic, reason=error)
            return
        if has_left(meter, info, self._desired.plant, self._spool.devices()):
            log.info("meter_removed", meter=meter, bus=info.bus, address=info.address)
            self._live.forget(meter)

    def _publish_health(self) -> None:
        health = self._vitals.health()
        try:
            topic = self._config.broker.site.gateway_health(self._config.gateway)
            self._session.publish(topic, encode(health))
        except NotConnectedError:
            log.info("health", spooled=health.spooled, oldest_s=health.oldest_s)


def _tell(plant: Plant) -> None:
    """Log how busy each bus will be, as a warning where that is more than it can carry."""
    for bus in forecast_of(plant):
        intervals = {f"{group.group}_s": group.interval_s or "never" for group in bus.groups}
        tell = log.info if bus.safe else log.warning
        tell(
            "bus_planned" if bus.safe else "bus_too_busy",
            bus=bus.bus,
            meters=bus.meters,
            load=round(bus.load, 2),
            shortest_live_s=bus.shortest_live_s or "none",
            **intervals,
        )
