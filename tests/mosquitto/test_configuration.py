"""What mosquitto.conf promises: memory, queues, sizes, and TLS as soon as there are certificates."""

import socket
import ssl
import subprocess
from pathlib import Path

import pytest
from fix_broker import Broker
from mmetering_contract.payload import SEQ_MAX
from mmetering_contract.record import BATCH_BYTES, BATCH_READINGS, identity_of
from mmetering_contract.topic import Site
from mqtt_client import Client, RefusedError
from tls import make_certificates, serve_tls
from wait import wait_for

pytestmark = pytest.mark.servers

SITE = Site("home")


def test_retained_messages_survive_a_restart(broker: Broker) -> None:
    """After the broker was stopped and started, a newcomer must find the last state."""
    gateway = Client(broker, "main")
    gateway.publish(SITE.meter_status("main", "pv"), b"online", retain=True)
    gateway.close()
    broker.stop()
    broker.start()
    reader = Client(broker, "reader")
    reader.subscribe(SITE.meter_status())
    (message,) = reader.wait_for(b"online")
    assert message.retained
    reader.close()


def test_a_newcomer_gets_the_state_of_a_thousand_meters(broker: Broker) -> None:
    """More retained messages than Mosquitto queues by default must all reach one who subscribes."""
    gateway = Client(broker, "main")
    expected = {SITE.meter_status("main", f"m{number}") for number in range(3000)}
    for topic in expected:
        gateway.publish(topic, b"online", retain=True)
    gateway.close()
    reader = Client(broker, "reader")
    reader.subscribe(SITE.meter_status())
    wait_for(lambda: len(reader.received) >= len(expected))
    assert {message.topic for message in reader.received} == expected
    reader.close()


def test_the_largest_batch_fits(broker: Broker) -> None:
    """A batch of the greatest size must pass, and the broker must announce room for its user properties too."""
    scattered = identity_of("f" * 32, range(SEQ_MAX - 2 * BATCH_READINGS, SEQ_MAX, 2))
    properties = sum(len(name) + len(value) for name, value in scattered)
    ingest, gateway = Client(broker, "ingest"), Client(broker, "main")
    assert gateway.maximum_packet_size
    assert gateway.maximum_packet_size > BATCH_BYTES + properties + len(SITE.batch("x" * 64))
    ingest.subscribe(SITE.batch())
    batch = b"x" * BATCH_BYTES
    gateway.publish(SITE.batch("main"), batch)
    assert ingest.wait_for(batch)
    ingest.close()
    gateway.close()


@pytest.fixture
def tls(broker: Broker) -> int:
    """Give the port of the TLS listener, after making certificates."""
    return serve_tls(broker)


def test_without_certificates_there_is_no_tls(broker: Broker) -> None:
    """A broker without certificates must start, and listen without TLS alone."""
    assert not list((broker.directory / "tls").iterdir())
    broker.stop()  # its log is complete then
    assert broker.log.count("listen socket") == 1


def test_tls_with_our_authority(broker: Broker, tls: int) -> None:
    """Once certificates were made, a client that trusts their authority must get in, with its password only."""
    ca_file = str(broker.directory / "tls/ca.crt")
    gateway = Client(broker, "main", port=tls, ca_file=ca_file)
    reader = Client(broker, "reader", port=tls, ca_file=ca_file)
    reader.subscribe(SITE.gateway_status())
    gateway.publish(SITE.gateway_status("main"), b"online")
    assert reader.wait_for(b"online")
    gateway.close()
    reader.close()
    with pytest.raises(RefusedError):
        Client(broker, "reader", "wrong", port=tls, ca_file=ca_file)


def test_tls_with_another_authority(broker: Broker, tls: int, tmp_path: Path) -> None:
    """A client that trusts another authority must not talk to this broker."""
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -keyout k -out other.crt"
    subprocess.run(make.split(), cwd=tmp_path, check=True, capture_output=True)
    context = ssl.create_default_context(cafile=str(tmp_path / "other.crt"))
    with socket.create_connection((broker.host, tls)) as plain, pytest.raises(ssl.SSLCertVerificationError):
        context.wrap_socket(plain, server_hostname=broker.host)


@pytest.mark.usefixtures("tls")
def test_certificates_for_other_names(broker: Broker) -> None:
    """A second run must take the new names into the certificate and leave the authority, which clients trust."""
    authority = (broker.directory / "tls/ca.crt").read_bytes()
    make_certificates(broker, "broker.example", "192.0.2.7", "2001:db8::7")
    assert (broker.directory / "tls/ca.crt").read_bytes() == authority
    show = ["openssl", "x509", "-in", "tls/server.crt", "-noout", "-ext", "subjectAltName"]
    shown = subprocess.run(show, cwd=broker.directory, check=True, capture_output=True, text=True).stdout
    for name in ("DNS:localhost", "DNS:broker.example", "IP Address:192.0.2.7", "IP Address:2001:DB8:0:0:0:0:0:7"):
        assert name in shown
    verify = "openssl verify -x509_strict -CAfile tls/ca.crt tls/server.crt"
    subprocess.run(verify.split(), cwd=broker.directory, check=True, capture_output=True)


@pytest.mark.usefixtures("tls")
def test_only_the_broker_s_key_lies_where_the_broker_reads(broker: Broker) -> None:
    """The authority's key must not lie in the directory that the broker's container gets, and be its owner's alone."""
    assert {path.name for path in (broker.directory / "tls").iterdir()} == {
        "ca.crt",
        "listener.conf",
        "server.crt",
        "server.key",
    }
    assert (broker.directory / "ca.key").stat().st_mode & 0o777 == 0o600
