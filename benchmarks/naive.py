"""A subscriber as most scripts are: paho hands over a message, psycopg inserts its one reading and commits.

It reads the same messages as ingest, batches of one, and stores what ingest stores of a reading in a table of its own.
It runs until it is ended.
"""

import argparse
import json
import os

import psycopg
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.live import VALUES
from benchmarks.port import HOST

NAMES = [*VALUES, "energy_import", "energy_export", "reactive_energy_import", "reactive_energy_export"]
TABLE = (
    "CREATE TABLE naive (ts timestamptz, meter text, "
    + ", ".join(f"{name} double precision" for name in NAMES)
    + ", PRIMARY KEY (meter, ts))"
)


def main() -> None:
    """Subscribe and store for ever."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="of the broker; passwords are in the environment")
    options = parser.parse_args()
    connection = psycopg.connect(os.environ["MMETERING_DATABASE"], autocommit=True)
    connection.execute("DROP TABLE IF EXISTS naive")
    connection.execute(TABLE)
    client = Client(CallbackAPIVersion.VERSION2)
    client.username_pw_set("ingest", os.environ["MMETERING_MQTT_PASSWORD"])
    client.on_message = lambda _client, _data, message: _store(connection, message)
    client.on_subscribe = lambda *_: print("subscribed", flush=True)
    client.connect(HOST, options.port)
    client.subscribe("mmetering/v1/+/gateway/+/batch", qos=1)
    client.loop_forever()


def _store(connection: psycopg.Connection, message: MQTTMessage) -> None:
    (reading,) = json.loads(message.payload)["readings"]
    values = {"ts": reading["ts"], "meter": reading["meter"], **reading["values"]}
    columns = ", ".join(values)
    places = ", ".join(["%s"] * len(values))
    connection.execute(f"INSERT INTO naive ({columns}) VALUES ({places})", [*values.values()])


if __name__ == "__main__":
    main()
