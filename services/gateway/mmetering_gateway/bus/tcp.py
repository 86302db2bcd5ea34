"""Modbus TCP on a socket: for each question one send and, as a rule, one receive.

A reply bears the number of its question: those of others are passed over, and what follows it is kept for the next.
Source: Modbus Messaging on TCP/IP Implementation Guide V1.0b, section 3.1.3. pymodbus 3.16 would take five times as
much of the processor.
"""

import socket
import struct
import time

from mmetering_gateway.bus.errors import GarbledError, NoReplyError, WrongReplyError
from mmetering_gateway.bus.question import Question
from mmetering_gateway.plant.plant import TcpBus

HEADER = struct.Struct(">HHHB")  # number, protocol 0, length of all behind itself, unit
COUNTED = 6  # the bytes up to the length and with it
LENGTHS = range(3, 255)  # unit, function and a byte at least; 253 bytes of a message at most
LONGEST = 260  # bytes of a frame
SHORTEST_S = 0.001  # 0 would not wait at all


class TcpLine:
    """The connection to a converter, or to a meter with a network of its own.

    Attributes:
        numbered: whether a late reply is known as such.
        heard: whether anything came after the last question.
        echoes: whether that came back itself.
    """

    numbered = True
    echoes = False

    def __init__(self, bus: TcpBus) -> None:
        """Prepare it; nothing is opened yet."""
        self.heard = False
        self._place = bus.host, bus.port
        self._socket: socket.socket | None = None
        self._number = 0
        self._wait_s = 0.0
        self._rest = b""

    def open(self, wait_s: float) -> None:
        """Connect, unless it is connected.

        Raises:
            OSError: that fails.
        """
        if self._socket is None:
            self._socket = socket.create_connection(self._place, wait_s)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._wait_s, self._rest = wait_s, b""

    def close(self) -> None:
        """Disconnect."""
        if self._socket:
            self._socket.close()
            self._socket = None

    def ask(self, question: Question, wait_s: float) -> bytes:
        """Return the reply to a question, without address and frame.

        Raises:
            OSError: the connection broke.
            NoReplyError: no reply came in time, or one of another meter.
        """
        self._number = self._number % 0xFFFF + 1
        self.heard = False
        message = question.message
        deadline = time.monotonic() + wait_s
        self._wait_at_most(wait_s)
        self._link.sendall(HEADER.pack(self._number, 0, 1 + len(message), question.address) + message)
        while True:
            number, unit, reply = self._frame(deadline)
            if number == self._number:
                break
        if unit != question.address:
            raise WrongReplyError(f"a reply of meter {unit} came")
        return reply

    def _frame(self, deadline: float) -> tuple[int, int, bytes]:
        """Return the number, the unit and the message of the frame that comes next."""
        data = self._rest
        while len(data) < HEADER.size or len(data) < COUNTED + HEADER.unpack_from(data)[2]:
            data += self._receive(data, deadline)
        number, protocol, length, unit = HEADER.unpack_from(data)
        if protocol or length not in LENGTHS:
            raise GarbledError(data)
        self._rest = data[COUNTED + length :]
        return number, unit, data[HEADER.size : COUNTED + length]

    def _receive(self, before: bytes, deadline: float) -> bytes:
        """Return some bytes more."""
        if self.heard:
            self._wait_at_most(max(deadline - time.monotonic(), SHORTEST_S))
        try:
            data = self._link.recv(LONGEST)
        except TimeoutError:
            raise GarbledError(before) if before else NoReplyError("no reply") from None
        if not data:
            raise ConnectionResetError("the other end has closed the connection")
        self.heard = True
        return data

    @property
    def _link(self) -> socket.socket:
        assert self._socket, "it is open"
        return self._socket

    def _wait_at_most(self, seconds: float) -> None:
        if seconds != self._wait_s:  # else a call of the system for nothing
            self._link.settimeout(seconds)
            self._wait_s = seconds
