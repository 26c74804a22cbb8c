"""A local S3 that is faster than what is measured with it: a static file server.

    python -m benchmarks.static_s3 FOLDER

Serves FOLDER/bucket/key at /bucket/key, as `packager.local.static_s3` does, in a process of its
own. moto's server, which the tests use, takes seconds for 250 MB by ranges, so it would be what is
measured.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from packager.local.static_s3 import ObjectServer

_ROOT = Path(__file__).parent.parent


@contextmanager
def static_s3(folder: Path) -> Iterator[str]:
    """Run the server in a process of its own and yield its endpoint URL."""
    argv = [sys.executable, "-m", "benchmarks.static_s3", str(folder)]
    with subprocess.Popen(argv, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def main() -> None:
    folder = Path(sys.argv[1]).resolve()

    def find(name: str) -> Path | None:
        path = (folder / name).resolve()
        return path if path.is_file() and path.is_relative_to(folder) else None

    server = ObjectServer(find)
    print(server.url, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
