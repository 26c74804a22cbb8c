"""How long it takes to fetch one model: ours, boto3's, and a bare read of the same bytes.

    python -m benchmarks.fetch [--rounds 9] [--large] [--json]

Every fetch is a process of its own, timed from outside, its start included; the ways take turns.
S3 is a static file server on the loopback address. "raw" is http.client's `read()`, which keeps
the bytes in memory; "raw, dropped" reads them into one buffer again and again. Ours writes the
files and compares their digests, which no other does; boto3's `download_file` writes the archive.
--large adds a model of 2 GB, for its memory.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.static_s3 import static_s3
from handler.manifest import BundleManifest, FileEntry, ModelInfo, TargetInfo
from packager.support.zips import frame_sha256, write_archive

ROOT = Path(__file__).parent.parent
SIZES_MB = (1, 50, 250)
LARGE_MB = 2000
_GOAL_MB = 250

_PEAK = """
import re
print(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])
"""
_RAW = """
import http.client, os
host, path = os.environ["AWS_ENDPOINT_URL_S3"].removeprefix("http://"), os.environ["MODEL_KEY"]
connection = http.client.HTTPConnection(host)
connection.request("GET", "/models/" + path)
answer = connection.getresponse()
"""
_BOTO3 = """
import boto3, os
place = {"Bucket": "models", "Key": os.environ["MODEL_KEY"]}
client = boto3.client("s3")
"""
WAYS = {
    "raw": _RAW + "content = answer.read()\n",
    "raw, dropped": _RAW + "buffer = bytearray(1 << 20)\nwhile answer.readinto(buffer): pass\n",
    "ours": """
import os
from pathlib import Path
from handler.config import HandlerConfig
from handler.fetch.fetch import fetch_model
from handler.manifest import read_manifest
root = Path(os.environ["TASK_ROOT"])
fetch_model(read_manifest(root), HandlerConfig.from_env(os.environ, root))
""",
    "boto3 get_object": _BOTO3 + "client.get_object(**place)['Body'].read()\n",
    "boto3 download_file": _BOTO3
    + "client.download_file(**place, Filename=os.environ['PACKAGER_CACHE_DIR'] + '.zip')\n",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--large", action="store_true", help="a model of 2 GB too")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    options = parser.parse_args()
    sizes_mb = (*SIZES_MB, LARGE_MB) if options.large else SIZES_MB
    figures = measure(options.rounds, sizes_mb)
    print(json.dumps(figures) if options.json else table(figures))


def measure(rounds: int, sizes_mb: tuple[int, ...] = SIZES_MB) -> dict[str, Any]:
    """Return `ratios`, of ours to the bare read at 250 MB, and `sizes`, by MB and way.

    The latter are medians: `wall_s`, `cpu_s` (the process's own, not the server's), `peak_mb`,
    and of the rounds' ratios to the bare read `wall_of_raw`, `cpu_of_raw`.
    """
    with tempfile.TemporaryDirectory(prefix="packager-fetch-") as name:
        folder = Path(name)
        with static_s3(folder / "s3") as url:
            sizes = {
                f"{size_mb}": _measure_size(folder, url, size_mb, rounds) for size_mb in sizes_mb
            }
    ours = sizes[f"{_GOAL_MB}"]["ours"]
    return {"ratios": {"wall": ours["wall_of_raw"], "CPU": ours["cpu_of_raw"]}, "sizes": sizes}


def _measure_size(folder: Path, url: str, size_mb: int, rounds: int) -> dict[str, Any]:
    task_root = write_model(folder, size_mb)
    runs: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in WAYS:
            runs[way].append(run(way, folder, task_root, url, f"{size_mb}.zip"))
    return {way: _summary(items, runs["raw"]) for way, items in runs.items()}


def _summary(items: list[dict[str, float]], raw: list[dict[str, float]]) -> dict[str, float]:
    summary = {name: median(item[name] for item in items) for name in items[0]}
    for name in ("wall_s", "cpu_s"):
        ratios = [item[name] / base[name] for item, base in zip(items, raw, strict=True)]
        summary[f"{name[:-2]}_of_raw"] = median(ratios)
    return summary


def write_model(folder: Path, size_mb: int) -> Path:
    """Put an archive with one large file into the S3, and return a task root that pins it."""
    model = folder / f"model-{size_mb}"
    model.mkdir(parents=True)
    (model / "MLmodel").write_text("flavors: {}\n")
    with (model / "model.pkl").open("wb") as file:
        for _ in range(size_mb):
            file.write(os.urandom(10**6))
    bucket = folder / "s3" / "models"
    bucket.mkdir(parents=True, exist_ok=True)
    archive = write_archive(model, bucket / f"{size_mb}.zip", compress=False)
    files = tuple(_entry(path, path.name) for path in sorted(model.iterdir()))
    info = ModelInfo("sklearn", "model.pkl", "pickle", files=files)
    target = TargetInfo("python3.11", "x86_64")
    frame = frame_sha256(bucket / f"{size_mb}.zip", {entry.path for entry in files})
    manifest = BundleManifest("0", target, info, "s3", archive, archive_frame_sha256=frame)
    (model / "bundle.json").write_text(manifest.to_json())
    (model / "model.pkl").unlink()
    return model


def run(way: str, folder: Path, task_root: Path, url: str, key: str) -> dict[str, float]:
    """Fetch once, in a fresh process and into a fresh folder."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        environment = {
            **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
            "AWS_ENDPOINT_URL_S3": url,
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": scratch,
            "PYTHONPATH": str(ROOT),
            "TASK_ROOT": str(task_root),
            "MODEL_BUCKET": "models",
            "MODEL_KEY": key,
            "PACKAGER_CACHE_DIR": f"{scratch}/cache",
        }
        started_s = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-c", WAYS[way] + _PEAK],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            peak_kib = int(process.stdout.read())
            _, status, usage = os.wait4(process.pid, 0)
            wall_s = time.perf_counter() - started_s
            process.returncode = os.waitstatus_to_exitcode(status)
    return {
        "wall_s": wall_s,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_mb": peak_kib * 1024 / 1e6,
    }


def table(figures: dict[str, Any]) -> str:
    lines = [
        "| MB | way | wall s | CPU s | peak MB | wall of raw | CPU of raw |",
        "|---:|---|---:|---:|---:|---:|---:|",
    ]
    for size_mb, ways in figures["sizes"].items():
        for way, found in ways.items():
            lines.append(
                f"| {size_mb} | {way} | {found['wall_s']:.3f} | {found['cpu_s']:.3f}"
                f" | {found['peak_mb']:.0f} | {found['wall_of_raw']:.2f}"
                f" | {found['cpu_of_raw']:.2f} |"
            )
    return "\n".join(lines)


def _entry(path: Path, name: str) -> FileEntry:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FileEntry(name, path.stat().st_size, digest)


if __name__ == "__main__":
    main()
