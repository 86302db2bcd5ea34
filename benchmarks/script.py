"""A poller as most scripts are: pymodbus asks for one value after the other, paho publishes each meter's as JSON.

With `--block` it asks for all values in one request, as a careful script does. It polls as fast as it can until
it is ended.
"""

import argparse
import json
from datetime import UTC, datetime

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from pymodbus.client import ModbusTcpClient

from benchmarks.live import SPAN, VALUES
from benchmarks.rig import HOST


def main() -> None:
    """Poll for ever."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--modbus", type=int, required=True, help="port of the meters")
    parser.add_argument("--mqtt", type=int, required=True, help="port of the broker")
    parser.add_argument("--meters", type=int, required=True, help="how many, at the addresses from 1 on")
    parser.add_argument("--block", action="store_true")
    options = parser.parse_args()
    read = _block if options.block else _singly
    broker = Client(CallbackAPIVersion.VERSION2)
    broker.connect(HOST, options.mqtt)
    broker.loop_start()
    modbus = ModbusTcpClient(HOST, port=options.modbus)
    modbus.connect()  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped
    while True:
        for unit in range(1, options.meters + 1):
            message = {"ts": datetime.now(UTC).isoformat(), **read(modbus, unit)}
            broker.publish(f"script/{unit}", json.dumps(message))


def _singly(modbus: ModbusTcpClient, unit: int) -> dict[str, float]:
    return {name: _read(modbus, unit, address, 2)[0] for name, address in VALUES.items()}


def _block(modbus: ModbusTcpClient, unit: int) -> dict[str, float]:
    values = _read(modbus, unit, 0, SPAN)
    return {name: values[address // 2] for name, address in VALUES.items()}


def _read(modbus: ModbusTcpClient, unit: int, address: int, count: int) -> list[float]:
    reply = modbus.read_input_registers(address, count=count, device_id=unit)
    assert not reply.isError(), reply
    values = modbus.convert_from_registers(reply.registers, modbus.DATATYPE.FLOAT32)
    return values if isinstance(values, list) else [values]  # type: ignore[return-value,list-item]  # floats, all of them


if __name__ == "__main__":
    main()
