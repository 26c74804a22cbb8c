"""How long a build takes: with nothing cached, and again, for another model of the same lock.

    python -m benchmarks.build [--rounds 3] [--json]

Cold means that neither packager nor uv has anything: every wheel is downloaded, the emulator
and the environments of the check are made. Warm means the build after it, of a model with
other bytes and the same requirements, into another folder. The rounds take turns.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "random_forest"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="packager-bench-") as name:
        figures = measure(Path(name), options.rounds)
    print(json.dumps(figures) if options.json else table(figures))


def measure(folder: Path, rounds: int) -> dict[str, float | bool]:
    model = example_model(folder / "model")
    other = another_model(model, folder / "other")
    cold_s, warm_s, unchecked_s, digests = [], [], [], set()
    for number in range(rounds):
        caches = folder / f"caches-{number}"
        cold_s.append(build(model, folder / f"cold-{number}", caches))
        warm_s.append(build(other, folder / f"warm-{number}", caches))
        unchecked_s.append(build(other, folder / f"unchecked-{number}", caches, "--no-check"))
        build(other, folder / f"again-{number}", folder / "others", "--no-check")
        digests |= {sha256(folder / f"{kind}-{number}") for kind in ("warm", "unchecked", "again")}
        shutil.rmtree(caches)
    return {
        "cold_s": median(cold_s),
        "warm_s": median(warm_s),
        "warm_without_check_s": median(unchecked_s),
        "warm_of_cold": median(warm / cold for warm, cold in zip(warm_s, cold_s, strict=True)),
        "is_identical": len(digests) == 1,
    }


def example_model(folder: Path) -> Path:
    """Copy the example's model out of MLflow's registry."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLE / "prepare.py")], check=True, capture_output=True, text=True
    )
    store = done.stdout.strip().splitlines()[-1]
    python = EXAMPLE / ".work" / "env" / "bin" / "python"
    download = (
        "import sys, mlflow; mlflow.artifacts.download_artifacts(sys.argv[1], dst_path=sys.argv[2])"
    )
    subprocess.run(
        [str(python), "-c", download, "models:/MyRandomForest/latest", str(folder)],
        env=os.environ | {"MLFLOW_TRACKING_URI": store},
        check=True,
        capture_output=True,
    )
    return next(folder.rglob("MLmodel")).parent


def another_model(model: Path, folder: Path) -> Path:
    """Copy the model as if another run had logged it."""
    shutil.copytree(model, folder)
    text = (folder / "MLmodel").read_text().splitlines()
    changed = [f"run_id: {'f' * 32}" if line.startswith("run_id:") else line for line in text]
    (folder / "MLmodel").write_text("\n".join(changed) + "\n")
    return folder


def build(model: Path, output: Path, caches: Path, *options: str) -> float:
    """Build and return the seconds that it took."""
    environment = {"PACKAGER_CACHE": str(caches / "packager"), "UV_CACHE_DIR": str(caches / "uv")}
    started = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "packager", "-q", "build", str(model), "-o", str(output), *options],
        env=os.environ | environment,
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - started


def sha256(output: Path) -> str:
    return hashlib.sha256((output / "function.zip").read_bytes()).hexdigest()


def table(figures: dict[str, float | bool]) -> str:
    return "\n".join(
        [
            f"cold build           {figures['cold_s']:6.1f} s",
            f"warm build           {figures['warm_s']:6.1f} s",
            f"  without its check  {figures['warm_without_check_s']:6.1f} s",
            f"warm of cold         {figures['warm_of_cold']:6.0%}",
            f"same bytes as one made from nothing: {'yes' if figures['is_identical'] else 'NO'}",
        ]
    )


if __name__ == "__main__":
    main()
