"""A Docker engine of the suite's own, which leaves the machine's network alone."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

GATEWAY = "172.31.253.1"
"""Where containers see this machine."""
_BRIDGE = "packagertest0"
_STARTS_WITHIN_S = 60
_STOPS_WITHIN_S = 30


class Engine:
    """dockerd with socket, data and bridge of its own; everything it writes is below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = f"unix://{folder}/docker.sock"
        self._pid_file = folder / "dockerd.pid"
        self._process: subprocess.Popen[bytes] | None = None

    def docker(self, *args: str | Path, stdin: bytes | None = None) -> str:
        done = subprocess.run(
            ["docker", *args],
            env=os.environ | {"DOCKER_HOST": self.host},
            input=stdin,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode()

    def start(self) -> None:
        _install()
        self.folder.mkdir(parents=True, exist_ok=True)
        _remove_bridge()
        _run("ip", "link", "add", _BRIDGE, "type", "bridge")
        _run("ip", "addr", "add", f"{GATEWAY}/24", "dev", _BRIDGE)
        _run("ip", "link", "set", _BRIDGE, "up")
        with (self.folder / "dockerd.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    # It ends with the tests, even where these are killed.
                    *("setpriv", "--pdeathsig", "TERM"),
                    "dockerd",
                    *("--host", self.host),
                    *("--data-root", self.folder / "data"),
                    *("--exec-root", self.folder / "exec"),
                    *("--pidfile", self._pid_file),
                    *("--bridge", _BRIDGE),
                    # Ports are published on the loopback address by docker-proxy.
                    *("--iptables=false", "--ip6tables=false"),
                    *("--ip-forward=false", "--ip-masq=false"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        ends_s = time.monotonic() + _STARTS_WITHIN_S
        while not self._answers():
            log_text = (self.folder / "dockerd.log").read_text()[-3000:]
            assert time.monotonic() < ends_s, f"the engine does not start: {log_text}"
            time.sleep(0.2)

    def stop(self) -> None:
        """End the engine by its pid file, and only if the process is ours."""
        pid = self._pid()
        if pid is not None:
            with contextlib.suppress(AssertionError):
                if containers := self.docker("ps", "--all", "--quiet").split():
                    self.docker("rm", "--force", *containers)
            os.kill(pid, signal.SIGTERM)
            ends_s = time.monotonic() + _STOPS_WITHIN_S
            while self._pid() is not None and time.monotonic() < ends_s:
                time.sleep(0.2)
            if self._pid() is not None:
                os.kill(pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait(_STOPS_WITHIN_S)
        _remove_bridge()

    def _answers(self) -> bool:
        try:
            self.docker("version")
        except AssertionError:
            return False
        return True

    def _pid(self) -> int | None:
        try:
            pid = int(self._pid_file.read_text())
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if str(self._pid_file).encode() in command.split(b"\0") else None


@contextlib.contextmanager
def running_engine(folder: Path) -> Iterator[Engine]:
    """Yield an engine that runs; it is stopped whatever happens.

    The folder must be short: a socket's path has 107 characters at most.
    """
    engine = Engine(folder)
    try:
        engine.start()
        yield engine
    finally:
        engine.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _install() -> None:
    assert os.geteuid() == 0, "this suite starts a Docker engine of its own, which takes root"
    if not (shutil.which("dockerd") and shutil.which("ip")):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=quiet, capture_output=True)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "docker.io", "iproute2"],
            check=True,
            env=quiet,
            capture_output=True,
        )


def _remove_bridge() -> None:
    subprocess.run(["ip", "link", "del", _BRIDGE], check=False, capture_output=True)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
