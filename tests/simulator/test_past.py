"""The past in a gateway's spool, and the building as a gateway's plant."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mmetering_contract.payload import encode
from mmetering_contract.record import Device, decode_batch
from mmetering_gateway.meter.sample import Sample
from mmetering_gateway.plant.plant import RtuBus, TcpBus, read_plant
from mmetering_gateway.spool.spool import Spool
from mmetering_simulator.__main__ import main
from mmetering_simulator.building import DEFAULT, load_building
from mmetering_simulator.meter import SimulatedMeter
from mmetering_simulator.past import write_past
from mmetering_simulator.plant import plant

BUILDING = load_building()
METERS = len(BUILDING.meter)
NOW = datetime(2026, 3, 29, 4, 7, 13, tzinfo=UTC)  # a night in which the clocks changed
LAST = datetime(2026, 3, 29, 4, 0, tzinfo=UTC)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """An empty spool."""
    with Spool(tmp_path / "spool.db") as spool:
        yield spool


def _readings(spool: Spool) -> list[dict[str, object]]:
    return [json.loads(payload) for _, _, payload in spool.payloads(spool.open_seqs(1_000_000, newest=False))]


def test_each_quarter_hour_is_there_once(spool: Spool) -> None:
    """Every meter must have both scan groups at each quarter hour of the days, the last one included, in order."""
    assert write_past(BUILDING, spool, days=2, now=NOW.timestamp()) == METERS * 2 * (2 * 96 + 1)
    readings = _readings(spool)
    instants = [str(reading["ts"]) for reading in readings]
    expected = {(LAST - timedelta(minutes=15 * back)).isoformat().replace("+00:00", "Z") for back in range(2 * 96 + 1)}
    assert set(instants) == expected
    assert instants == sorted(instants)
    keys = Counter((reading["meter"], reading["group"], reading["ts"]) for reading in readings)
    assert len(keys) == len(readings)
    assert {group for _, group, _ in keys} == {"live", "energy"}


def test_it_is_what_the_meter_says_at_that_time(spool: Spool) -> None:
    """A reading of the past must hold what the meter's registers hold then: two register tables must agree."""
    write_past(BUILDING, spool, days=1, now=NOW.timestamp())
    newest = {(reading["meter"], reading["group"]): reading for reading in _readings(spool)}
    for slug in ("flat-03", "chp"):
        said = SimulatedMeter(BUILDING, slug).values(LAST.timestamp())
        live, energy = newest[slug, "live"]["values"], newest[slug, "energy"]["values"]
        assert isinstance(live, dict)
        assert isinstance(energy, dict)
        for name, address in {"voltage_l2": 0x02, "current_l3": 0x0A, "power_l1": 0x0C, "power_total": 0x34}.items():
            assert live[name] == pytest.approx(said[address], rel=1e-6)
        for name, address in {"energy_import": 0x48, "energy_export": 0x4A, "energy_export_l3": 0x164}.items():
            assert energy[name] == pytest.approx(1000 * said[address], rel=1e-6, abs=1)
        assert len(live) == 11
        assert len(energy) == 26


def test_a_second_past_adds_only_what_is_missing(spool: Spool) -> None:
    """Written twice the past must not double; an hour later it must grow by that hour."""
    write_past(BUILDING, spool, days=1, now=NOW.timestamp())
    assert write_past(BUILDING, spool, days=1, now=NOW.timestamp()) == 0
    assert write_past(BUILDING, spool, days=30, now=NOW.timestamp()) == 0
    assert write_past(BUILDING, spool, days=1, now=NOW.timestamp() + 3600) == METERS * 2 * 4


def test_it_goes_on_behind_what_the_gateway_read(spool: Spool) -> None:
    """Where the gateway has read a meter itself the past must fill the time after that alone, each meter its own."""
    newest = LAST - timedelta(minutes=40)
    spool.append([Sample("flat-03", newest, "live", {"power_total": 1.0}, span_ms=1)])
    assert write_past(BUILDING, spool, days=1, now=NOW.timestamp()) == (METERS - 1) * 2 * 97 + 2 * 3


def test_before_the_installation_there_is_nothing(spool: Spool) -> None:
    """The past must begin with the installation at the earliest."""
    now = BUILDING.installed + timedelta(hours=2)
    assert write_past(BUILDING, spool, days=60, now=now.timestamp()) == METERS * 2 * 9
    assert write_past(BUILDING, spool, days=60, now=now.timestamp() - 86400) == 0


def test_batches_know_the_meters(spool: Spool) -> None:
    """Each meter's model and serial number must be in the spool, or its readings could not travel in a batch."""
    write_past(BUILDING, spool, days=1, now=(BUILDING.installed + timedelta(hours=1)).timestamp())
    devices = spool.devices()
    assert devices["chp"] == Device("sdm630", "23040113")
    assert devices.keys() == BUILDING.meter.keys()
    batch = {"epoch": spool.epoch, "meters": devices, "readings": _readings(spool)}
    assert len(decode_batch(encode(batch)).readings) == METERS * 2 * 5


def test_the_command_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command must say how many readings it wrote, and refuse a spool that a gateway has open."""
    arguments = ["past", "--days", "0", "--spool", str(tmp_path / "spool.db")]
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"readings={METERS * 2}\n"
    with Spool(tmp_path / "spool.db"):
        assert main(arguments) == 1
    assert "in use" in capsys.readouterr().err


def test_a_gateway_understands_the_plant(tmp_path: Path) -> None:
    """The plant must be one that the gateway's own reader accepts, with every meter on its bus."""
    text = plant(BUILDING.with_ports({"flats": 15020}), tmp_path, "127.0.0.1")
    read = read_plant(text, "plant.toml")
    assert read.bus == (
        TcpBus("flats", "127.0.0.1", 15020),
        RtuBus("cellar", str(tmp_path / "cellar"), 9600),
    )
    assert [(meter.slug, meter.bus, meter.address) for meter in read.meter] == [
        (slug, meter.bus, meter.unit) for slug, meter in BUILDING.meter.items()
    ]
    assert read.meter[0].label == "Flat 1"


def test_the_plant_names_each_meter_s_model(tmp_path: Path) -> None:
    """A building may have meters of several models, and the plant must tell the gateway which is which."""
    text = DEFAULT.read_text(encoding="utf-8").replace("[meter.pv]", '[meter.pv]\nmodel = "sdm72d-m-v2"')
    (tmp_path / "building.toml").write_text(text, encoding="utf-8")
    read = read_plant(plant(load_building(tmp_path / "building.toml"), tmp_path, "127.0.0.1"), "plant.toml")
    assert {meter.slug: meter.model for meter in read.meter if meter.model != "sdm630"} == {"pv": "sdm72d-m-v2"}


def test_the_plant_of_the_deployment_is_the_printed_one() -> None:
    """The plant that lies beside the deployment's demonstration must be what its first lines say that it is."""
    text = (Path(__file__).parents[2] / "demo/plant.toml").read_text(encoding="utf-8")
    assert "mmetering-simulator plant --host building --port cellar=5021\n" in text
    printed = plant(BUILDING.with_ports({"cellar": 5021}), Path("simulator-state"), "building")
    assert text.endswith(f"\n\n{printed}")


def test_the_plant_command_prints_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command must print the plant, with the port that it was told."""
    assert main(["plant", "--state", str(tmp_path), "--port", "flats=15021"]) == 0
    assert "port = 15021\n" in capsys.readouterr().out
