"""A poller as most scripts are: pymodbus asks for one value after the other, paho publishes each meter's as JSON.

With `--block` it asks for all values in one request, as a careful script does. With `--keep` it loses nothing that it
has read: each round is on disk before it goes out, as safely as in our spool, and is deleted when the broker has
answered all of it, at QoS 1. It polls as fast as it can until it is ended.
"""

import argparse
import json
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from pymodbus.client import ModbusTcpClient

from benchmarks.live import SPAN, VALUES
from benchmarks.port import HOST

Message = tuple[str, str]  # topic and payload


def main() -> None:
    """Poll for ever."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--modbus", type=int, required=True, help="port of the meters")
    parser.add_argument("--mqtt", type=int, required=True, help="port of the broker")
    parser.add_argument("--meters", type=int, required=True, help="how many, at the addresses from 1 on")
    parser.add_argument("--block", action="store_true")
    parser.add_argument("--keep", type=Path, help="a database to keep readings in until the broker has them")
    options = parser.parse_args()
    read = _block if options.block else _singly
    broker = Client(CallbackAPIVersion.VERSION2)
    broker.connect(HOST, options.mqtt)
    broker.loop_start()
    modbus = ModbusTcpClient(HOST, port=options.modbus)
    modbus.connect()  # type: ignore[no-untyped-call]  # pymodbus leaves it untyped
    send = _keeping(broker, options.keep) if options.keep else _at_once(broker)
    while True:
        send(_reading(unit, read(modbus, unit)) for unit in range(1, options.meters + 1))


def _reading(unit: int, values: dict[str, float]) -> Message:
    return f"script/{unit}", json.dumps({"ts": datetime.now(UTC).isoformat(), **values})


def _at_once(broker: Client) -> Callable[[Iterator[Message]], None]:
    def send(messages: Iterator[Message]) -> None:
        for topic, payload in messages:
            broker.publish(topic, payload)

    return send


def _keeping(broker: Client, path: Path) -> Callable[[Iterator[Message]], None]:
    database = sqlite3.connect(path)
    database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE kept (topic, payload)")

    def send(messages: Iterator[Message]) -> None:
        with database:
            database.executemany("INSERT INTO kept VALUES (?, ?)", messages)
        kept = database.execute("SELECT topic, payload FROM kept").fetchall()
        for sent in [broker.publish(topic, payload, qos=1) for topic, payload in kept]:
            sent.wait_for_publish()
        with database:
            database.execute("DELETE FROM kept")

    return send


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
