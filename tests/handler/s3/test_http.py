"""HTTP answers as servers may send them."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from handler.s3.http import Answer, Connection, HttpError, Unreachable

Send = Callable[..., Answer]


@pytest.fixture
def send() -> Iterator[Send]:
    """Let a server send these bytes, in these pieces, and return the answer that was read."""
    sockets: list[socket.socket] = []

    def answer_of(*pieces: bytes) -> Answer:
        server, client = socket.socketpair()
        sockets.extend((server, client))
        client.settimeout(5)

        def work() -> None:
            with server, suppress(OSError):  # nobody may be there to read it
                for piece in pieces:
                    server.sendall(piece)

        threading.Thread(target=work, daemon=True).start()
        return Answer(client)

    yield answer_of
    for item in sockets:
        item.close()


def test_a_body_with_its_length_leaves_the_connection_usable(send: Send) -> None:
    answer = send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: x\r\n\r\nhello")
    assert (answer.status, answer.headers["etag"]) == (200, "x")
    assert not answer.is_reusable
    assert answer.read(100) == b"hello"
    assert answer.is_reusable


def test_an_empty_body_is_read_at_once(send: Send) -> None:
    assert send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_reusable
    assert send(b"HTTP/1.1 204 No Content\r\n\r\n").is_reusable


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
    ],
)
def test_a_server_that_will_hang_up_is_not_asked_again(send: Send, head: bytes) -> None:
    answer = send(head, b"hello")
    assert answer.read(100) == b"hello"
    assert not answer.is_reusable


def test_chunks_are_put_together(send: Send) -> None:
    answer = send(
        b"HTTP/1.1 403 Forbidden\r\ntransfer-encoding: chunked\r\n\r\n",
        b"5;name=value\r\nhel",
        b"lo\r",
        b"\n6\r\n world\r\n0\r\nTrailer: x\r\n\r\n",
    )
    assert answer.read(100) == b"hello world"
    assert answer.is_reusable


@given(
    body=st.binary(max_size=300),
    cuts=st.lists(st.integers(1, 60), min_size=1, max_size=8),
    asked=st.integers(1, 90),
    is_chunked=st.booleans(),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_any_pieces_give_the_same_body(
    send: Send, body: bytes, cuts: list[int], asked: int, is_chunked: bool
) -> None:
    if is_chunked:
        parts = [body[i : i + cuts[0]] for i in range(0, len(body), cuts[0])]
        wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        wire += b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    else:
        wire = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    pieces = []
    for index in range(len(wire)):
        size = cuts[index % len(cuts)]
        pieces.append(wire[:size])
        wire = wire[size:]
    answer, read = send(*pieces), b""
    buffer = memoryview(bytearray(asked))
    while size := answer.readinto(buffer):
        read += bytes(buffer[:size])
    assert read == body
    assert answer.is_reusable


@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
)
def test_what_came_before_the_break_is_given_and_then_the_break(send: Send, wire: bytes) -> None:
    answer = send(wire)
    buffer = memoryview(bytearray(100))
    assert bytes(buffer[: answer.readinto(buffer)]) == b"hello"
    for _ in range(2):
        with pytest.raises(HttpError, match="broke off"):
            answer.readinto(buffer)
    assert not answer.is_reusable


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"HTTP/1.1 200",
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x" * 200_000,
    ],
)
def test_what_is_no_answer_is_refused(send: Send, wire: bytes) -> None:
    with pytest.raises(HttpError):
        send(wire)


def test_a_chunk_without_a_size_is_refused(send: Send) -> None:
    answer = send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhello\r\n")
    with pytest.raises(HttpError, match="no HTTP"):
        answer.read(10)


@pytest.mark.parametrize("text", ["secret\r\nhost: evil", "secret\nhost: evil", "secret é"])
def test_a_header_can_hold_no_second_one(text: str) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        closing(Connection("127.0.0.1", server.getsockname()[1], None, 2, 2)) as connection,
        pytest.raises(HttpError, match="what no header may") as caught,
    ):
        connection.get("/", {"authorization": text})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("host", ["127.0.0.1", "no such host", "a" * 70 + ".example"])
def test_a_server_that_is_not_there_is_unreachable(host: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound, but nobody listens
        with pytest.raises(Unreachable):
            Connection(host, closed.getsockname()[1], None, 2, 2)
