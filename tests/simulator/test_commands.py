"""The console script, as a process of its own."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from mmetering_simulator.__main__ import main
from mmetering_simulator.building import DEFAULT
from mmetering_simulator.tcp import TcpBus
from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusIOException

COMMAND = [sys.executable, "-m", "mmetering_simulator"]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Run the shipped building on a free port; the address of each bus by its name."""
    command = [*COMMAND, "run", "--state", str(tmp_path), "--port", "flats=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline().split() for _ in range(2)]
            yield {bus.removeprefix("bus="): address.partition("=")[2] for bus, address, _ in lines}
        finally:
            process.terminate()
        assert process.wait(timeout=30) == 0


def _power(port: int, unit: int, timeout: float = 30) -> float:
    with ModbusTcpClient("127.0.0.1", port=port, retries=0, timeout=timeout) as client:
        registers = client.read_input_registers(0x0034, count=2, device_id=unit).registers
        return float(client.convert_from_registers(registers, client.DATATYPE.FLOAT32))


@pytest.mark.servers
def test_a_meter_is_pulled_from_the_running_building_and_put_back(running: dict[str, str], tmp_path: Path) -> None:
    """A meter must be silent from `unplug` to `plug`, its neighbour untouched, and the end leave no link behind."""
    port = int(running["flats"])
    assert running["cellar"] == str(tmp_path / "cellar")
    assert (tmp_path / "cellar").exists()
    assert _power(port, 3) > 0
    assert main(["unplug", "flat-03", "--state", str(tmp_path)]) == 0
    with pytest.raises(ModbusIOException):
        _power(port, 3, timeout=0.5)
    assert _power(port, 4) > 0
    assert main(["plug", "flat-03", "--state", str(tmp_path)]) == 0
    assert _power(port, 3) > 0


def test_an_unknown_meter_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped meter must be named together with those that there are."""
    assert main(["unplug", "flat-33", "--state", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "'flat-33'" in said
    assert "flat-03" in said
    assert not (tmp_path / "unplugged").exists()


@pytest.mark.servers
def test_a_taken_port_is_named(tmp_path: Path) -> None:
    """A taken port must end the start with one sentence that names bus and port."""
    building = tmp_path / "building.toml"
    text = DEFAULT.read_text(encoding="utf-8")
    building.write_text(text[: text.index("[meter.")] + "[meter]\n", encoding="utf-8")
    with TcpBus({}) as other:
        arguments = ["run", "--building", str(building), "--state", str(tmp_path), "--port", f"flats={other.port}"]
        finished = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert finished.returncode == 1
    assert "bus flats" in finished.stderr
    assert str(other.port) in finished.stderr
