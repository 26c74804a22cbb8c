"""Networks between a client and a server; one stalls for good after so many bytes."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

CHUNK_BYTES = 65_536


class StallingRelay:
    """Forwards connections to a server until the clients have sent `limit_bytes` in all."""

    def __init__(self, server_url: str, limit_bytes: int) -> None:
        parts = urlsplit(server_url)
        self._server = (parts.hostname, parts.port)
        self._left_bytes = limit_bytes
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.has_stalled = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def run(self) -> None:
        """Accept connections until the relay is closed."""
        while True:
            try:
                client, _ = self._listener.accept()
                server = socket.create_connection(self._server)
            except OSError:
                return
            self._sockets += [client, server]
            threading.Thread(target=self._send, args=(client, server), daemon=True).start()
            threading.Thread(target=self._answer, args=(server, client), daemon=True).start()

    def close(self) -> None:
        for item in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                item.shutdown(socket.SHUT_RDWR)
            item.close()

    def _send(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(CHUNK_BYTES):
                with self._lock:
                    self._left_bytes -= len(data)
                    if self._left_bytes <= 0:
                        self.has_stalled.set()
                        return
                server.sendall(data)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(CHUNK_BYTES):
                client.sendall(data)


class Relay(Protocol):
    """Stands in front of a server."""

    def run(self) -> None: ...
    def close(self) -> None: ...


AnyRelay = TypeVar("AnyRelay", bound=Relay)


@contextmanager
def running(relay: AnyRelay) -> Iterator[AnyRelay]:
    """Run a relay for as long as the block runs."""
    thread = threading.Thread(target=relay.run, daemon=True)
    thread.start()
    try:
        yield relay
    finally:
        relay.close()
        thread.join(5)
