"""The broker's TLS listener, made as a person makes it."""

import subprocess
from pathlib import Path

from fix_broker import Broker
from free_port import free_port

_MAKE_CERTIFICATES = Path(__file__).parents[1] / "mosquitto/make_certificates.sh"


def make_certificates(broker: Broker, *names: str) -> None:
    """Run the script on the broker's directory, for these further names."""
    subprocess.run([_MAKE_CERTIFICATES, broker.directory, *names], check=True, capture_output=True)


def serve_tls(broker: Broker) -> int:
    """Make certificates for a running broker, start it again, and return the port of its TLS listener."""
    make_certificates(broker)
    broker.stop()
    port = free_port()
    listener = broker.directory / "tls/listener.conf"
    listener.write_text(listener.read_text().replace("listener 8883\n", f"listener {port} {broker.host}\n"))
    broker.start()
    return port
