"""Which way a command takes to a bus, and what is said where there is none."""

import argparse
import fcntl
import os
import pty
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import SCRIPT, CommandLine
from fix_broker import Broker
from free_port import free_port
from mmetering_gateway.cli import simulate
from mmetering_gateway.spool.file import lock_of
from mmetering_gateway.spool.spool import Spool
from mmetering_runtime.config import ConfigError, Environment
from mmetering_simulator.fixed import FixedMeter
from mmetering_simulator.tcp import TcpBus
from plant import write_plant
from service import Service, mqtt_environment
from wait import wait_for

pytestmark = pytest.mark.servers

OWNS = "a gateway runs on this machine and owns the bus"


@pytest.fixture
def bus() -> Iterator[TcpBus]:
    """Give a bus with one meter, at 1."""
    with TcpBus({1: FixedMeter({0x0000: 231.5})}) as bus:
        yield bus


@pytest.fixture
def cli(bus: TcpBus, tmp_path: Path) -> CommandLine:
    """Give a command line with a plant and a spool, and no broker."""
    plant = write_plant(tmp_path, bus.port, meters=1, energy_s=60)
    return CommandLine({"MMETERING_PLANT": str(plant), "MMETERING_SPOOL": str(tmp_path / "spool.db")}, tmp_path)


@pytest.fixture
def gateway(broker: Broker, cli: CommandLine) -> Iterator[Service]:
    """Give a gateway that runs beside the command line."""
    cli.environment |= mqtt_environment(broker, "main")
    with Service("mmetering-gateway", cli.environment, cli.directory) as service:
        wait_for(lambda: "event=meter_online" in service.log and "event=mqtt_connected" in service.log)
        yield service


@pytest.fixture
def spool(cli: CommandLine) -> Iterator[Spool]:
    """Hold the spool, as a gateway does that has no connection to the broker."""
    with Spool(Path(cli.environment["MMETERING_SPOOL"])) as spool:
        yield spool


@pytest.mark.usefixtures("spool")
def test_the_broker_is_away(cli: CommandLine) -> None:
    """Where a gateway owns the bus and the broker is away, that must be said, with what to do."""
    (cli.directory / "password").write_text("secret\n")
    port = free_port()
    cli.environment |= {
        "MMETERING_MQTT_PORT": str(port),
        "MMETERING_MQTT_PASSWORD_FILE": str(cli.directory / "password"),
    }
    said = cli("identify 1", status=1)
    assert said.startswith(f"mmetering-gateway: {OWNS}, and cannot be asked: the broker at 127.0.0.1:{port} does not")
    assert "stop it first" in said
    assert said.count("\n") == 1


@pytest.mark.usefixtures("spool")
def test_the_gateway_is_not_at_the_broker(cli: CommandLine, broker: Broker) -> None:
    """A command that nobody hears must fail at once."""
    cli.environment |= mqtt_environment(broker, "main")
    assert f"{OWNS}, and has no connection to the broker now" in cli("identify 1", status=1)


@pytest.mark.usefixtures("spool")
def test_the_login_is_missing(cli: CommandLine) -> None:
    """The variable that is missing must be named, with why it is needed."""
    assert f"{OWNS}, so it is asked over the broker: MMETERING_MQTT_PASSWORD is not set" in cli("identify 1", status=2)


def test_ctrl_c_ends_the_command_in_the_gateway(cli: CommandLine, gateway: Service) -> None:
    """Nothing may go on that nobody waits for: the next command has its turn at once."""
    with cli.talk("scan") as talk:
        wait_for(lambda: "event=command verb=scan" in gateway.log)
        assert talk.interrupt() == 130
        assert not talk.out + talk.errors
    wait_for(lambda: 'state=failed error="it was cancelled"' in gateway.log)
    assert "12345678" in cli("identify 1")


def test_ctrl_c_ends_a_command_of_its_own(cli: CommandLine, bus: TcpBus) -> None:
    """It must end without a word."""
    with cli.talk("scan") as talk:
        wait_for(lambda: bus.requests > 2)
        assert talk.interrupt() == 130
        assert not talk.out + talk.errors


@pytest.mark.usefixtures("gateway")
def test_a_line_of_the_running_gateway_is_not_opened(cli: CommandLine, bus: TcpBus) -> None:
    """A line that is described and is the gateway's must be refused; one that is not may be opened beside it."""
    said = cli(f"identify 1 --tcp 127.0.0.1:{bus.port}", status=2)
    assert f"{OWNS}: it is bus there; say --bus bus" in said
    with TcpBus({5: FixedMeter(serial=55)}) as other:
        assert "55" in cli(f"identify 5 --tcp 127.0.0.1:{other.port}")


