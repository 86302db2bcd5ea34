"""Gateways that have a backlog and send it as fast as it is taken, over bare sockets that cost next to nothing.

`python -m benchmarks.sender` makes everything up first and prints a line. When a line comes in, it sends, and prints
what that took as a line of JSON. Like a gateway it has only so many batches without a receipt under way.
"""

import argparse
import json
import os
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial

from mmetering_contract.record import decode_receipt
from mmetering_contract.topic import Site

from benchmarks.port import HOST
from benchmarks.stream import Properties, batches

SITE = Site("home")
UNANSWERED = 20  # publications; Mosquitto's Receive Maximum

# MQTT 5.0, section 2.1.2: packet types with their flags; section 2.2.2.2: properties
CONNECT, CONNACK, PUBLISH, PUBLISH_QOS1, PUBACK, SUBSCRIBE, SUBACK = 0x10, 0x20, 0x30, 0x32, 0x40, 0x82, 0x90
USER_PROPERTY = 0x26
CLEAN_START_NAME_PASSWORD = 0b11000010


class Line:
    """A connection of one gateway to the broker, MQTT 5.0 and no more of it than is needed."""

    def __init__(self, port: int, gateway: str, password: str) -> None:
        """Connect and subscribe to the receipts."""
        self._socket = socket.create_connection((HOST, port))
        self._input = self._socket.makefile("rb")
        head = _text("MQTT") + bytes([5, CLEAN_START_NAME_PASSWORD]) + bytes(2) + _length(0)
        self._socket.sendall(_packet(CONNECT, head + _text(f"sender-{gateway}") + _text(gateway) + _text(password)))
        self._expect(CONNACK)
        self._socket.sendall(_packet(SUBSCRIBE, b"\0\1" + _length(0) + _text(SITE.receipt(gateway)) + b"\0"))
        self._expect(SUBACK)

    def _expect(self, kind: int) -> None:
        answer, body = self._receive()
        assert answer == kind, body

    def send(self, packets: Sequence[bytes], size: int, window: int) -> None:
        """Send publications of `size` readings each.

        Args:
            packets: the publications.
            size: readings in each.
            window: publications without a receipt, at most; with 0 no receipt is waited for.
        """
        sent = unanswered = readings = 0
        while sent < len(packets) or unanswered or (window and readings):
            room = min(UNANSWERED - unanswered, window - -(-readings // size) if window else UNANSWERED)
            if some := packets[sent : sent + max(room, 0)]:
                self._socket.sendall(b"".join(some))
                sent, unanswered, readings = sent + len(some), unanswered + len(some), readings + size * len(some)
                continue
            kind, body = self._receive()
            if kind == PUBACK:
                assert len(body) == 2 or body[2] == 0, f"the broker does not take a batch: {body[2]:#x}"
                unanswered -= 1
            elif kind == PUBLISH:
                readings -= _settled(body)

    def _receive(self) -> tuple[int, bytes]:
        kind, length, shift = self._input.read(1)[0], 0, 0
        while True:
            (digit,) = self._input.read(1)
            length |= (digit & 127) << shift
            shift += 7
            if digit < 128:
                return kind, self._input.read(length)


def _settled(body: bytes) -> int:
    """Return how many readings a publication, which is a receipt, names as stored."""
    (topic,) = struct.unpack_from(">H", body)
    receipt = decode_receipt(body[2 + topic + 1 :])  # without properties
    return sum(last - first + 1 for first, last in receipt.stored)


def publication(topic: str, payload: bytes, properties: Properties, mid: int) -> bytes:
    """Return a publication of QoS 1; section 3.3."""
    pairs = b"".join(bytes([USER_PROPERTY]) + _text(key) + _text(value) for key, value in properties)
    return _packet(PUBLISH_QOS1, _text(topic) + struct.pack(">H", mid) + _length(len(pairs)) + pairs + payload)


def _packet(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + _length(len(body)) + body


def _text(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">H", len(data)) + data


def _length(number: int) -> bytes:
    """Return a variable byte integer; section 1.5.5."""
    digits = []
    while True:
        number, digit = divmod(number, 128)
        digits.append(digit | (128 if number else 0))
        if not number:
            return bytes(digits)


def main() -> None:
    """Prepare, wait for the word, send, tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True, help="of the broker; passwords are in the environment")
    parser.add_argument("--gateways", nargs="+", required=True)
    parser.add_argument("--epoch", required=True)
    parser.add_argument("--size", type=int, required=True, help="readings in a batch")
    parser.add_argument("--batches", type=int, required=True, help="of each gateway")
    parser.add_argument("--window", type=int, required=True, help="batches of each without a receipt; 0: any number")
    options = parser.parse_args()
    threads = [threading.Thread(target=_prepared(gateway, options)) for gateway in options.gateways]
    _tell("ready")
    sys.stdin.readline()
    began, used = time.monotonic(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    _tell(json.dumps({"seconds": time.monotonic() - began, "processor_s": time.process_time() - used}))


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _prepared(gateway: str, options: argparse.Namespace) -> Callable[[], None]:
    """Return what sends all batches of a gateway."""
    made = batches(gateway, options.epoch, options.size, options.batches)
    packets = [
        publication(SITE.batch(gateway), payload, properties, 1 + number % 0xFFFF)
        for number, (payload, properties) in enumerate(made)
    ]
    line = Line(options.port, gateway, os.environ[f"PASSWORD_{gateway}"])
    return partial(line.send, packets, options.size, options.window)


if __name__ == "__main__":
    main()
