"""The whole way, for real: train, register, build, publish, invoke on the Lambda runtime.

Run by `make demo`. Every step is the command that a user would type; it is printed first.
What a step made is kept in `.work/`, so the second run is quick.
"""

import hashlib
import os
import shlex
import subprocess
import sys
from pathlib import Path

from packager.cli.output import Console
from packager.local.storage import embedded_s3

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
WORK = HERE / ".work"
DIST = ROOT / "dist"
MODEL = "models:/MyRandomForest/latest"
EVENT = "events/http-api-dataframe-split.json"
BIN = Path(sys.executable).parent
TRACKING_URI = f"sqlite:///{WORK / 'mlflow.db'}"


def main() -> None:
    """Run the demo and end with the exit code of the first command that failed."""
    console = Console()
    WORK.mkdir(exist_ok=True)
    environment = os.environ | {"MLFLOW_TRACKING_URI": TRACKING_URI}
    console.step("1/5 Training environment, with the model's own libraries")
    training_python = make_training_environment()
    console.step("2/5 Train and log with MLflow")
    train(training_python, environment)
    console.step("3/5 Build")
    run("packager", "build", MODEL, "--output", "dist/", environment=environment)
    with embedded_s3() as endpoint:
        # Names and passwords of the embedded S3: it takes any.
        environment |= {
            "AWS_ENDPOINT_URL_S3": endpoint,
            "AWS_ACCESS_KEY_ID": "demo",
            "AWS_SECRET_ACCESS_KEY": "demo",
            "AWS_DEFAULT_REGION": "us-east-1",
            "PACKAGER_BUCKET": "demo-models",
        }
        console.step(f"4/5 Publish to an embedded S3 at {endpoint}")
        run("packager", "publish", "dist/", "--create-bucket", environment=environment)
        console.step("5/5 Invoke on the real Lambda runtime, the model fetched from S3")
        run("packager", "invoke", "dist/", "--event", EVENT, environment=environment)
    print_summary()


def make_training_environment() -> Path:
    """Return the Python of the example's environment, made anew when its lock changed."""
    lock = HERE / "requirements.txt"
    environment = WORK / "env"
    stamp = environment / ".installed"
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    python = environment / "bin" / "python"
    if not stamp.is_file() or stamp.read_text() != digest:
        # Pythons that the pinned numpy has wheels for.
        uv("venv", "--clear", "--python", ">=3.11,<3.14", str(environment))
        uv("pip", "install", "--python", str(python), "--require-hashes", "-r", str(lock))
        stamp.write_text(digest)
    return python


def train(python: Path, environment: dict[str, str]) -> None:
    """Train and register unless this very script has done so before."""
    script = HERE / "train.py"
    digest = hashlib.sha256(script.read_bytes()).hexdigest()
    stamp = WORK / "trained"
    if stamp.is_file() and stamp.read_text() == digest:
        print("already registered as models:/MyRandomForest")
        return
    run(str(python), str(script), environment=environment, cwd=WORK)
    stamp.write_text(digest)


def uv(*args: str) -> None:
    """Run uv quietly."""
    run("uv", "--quiet", *args, environment=dict(os.environ))


def run(*argv: str, environment: dict[str, str], cwd: Path = ROOT) -> None:
    """Print a command as a user would type it, and run it."""
    print(f"$ {shlex.join(argv)}", flush=True)
    program = BIN / argv[0]
    command = [str(program) if program.exists() else argv[0], *argv[1:]]
    done = subprocess.run(command, env=environment, cwd=cwd, check=False)
    if done.returncode:
        sys.exit(done.returncode)


def print_summary() -> None:
    """Print what was made and what to type next."""
    print("\nMade in dist/:")
    for path in sorted(DIST.iterdir()):
        size = (
            sum(file.stat().st_size for file in path.rglob("*"))
            if path.is_dir()
            else path.stat().st_size
        )
        print(f"  {size:>12,} B  {path.name}{'/' if path.is_dir() else ''}")
    print(
        f"""
Next:
  export MLFLOW_TRACKING_URI={TRACKING_URI.replace(str(ROOT), "$PWD")}
  export PATH=$PWD/.venv/bin:$PATH
  packager serve -m {MODEL} -p 5000        # the same API on this machine
  packager publish dist/ --bucket YOUR-BUCKET
  sam local invoke --template dist/template.yaml --event {EVENT}
  sam deploy --guided --template-file dist/template.yaml"""
    )


if __name__ == "__main__":
    main()
