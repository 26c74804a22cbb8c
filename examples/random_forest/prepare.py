"""Make the example's model: its own environment, training, MLflow's registry.

What a step made is kept in `.work/`, so that a second run does nothing. Run as a script it
prints the tracking URI under which `models:/MyRandomForest/latest` is registered.
"""

import fcntl
import hashlib
import os
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
WORK = HERE / ".work"
MODEL = "models:/MyRandomForest/latest"
TRACKING_URI = f"sqlite:///{WORK / 'mlflow.db'}"
BIN = Path(sys.executable).parent


def make_training_environment() -> Path:
    """Return the Python of the example's environment, made anew when its lock changed."""
    lock = HERE / "requirements.txt"
    environment = WORK / "env"
    stamp = environment / ".installed"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    python = environment / "bin" / "python"
    if not stamp.is_file() or stamp.read_text() != digest:
        # Pythons that the pinned numpy has wheels for.
        run("uv", "--quiet", "venv", "--clear", "--python", ">=3.11,<3.14", str(environment))
        install = ["uv", "--quiet", "pip", "install", "--python", str(python)]
        run(*install, "--require-hashes", "-r", str(lock))
        stamp.write_text(digest)
    return python


def train(python: Path) -> None:
    """Train and register unless this very script has done so before."""
    script = HERE / "train.py"
    digest = hashlib.sha256(script.read_bytes()).hexdigest()
    stamp = WORK / "trained"
    if stamp.is_file() and stamp.read_text() == digest:
        say(f"already registered: {MODEL}")
        return
    run(str(python), str(script), environment={"MLFLOW_TRACKING_URI": TRACKING_URI}, cwd=WORK)
    stamp.write_text(digest)


def run(*argv: str, environment: dict[str, str] | None = None, cwd: Path = ROOT) -> None:
    """Print a command as a user would type it, and run it; end with its code if it fails."""
    shown = shlex.join(argv).replace(f"{ROOT}/", "")
    say(f"$ {shown}")
    program = BIN / argv[0]
    command = [str(program) if program.exists() else argv[0], *argv[1:]]
    done = subprocess.run(command, env=os.environ | (environment or {}), cwd=cwd, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def say(text: str) -> None:
    """Talk on stderr: stdout is for results."""
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """Make the model and print where it is registered."""
    WORK.mkdir(exist_ok=True)
    with (WORK / "lock").open("w") as lock:  # who else prepares it waits
        fcntl.flock(lock, fcntl.LOCK_EX)
        train(make_training_environment())
    print(TRACKING_URI)


if __name__ == "__main__":
    main()
