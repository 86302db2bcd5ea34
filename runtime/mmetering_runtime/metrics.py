"""A health as Prometheus scrapes it: the same figures in base units, named as it wants them.

Nothing is counted here. Names follow https://prometheus.io/docs/practices/naming/.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from mmetering_runtime.config import ConfigError, Environment

T = TypeVar("T")
COUNTER, GAUGE = CounterMetricFamily, GaugeMetricFamily


@dataclass(frozen=True, slots=True)
class Figure(Generic[T]):
    """One metric: what it is called, what it says, and where it comes from; None is not shown."""

    name: str
    help: str
    family: type[CounterMetricFamily] | type[GaugeMetricFamily]
    of: Callable[[T], float | None]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where Prometheus may ask."""

    host: str
    port: int


def endpoint_from(environment: Environment) -> Endpoint | None:
    """Return where to serve metrics, by MMETERING_METRICS_{HOST,PORT}; None, which port 0 is too, for nowhere.

    Raises:
        ConfigError: with the variable's name.
    """
    port = environment.integer("MMETERING_METRICS_PORT", 0, low=0, high=65535)
    return Endpoint(environment.text("MMETERING_METRICS_HOST", "127.0.0.1"), port) if port else None


def families(
    figures: Sequence[Figure[T]], labels: Sequence[str], healths: Mapping[tuple[str, ...], T]
) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
    """Yield a metric for each figure, with its values by the values of the labels."""
    for figure in figures:
        family = figure.family(f"mmetering_{figure.name}", figure.help, labels=labels)
        for names, health in healths.items():
            if (value := figure.of(health)) is not None:
                family.add_metric(names, value)
        yield family


@contextmanager
def served(endpoint: Endpoint | None, collector: Collector) -> Iterator[None]:
    """Answer scrapes meanwhile, where an endpoint is wanted.

    Raises:
        ConfigError: its port is taken, or its address is not this machine's.
    """
    if endpoint is None:
        yield
        return
    registry = CollectorRegistry()
    registry.register(collector)
    try:
        server, thread = start_http_server(endpoint.port, endpoint.host, registry)
    except OSError as error:
        place = f"MMETERING_METRICS_HOST={endpoint.host}, MMETERING_METRICS_PORT={endpoint.port}"
        raise ConfigError(f"{place}: {error.strerror}") from None
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
