"""A line of Modbus TCP takes the reply that bears the number of its question, however the bytes come."""

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from mmetering_gateway.bus.errors import GarbledError, NoReplyError, WrongReplyError
from mmetering_gateway.bus.question import INPUT, Question
from mmetering_gateway.bus.tcp import TcpLine
from mmetering_gateway.planning.requests import Request
from mmetering_gateway.plant.plant import TcpBus

QUESTION = Question(INPUT, 7, Request(0x46, 2))
RIGHT, OLD = bytes.fromhex("04 04 4248 0000"), bytes.fromhex("04 04 4366 3334")
LONG_S, SHORT_S = 30.0, 0.2

Peer = Callable[[socket.socket, int], None]  # gets the number of the question


def frame(number: int, message: bytes, *, unit: int = 7, protocol: int = 0) -> bytes:
    """Return a message as it goes over the network."""
    return struct.pack(">HHHB", number, protocol, 1 + len(message), unit) + message


@contextmanager
def a_line(*peers: Peer) -> Iterator[TcpLine]:
    """Give a line that is open; each question is dealt with by the next of the peers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        line = TcpLine(TcpBus("bus", "127.0.0.1", server.getsockname()[1]))
        thread = threading.Thread(target=_serve, args=(server, peers))
        thread.start()
        try:
            line.open(LONG_S)
            yield line
        finally:
            line.close()
            thread.join()


def _serve(server: socket.socket, peers: Sequence[Peer]) -> None:
    connection, _ = server.accept()
    with connection:
        for peer in peers:
            asked = connection.recv(260)
            assert asked[2:] == frame(0, QUESTION.message)[2:]
            peer(connection, int.from_bytes(asked[:2], "big"))
        connection.recv(1)  # until the line is closed


def saying(*messages: bytes, unit: int = 7, protocol: int = 0, behind: int = 0) -> Peer:
    """Answer with these messages, with the number of the question or of one so many behind."""

    def peer(connection: socket.socket, number: int) -> None:
        connection.sendall(b"".join(frame(number - behind, text, unit=unit, protocol=protocol) for text in messages))

    return peer


def test_each_question_gets_its_reply() -> None:
    """One reply after the other is taken, over one connection."""
    with a_line(saying(OLD), saying(RIGHT)) as line:
        assert [line.ask(QUESTION, LONG_S) for _ in range(2)] == [OLD, RIGHT]


def test_replies_to_other_questions_are_passed_over() -> None:
    """A late reply is not taken: alone it is as good as silence, and before the right one it changes nothing."""

    def late_and_right(connection: socket.socket, number: int) -> None:
        connection.sendall(frame(number - 1, OLD) + frame(number, RIGHT))

    with a_line(saying(OLD, behind=1), late_and_right) as line:
        with pytest.raises(NoReplyError):
            line.ask(QUESTION, SHORT_S)
        assert line.heard
        assert line.ask(QUESTION, LONG_S) == RIGHT


def test_what_follows_a_reply_stays_for_the_next() -> None:
    """A reply that comes twice, or begins in the same packet as another ends, puts nothing out of step."""

    def twice(connection: socket.socket, number: int) -> None:
        connection.sendall(frame(number, OLD) + frame(number, OLD)[:5])

    def the_rest(connection: socket.socket, number: int) -> None:
        connection.sendall(frame(number - 1, OLD)[5:] + frame(number, RIGHT))

    with a_line(twice, the_rest) as line:
        assert [line.ask(QUESTION, LONG_S) for _ in range(2)] == [OLD, RIGHT]


def test_a_reply_in_pieces_is_put_together() -> None:
    """Where the network delivers byte by byte, the whole is waited for."""

    def drop_by_drop(connection: socket.socket, number: int) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in frame(number, RIGHT):
            connection.sendall(bytes((byte,)))

    with a_line(drop_by_drop) as line:
        assert line.ask(QUESTION, LONG_S) == RIGHT


def test_half_a_reply_is_noise() -> None:
    """When the rest does not come in time, the bytes are no reply."""
    with (
        a_line(lambda connection, number: connection.sendall(frame(number, RIGHT)[:-3])) as line,
        pytest.raises(GarbledError),
    ):
        line.ask(QUESTION, SHORT_S)


@pytest.mark.parametrize("noise", [b"\xff" * 12, bytes(12), bytes.fromhex("0001 0000 0001 07 04 04 4248")])
def test_bytes_that_are_no_frame_are_noise(noise: bytes) -> None:
    """Another protocol, or a length that no message has, is not searched for a reply."""
    with a_line(lambda connection, _: connection.sendall(noise)) as line, pytest.raises(GarbledError):
        line.ask(QUESTION, SHORT_S)


def test_another_meters_reply_is_refused() -> None:
    """The right number does not make up for the wrong unit."""
    with a_line(saying(RIGHT, unit=8)) as line, pytest.raises(WrongReplyError):
        line.ask(QUESTION, LONG_S)


def test_silence_is_silence() -> None:
    """Nothing that comes is told apart from what is wrong."""
    with a_line(lambda *_: None) as line:
        with pytest.raises(NoReplyError) as told:
            line.ask(QUESTION, SHORT_S)
        assert told.type is NoReplyError
        assert not line.heard


def test_a_connection_that_ends_is_told() -> None:
    """A converter that closes the connection is away; it is connected to again when the line is opened."""
    with (
        a_line(lambda connection, _: connection.shutdown(socket.SHUT_WR)) as line,
        pytest.raises(ConnectionResetError),
    ):
        line.ask(QUESTION, LONG_S)


def test_numbers_begin_anew_after_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """After 65535 comes 1: a number has 16 bits."""
    with a_line(saying(OLD), saying(RIGHT)) as line:
        monkeypatch.setattr(line, "_number", 0xFFFE)
        assert [line.ask(QUESTION, LONG_S) for _ in range(2)] == [OLD, RIGHT]
