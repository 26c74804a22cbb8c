"""Fetches in processes of their own: killed, side by side, and measured."""

import contextlib
import hashlib
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from handler.fetch.fetch import fetch_model
from tests.handler.conftest import Bundle
from tests.handler.s3.s3_asking import Serve
from tests.support.object_server import Exchange

MakeBundle = Callable[..., Bundle]
WriteTaskRoot = Callable[[Bundle], Path]
StartFetch = Callable[[Bundle], "subprocess.Popen[str]"]
FETCH = """
import os, re
from pathlib import Path
from handler.config import HandlerConfig
from handler.fetch.fetch import fetch_model
from handler.manifest import read_manifest

def peak_kib():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

root = Path(os.environ["TASK_ROOT"])
manifest, config = read_manifest(root), HandlerConfig.from_env(os.environ, root)
before = peak_kib()
print(fetch_model(manifest, config))
print(peak_kib() - before)
"""


@pytest.fixture
def start_fetch(write_task_root: WriteTaskRoot) -> Iterator[StartFetch]:
    roots: dict[int, Path] = {}
    with contextlib.ExitStack() as stack:

        def start(bundle: Bundle) -> subprocess.Popen[str]:
            root = roots.get(id(bundle)) or roots.setdefault(id(bundle), write_task_root(bundle))
            variables = {
                "TASK_ROOT": str(root),
                "MODEL_BUCKET": "models",
                "MODEL_KEY": "model.zip",
                "PACKAGER_CACHE_DIR": str(bundle.config.cache_dir),
            }
            process = subprocess.Popen(
                [sys.executable, "-c", FETCH],
                env={**os.environ, **variables},
                stdout=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


def cached(bundle: Bundle) -> set[str]:
    return {path.name for path in bundle.config.cache_dir.iterdir() if path.suffix != ".lock"}


@pytest.mark.parametrize("size_bytes", [1_000_000, 30_000_000])
def test_a_fetch_that_is_killed_leaves_nothing_that_looks_whole(
    make_bundle: MakeBundle,
    serve_bytes: Serve,
    start_fetch: StartFetch,
    size_bytes: int,
) -> None:
    bundle = make_bundle({"model.pkl": random.Random(1).randbytes(size_bytes), "z.txt": b"z"})
    digest = hashlib.sha256(bundle.archive).hexdigest()
    is_on_its_way, may_end = threading.Event(), threading.Event()

    def wait() -> None:
        is_on_its_way.set()
        may_end.wait(30)

    def stall(exchange: Exchange) -> None:
        exchange.serve(cut_bytes=size_bytes // 100, then=wait)

    # A large archive is asked for in parts: the second one stalls.
    serve_bytes(bundle.archive, *[Exchange.serve] * (size_bytes > 20_000_000), stall)
    process = start_fetch(bundle)
    assert is_on_its_way.wait(30)
    process.kill()
    process.communicate()
    may_end.set()
    assert digest not in cached(bundle)
    assert [name for name in cached(bundle) if name.endswith(".part")]
    process = start_fetch(bundle)
    assert process.communicate()[0].splitlines()[0].endswith(digest)
    assert cached(bundle) == {digest}


def test_processes_side_by_side_fetch_once(
    make_bundle: MakeBundle, serve_bytes: Serve, start_fetch: StartFetch
) -> None:
    bundle = make_bundle({"model.pkl": random.Random(1).randbytes(1_000_000)})
    server = serve_bytes(bundle.archive)
    processes = [start_fetch(bundle) for _ in range(4)]
    folders = {process.communicate()[0].splitlines()[0] for process in processes}
    assert len(folders) == 1
    assert len(server.requests) == 1


def test_threads_side_by_side_fetch_once(make_bundle: MakeBundle, serve_bytes: Serve) -> None:
    bundle = make_bundle({"model.pkl": random.Random(1).randbytes(1_000_000)})
    server = serve_bytes(bundle.archive)
    threads = [
        threading.Thread(target=fetch_model, args=(bundle.manifest, bundle.config))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(server.requests) == 1


def test_a_large_model_is_never_in_memory(
    make_bundle: MakeBundle, serve_bytes: Serve, start_fetch: StartFetch
) -> None:
    bundle = make_bundle({"model.pkl": random.Random(1).randbytes(100_000_000)})
    serve_bytes(bundle.archive)
    process = start_fetch(bundle)
    folder, grown_kib = process.communicate()[0].splitlines()
    assert Path(folder, "model.pkl").stat().st_size == 100_000_000
    assert int(grown_kib) < 30_000
