"""Where the benchmark keeps what it makes, and how it starts programs and says what it does."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
WORK = ROOT / ".tools" / "bench"
_STARTED_S = time.monotonic()
_TAIL_LINES = 25


class BenchError(Exception):
    """A variant or a program failed; the text says which, and how."""


def say(text: str) -> None:
    """Tell the progress on stderr: stdout is for results."""
    print(f"[{time.monotonic() - _STARTED_S:6.1f}s] {text}", file=sys.stderr, flush=True)


def run(argv: Sequence[str], *, environment: Mapping[str, str] | None = None) -> str:
    """Run a program from the project's folder and return its stdout.

    :raises BenchError: it failed; with the end of what it printed.
    """
    done = subprocess.run(
        argv,
        cwd=ROOT,
        env=os.environ | (environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).splitlines()[-_TAIL_LINES:])
        raise BenchError(f"{' '.join(argv)}\nended with {done.returncode}:\n{tail}")
    return done.stdout
