"""What a fetch asks an S3 for, and what may go wrong there."""

import random
from collections.abc import Callable

from handler.s3.source import open_object
from tests.support.object_server import Exchange, FaultyObjectServer, Mishap

DATA = random.Random(5).randbytes(3_000_000)
Serve = Callable[..., FaultyObjectServer]


def read(start: int = 0, stop: int | None = None, key: str = "model.zip") -> bytes:
    with open_object("models", key) as source:
        return b"".join(map(bytes, source.read(start, stop)))


def refuse(status: int, code: str, **headers: str) -> Mishap:
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return lambda exchange: exchange.refuse(status, code, named)


def cut(exchange: Exchange) -> None:
    exchange.serve(cut_bytes=1_000_000)


def hang_up(exchange: Exchange) -> None:
    exchange.close_connection = True


def no_http(exchange: Exchange) -> None:
    exchange.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    exchange.close_connection = True