def test_no_gateway_starts_while_the_bus_is_used(cli: CommandLine) -> None:
    """A gateway would ask on the same line: it must wait; a second command need not."""
    with Spool(Path(cli.environment["MMETERING_SPOOL"])):
        pass  # a gateway has run here before
    with cli.talk("watch 1 voltage_l1 --every 0.1") as talk:
        wait_for(lambda: "231.5" in talk.out)
        assert "231.5" in cli("read 1 voltage_l1")
        (cli.directory / "password").write_text("secret\n")
        cli.environment["MMETERING_MQTT_PASSWORD_FILE"] = str(cli.directory / "password")
        assert "is in use by another gateway" in cli("run", status=2)
        talk.interrupt()


def test_no_lock_is_left_behind(cli: CommandLine) -> None:
    """Where no gateway has run yet, no file may be made that would be another user's than the gateway's."""
    cli("identify 1")
    assert not list(cli.directory.glob("spool*"))
    guard = lock_of(Path(cli.environment["MMETERING_SPOOL"])).open("w")
    with guard:
        cli("identify 1")
        fcntl.flock(guard, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_without_a_plant(bus: TcpBus, tmp_path: Path) -> None:
    """A line must be usable before there is any file, however it is described."""
    cli = CommandLine({}, tmp_path)
    assert "231.5" in cli(f"read 1 voltage_l1 --tcp 127.0.0.1:{bus.port}")
    cli(f"scan --addresses 1-2 --tcp 127.0.0.1:{bus.port} --bus cellar --write plant.toml")
    assert "231.5" in cli("read sdm630-12345678 voltage_l1")


def test_a_plant_without_meters(broker: Broker, bus: TcpBus, cli: CommandLine) -> None:
    """A gateway that has a bus and no meter yet must run, and look for meters when it is asked to."""
    plant = Path(cli.environment["MMETERING_PLANT"])
    plant.write_text(f'[[bus]]\nname = "cellar"\ntype = "tcp"\nhost = "127.0.0.1"\nport = {bus.port}\n')
    cli.environment |= mqtt_environment(broker, "main")
    with Service("mmetering-gateway", cli.environment, cli.directory) as gateway:
        wait_for(lambda: "event=mqtt_connected" in gateway.log)
        assert "12345678" in cli("scan --addresses 1-2")
        assert "event=command verb=scan" in gateway.log


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("scan --bus attic", "the plant has no bus attic; it has bus"),
        ("scan --baud 2400", "--baud, --parity and --stop-bits describe a bus together with --device"),
        ("scan --device /dev/nowhere --baud 77", "this describes no bus: Invalid enum value 77"),
        ("scan --rtu-over-tcp 127.0.0.1", "this describes no bus: Object missing required field `port`"),
        ("scan --tcp 127.0.0.1:99 --parity E", "this describes no bus: Object contains unknown field `parity`"),
        ("scan --addresses some", "'some' is no list of addresses"),
        ("watch 1 --every 0", "--every is more than 0 seconds"),
        ("identify 0", "0 is neither an address"),
        ("identify 1 2", "unrecognized arguments: 2"),
        ("read 1 --loud", "unrecognized arguments: --loud"),
        ("explode", "invalid choice: 'explode'"),
    ],
)
def test_what_is_wrong_is_named(cli: CommandLine, line: str, said: str) -> None:
    """A wrong option must end the command with status 2 and a sentence."""
    assert said in cli(line, status=2)


def test_a_device_that_is_not_there(cli: CommandLine) -> None:
    """It must be named."""
    assert "/dev/nowhere cannot be opened" in cli("identify 1 --device /dev/nowhere", status=1)


def test_progress_is_shown_on_a_terminal_and_taken_away(cli: CommandLine) -> None:
    """While a command works its line must be seen; nothing of it stays, and nothing of it is in the output."""
    ours, theirs = pty.openpty()
    command = [SCRIPT, "scan", "--addresses", "1-5", "--json"]
    ended = subprocess.run(command, env=cli.environment, stdout=subprocess.PIPE, stderr=theirs, check=True)
    os.close(theirs)
    shown = os.read(ours, 100_000).decode()
    os.close(ours)
    assert "%  " in shown
    assert shown.endswith("\r\x1b[K")
    assert "%" not in ended.stdout.decode()


def test_the_simulator_is_run_with_all_its_options(cli: CommandLine) -> None:
    """What follows must be the simulator's, which takes over."""
    assert cli("simulate --help").startswith("usage: mmetering-simulator run")


def test_the_simulator_may_not_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not installed, that must be said."""
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with pytest.raises(ConfigError, match="is not installed here"):
        simulate.run(Environment({"PATH": "/nowhere"}), argparse.Namespace(rest=[]))
