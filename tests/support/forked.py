"""A command whose processes begin where its imports, which take seconds, have ended.

`Forked` starts this file with the command's own Python, so it imports nothing but the standard
library. The processes are real ones: they have their own memory, exit code and output, and can be
killed.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_AT_MOST_S = 240


@dataclass
class Forked:
    """Runs a command again and again, each time in a process that is there already."""

    process: subprocess.Popen[str]
    pid: int
    """Of the process that runs the next command."""

    def run(self, *args: str | Path) -> subprocess.CompletedProcess[str]:
        """Return what the command printed, whatever its exit code."""
        assert self.process.stdin is not None
        print(json.dumps([*map(str, args)]), file=self.process.stdin, flush=True)
        returncode, stdout, stderr = json.loads(_line_of(self.process))
        self.pid = int(_line_of(self.process))
        return subprocess.CompletedProcess(args, returncode, stdout, stderr)


@contextmanager
def forked(
    python: str | Path,
    command: str,
    *modules: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Iterator[Forked]:
    """Run commands of the same kind, one after the other, while the block runs.

    :param command: as a wheel names its scripts: `name=module:function`.
    :param modules: what the command would import itself, later.
    """
    with subprocess.Popen(
        [python, __file__, command, *modules],
        cwd=cwd,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Forked(process, int(_line_of(process)))
        process.communicate()  # with nothing: that ends it


def _line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"it ended: {process.wait()}"
    return line


def main(command: str, modules: list[str]) -> None:
    """Fork before a command is known: so whoever asks knows first which process will run it."""
    name, _, place = command.partition("=")
    module, _, function = place.partition(":")
    run = getattr(importlib.import_module(module), function)
    for other in modules:
        importlib.import_module(other)
    line = "begin"
    while line:
        asked, asks = os.pipe()
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            pid = os.fork()
            if pid == 0:
                os.close(asks)
                _run(run, name, asked, out, err)
            os.close(asked)
            print(pid, flush=True)  # noqa: T201
            line = sys.stdin.readline()
            os.write(asks, line.encode())
            os.close(asks)
            returncode = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
            texts = [_text(file) for file in (out, err)]
        if line:
            print(json.dumps([returncode, *texts]), flush=True)  # noqa: T201


def _run(run: Callable[[], object], name: str, asked: int, out: IO[bytes], err: IO[bytes]) -> None:
    with open(asked) as pipe:
        line = pipe.read()
    if not line:
        os._exit(0)
    signal.alarm(_AT_MOST_S)
    with Path(os.devnull).open("rb") as nothing:
        for number, file in enumerate((nothing, out, err)):
            os.dup2(file.fileno(), number)
    sys.argv = [name, *json.loads(line)]
    sys.exit(run())  # type: ignore[arg-type]


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
