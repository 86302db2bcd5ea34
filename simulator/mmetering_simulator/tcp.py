"""A bus behind a TCP port: Modbus TCP, or RTU frames over TCP, as converters to RS-485 speak either."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Container, Mapping
from types import TracebackType
from typing import Self

from mmetering_simulator.bus import Bus
from mmetering_simulator.frame import MBAP, FrameError, Framing
from mmetering_simulator.registers import Meter

LOOK_S = 0.1  # how often the server looks whether it should end


class TcpBus(Bus):
    """Meters on a TCP port, from entering the context until leaving it.

    Args:
        meters: by unit id.
        host: address to listen on.
        port: 0 takes a free one.
        framing: `MBAP` for Modbus TCP, `RTU` for RTU over TCP.
        unplugged: see Bus.

    Attributes:
        port: the port that it listens on, from the making on.
    """

    def __init__(
        self,
        meters: Mapping[int, Meter],
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        framing: Framing = MBAP,
        unplugged: Container[int] = (),
    ) -> None:
        super().__init__(meters, unplugged=unplugged)
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
                    if reply := self._answer(request):
                        connection.sendall(self._on_the_line(self._framing.pack(reply)))
        except (ConnectionError, FrameError):
            return
        finally:
            self._connections.discard(connection)


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
