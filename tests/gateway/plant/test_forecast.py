"""What a bus will be asked is what the planner plans, and `plan` prints it."""

import argparse
from pathlib import Path

import msgspec
import pytest
from mmetering_contract.quantity import Group
from mmetering_gateway.cli import plan
from mmetering_gateway.planning.requests import Request
from mmetering_gateway.plant.forecast import BusForecast, forecast_of
from mmetering_gateway.plant.plant import read_plant
from mmetering_runtime.config import Environment

PLANT = """\
[intervals]
live = 5
demand = 0

[[bus]]
name = "cellar"
type = "rtu"
device = "/dev/null"

[[meter]]
slug = "flat-1"
bus = "cellar"
address = 1

[[meter]]
slug = "flat-2"
bus = "cellar"
address = 2
"""


def test_a_bus_is_told_with_its_groups_and_their_requests() -> None:
    """Two SDM630 at 9600 baud: 72 registers of live values from 0 on, 157 bytes, 282 ms each with a pause of 60 ms."""
    (bus,) = forecast_of(read_plant(PLANT, "plant.toml"))
    live = next(group for group in bus.groups if group.group is Group.LIVE)
    assert (bus.bus, bus.meters, bus.safe) == ("cellar", 2, True)
    assert live.interval_s == 5
    assert live.seconds == pytest.approx(2 * 0.2816, abs=1e-4)
    assert live.load == pytest.approx(live.seconds / 5, abs=1e-4)
    (read,) = live.reads
    assert (read.model, read.meters, read.requests, read.bytes) == ("sdm630", 2, (Request(0x00, 72),), 157)
    assert bus.load == pytest.approx(sum(group.load for group in bus.groups), abs=1e-3)


def test_a_group_that_is_left_out_takes_nothing() -> None:
    """It is told all the same, without an interval."""
    (bus,) = forecast_of(read_plant(PLANT, "plant.toml"))
    assert [group.group for group in bus.groups] == [Group.ENERGY, Group.LIVE, Group.QUALITY, Group.DEMAND]
    demand = bus.groups[-1]
    assert (demand.interval_s, demand.load) == (None, 0.0)
    assert demand.seconds > 0


def printed(text: str, directory: Path, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str]:
    """Return the exit status of `plan` and what it prints."""
    file = directory / "plant.toml"
    file.write_text(text)
    parser = argparse.ArgumentParser()
    plan.add_arguments(parser)
    environment = Environment({"MMETERING_PLANT": str(file), "MMETERING_SPOOL": str(directory / "spool.db")})
    status = plan.run(environment, parser.parse_args(options))
    return status, capsys.readouterr().out


def test_plan_prints_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line a bus, and below it one for each group and model."""
    status, out = printed(PLANT, tmp_path, capsys)
    first, _, *lines = out.splitlines()
    assert status == 0
    assert first.startswith("Bus cellar: 2 meters, busy for 15% of its time")
    assert first.endswith("shortest safe live interval 2 s")
    assert lines[1].split() == ["live", "5", "s", "0.56", "s", "11.3%", "sdm630", "2", "282", "ms", "157", "0000+72"]
    assert lines[3].startswith("demand   never")


def test_plan_says_when_a_bus_has_too_much_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It ends with status 1 then, and tells what could be."""
    status, out = printed(PLANT.replace("live = 5", "live = 1"), tmp_path, capsys)
    assert status == 1
    assert out.startswith("Bus cellar: 2 meters, TOO BUSY: ")
    assert "shortest safe live interval 2 s" in out


def test_plan_prints_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Scripts get the whole forecast."""
    _, out = printed(PLANT, tmp_path, capsys, "--json")
    assert msgspec.json.decode(out, type=tuple[BusForecast, ...]) == forecast_of(read_plant(PLANT, "plant.toml"))
