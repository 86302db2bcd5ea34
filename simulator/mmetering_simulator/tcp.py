"""A bus behind a TCP port: Modbus TCP, or RTU frames over TCP, as converters to RS-485 speak either."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Container, Iterable, Mapping
from types import TracebackType
from typing import Self

from mmetering_simulator.answer import Meter
from mmetering_simulator.bus import Bus
from mmetering_simulator.frame import MBAP, RTU, Frame, FrameError, Framing, rtu_pack, rtu_reply
from mmetering_simulator.line import Line

LOOK_S = 0.1  # how often the server looks whether it should end
CONVERTER = Line()


class TcpBus(Bus):
    """Meters behind a converter on a TCP port, from entering the context until leaving it.

    Args:
        meters: by unit id, or just meters; see Bus.
        host: address to listen on.
        port: 0 takes a free one.
        framing: `MBAP` for Modbus TCP, which passes on sound replies alone; `RTU` for RTU over TCP.
        line: the converter's settings on the side of the meters.
        unplugged: see Bus.

    Attributes:
        line: the converter's settings; may be changed, as on its web page.
        port: the port that it listens on, from the making on.
    """

    def __init__(
        self,
        meters: Mapping[int, Meter] | Iterable[Meter],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        framing: Framing = MBAP,
        line: Line = CONVERTER,
        unplugged: Container[int] = (),
    ) -> None:
        super().__init__(meters, line=line, unplugged=unplugged)
        self._framing = framing
        self._connections: set[socket.socket] = set()
        self._forgotten: set[socket.socket] = set()
        self._server = _Server((host, port), self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(LOOK_S,), name="modbus-tcp")
        self.port: int = self._server.server_address[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.set()
        self._server.shutdown()
        self.drop()
        self._server.server_close()
        self._thread.join()

    def forget(self) -> None:
        """Answer nothing more on the connections that are open now, as a converter that restarted without a word."""
        self._forgotten |= self._connections

    def drop(self) -> None:
        """Close the connections that are open now, as converters do with idle ones."""
        for connection in tuple(self._connections):
            with contextlib.suppress(OSError):  # it went by itself
                connection.shutdown(socket.SHUT_RDWR)

    def serve(self, connection: socket.socket) -> None:
        """Answer what comes over a connection until it ends."""
        self._connections.add(connection)
        buffer = bytearray()
        try:
            while not self._closing.is_set() and (data := connection.recv(4096)):
                buffer += b"" if connection in self._forgotten else data
                while request := self._framing.take(buffer):
                    connection.sendall(self._back(request))
        except (ConnectionError, FrameError):
            return
        finally:
            self._connections.discard(connection)

    def _back(self, request: Frame) -> bytes:
        """Return what the converter sends back."""
        reply = self._answer(request) if self._heard() else b""
        if self._framing is RTU:
            return self._echoed(rtu_pack(request)) + reply
        sound = rtu_reply(reply)
        return self._framing.pack(Frame(sound.unit, sound.pdu, request.transaction)) if sound else b""


class _Server(socketserver.ThreadingTCPServer):
    """One thread for each connection; closing waits for all of them."""

    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], bus: TcpBus) -> None:
        self.bus = bus
        super().__init__(address, _Connection)


class _Connection(socketserver.BaseRequestHandler):
    server: _Server
    request: socket.socket

    def handle(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.server.bus.serve(self.request)
