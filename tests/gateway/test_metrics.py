"""What Prometheus scrapes is the health."""

import socket
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import pytest
from free_port import free_port
from mmetering_contract.state import BusHealth, GatewayHealth, MeterHealth
from mmetering_gateway.metrics import HealthCollector
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.tcp import TcpBus
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families
from service import Service
from wait import wait_for

HEALTH = GatewayHealth(
    at=datetime(2026, 11, 23, tzinfo=UTC),
    spooled=12,
    oldest_s=None,
    outstanding=1,
    repeats=2,
    buses={"cellar": BusHealth(0.31, requests=90, timeouts=3, garbled=4, exceptions=5, refused=6, overruns=7)},
    meters={
        "flat-1": MeterHealth(30, 1, 48.5, lost=3, suspect=2, limit=80, answered_at=datetime(2026, 11, 22, tzinfo=UTC)),
        "flat-2": MeterHealth(5, 5, None),
    },
    dropped=8,
)


def values(metrics: Iterable[Metric]) -> dict[tuple[str, str], float]:
    """Return the values of gateway, buses and meters by metric and slug."""
    found = {}
    for sample in (sample for metric in metrics for sample in metric.samples):
        labels = sample.labels
        assert labels["gateway"] == "main"
        found[sample.name, labels.get("bus") or labels.get("meter") or "main"] = sample.value
    return found


def test_every_figure_of_the_health_is_a_metric() -> None:
    """Counters end on `_total`, times are in seconds, and what is not known yet is not there."""
    found = values(HealthCollector("main", lambda: HEALTH).collect())
    assert found == {
        ("mmetering_spool_readings", "main"): 12,
        ("mmetering_spool_undated_readings", "main"): 0,
        ("mmetering_spool_archived_readings", "main"): 0,
        ("mmetering_spool_dropped_readings_total", "main"): 8,
        ("mmetering_batches_outstanding", "main"): 1,
        ("mmetering_batch_repeats_total", "main"): 2,
        ("mmetering_clock_good", "main"): 1,
        ("mmetering_plant_refused", "main"): 0,
        ("mmetering_bus_load_ratio", "cellar"): 0.31,
        ("mmetering_bus_requests_total", "cellar"): 90,
        ("mmetering_bus_timeouts_total", "cellar"): 3,
        ("mmetering_bus_garbled_replies_total", "cellar"): 4,
        ("mmetering_bus_exceptions_total", "cellar"): 5,
        ("mmetering_bus_refused_replies_total", "cellar"): 6,
        ("mmetering_bus_overruns_total", "cellar"): 7,
        ("mmetering_meter_polls_total", "flat-1"): 30,
        ("mmetering_meter_polls_total", "flat-2"): 5,
        ("mmetering_meter_failures_total", "flat-1"): 1,
        ("mmetering_meter_failures_total", "flat-2"): 5,
        ("mmetering_meter_lost_replies_total", "flat-1"): 3,
        ("mmetering_meter_lost_replies_total", "flat-2"): 0,
        ("mmetering_meter_suspect_readings_total", "flat-1"): 2,
        ("mmetering_meter_suspect_readings_total", "flat-2"): 0,
        ("mmetering_meter_turnaround_seconds", "flat-1"): 0.0485,
        ("mmetering_meter_last_success_timestamp_seconds", "flat-1"): datetime(2026, 11, 22, tzinfo=UTC).timestamp(),
        ("mmetering_meter_request_limit_registers", "flat-1"): 80,
    }


def a_gateway(directory: Path, bus_port: int, metrics_port: int) -> Service:
    """Prepare a gateway that polls every second and has no broker, which metrics do not need."""
    plant = directory / "plant.toml"
    plant.write_text(
        '[intervals]\nlive = 1\nenergy = 1\n[[bus]]\nname = "cellar"\ntype = "tcp"\nhost = "127.0.0.1"\n'
        f'port = {bus_port}\n[[meter]]\nslug = "flat-07"\nbus = "cellar"\naddress = 7\n'
    )
    environment = {
        "MMETERING_MQTT_PASSWORD": "secret",
        "MMETERING_MQTT_PORT": str(free_port()),
        "MMETERING_PLANT": str(plant),
        "MMETERING_SPOOL": str(directory / "spool.db"),
        "MMETERING_METRICS_PORT": str(metrics_port),
    }
    return Service("mmetering-gateway", environment, directory)


def scraped(port: int) -> dict[tuple[str, str], float]:
    """Return what the endpoint answers; nothing while it does not."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            return values(text_string_to_metric_families(answer.read().decode()))
    except OSError:
        return {}


@pytest.mark.servers
def test_a_running_gateway_is_scraped(tmp_path: Path) -> None:
    """Each scrape has the figures of its moment: readings come in, and a meter that falls silent is seen to."""
    port = free_port()
    with TcpBus({7: FixedMeter(serial=7)}) as bus, a_gateway(tmp_path, bus.port, port) as service:
        wait_for(lambda: scraped(port).get(("mmetering_spool_readings", "main"), 0) >= 2)
        before = scraped(port)
        last_success = before["mmetering_meter_last_success_timestamp_seconds", "flat-07"]
        assert abs(time.time() - last_success) < 60
        assert before["mmetering_bus_requests_total", "cellar"] >= before["mmetering_meter_polls_total", "flat-07"] > 0
        assert before["mmetering_bus_timeouts_total", "cellar"] == 0
        bus.unplug(7)
        wait_for(lambda: scraped(port).get(("mmetering_meter_failures_total", "flat-07"), 0) >= 1)
        assert scraped(port)["mmetering_bus_timeouts_total", "cellar"] >= 1
        assert service.stop() == 0


@pytest.mark.servers
def test_a_taken_port_ends_the_start_with_its_name(tmp_path: Path) -> None:
    """The gateway says which settings are wrong, and ends with status 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with a_gateway(tmp_path, free_port(), port) as service:
            assert service.wait() == 2
            place = f"MMETERING_METRICS_HOST=127.0.0.1, MMETERING_METRICS_PORT={port}"
            assert f"mmetering-gateway: {place}: Address already in use" in service.log
