"""The live state of a gateway as a test sees it, without a broker."""

from mmetering_contract.reading import Reading
from mmetering_contract.state import MeterInfo
from mmetering_contract.topic import Site
from mmetering_gateway.publish.live import Live
from mmetering_runtime.config import Broker
from mmetering_runtime.mqtt import Session

SITE = Site("home")


class KeptLive(Live):
    """A live state that remembers what was published, there being no broker to see it at."""

    def __init__(self) -> None:
        """Make it over a session that is never started."""
        super().__init__(Session(Broker(SITE, "127.0.0.1", 1, "main", "secret"), "test"), SITE, "main", "e")
        self.readings: list[Reading] = []
        self.infos: dict[str, MeterInfo] = {}

    def reading(self, reading: Reading) -> None:
        """Keep a reading."""
        super().reading(reading)
        self.readings.append(reading)

    def meter(self, meter: str, info: MeterInfo, *, online: bool) -> None:
        """Keep what a meter is."""
        super().meter(meter, info, online=online)
        self.infos[meter] = info

    def taken(self) -> list[tuple[str, str]]:
        """Return meter and group of the readings since the last call."""
        taken = [(reading.meter, reading.group) for reading in self.readings]
        self.readings.clear()
        return taken
