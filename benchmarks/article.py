"""The example's random forest, packaged by hand in the usual ways, and by packager: sizes.

    python -m benchmarks.article [--write]

Every row has the same scikit-learn, pandas, FastAPI and Mangum in the same versions. The first
is what one gets from the requirements as MLflow logged them. For Python 3.11. --write puts the
table into docs/bundles.md.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.build import ROOT, example_model
from benchmarks.page import replace_section
from packager.lock.pylock import read_lock
from packager.packages.trim import tree_size
from packager.support.zips import write_archive

SAM = ROOT / ".tools" / "sam" / "bin" / "sam"
_SECTION = "article: python -m benchmarks.article --write"


@dataclass(frozen=True)
class Package:
    """One way to package the model."""

    name: str
    unzipped_bytes: int
    zipped_bytes: int


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--write", action="store_true", help="put the table into docs/bundles.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="packager-article-") as name:
        text = table(list(measure(Path(name))))
    print(text)
    if options.write:
        replace_section(_SECTION, text)


def measure(folder: Path) -> Iterator[Package]:
    model = example_model(folder / "model")
    bundle = folder / "dist"
    building = [sys.executable, "-m", "packager", "-q", "build", str(model), "-o", str(bundle)]
    as_logged = ["--optimize", "none"]
    run(*building, *as_logged, "--runtime", "python3.11")
    pins = [*read_lock(bundle / "pylock.toml").pins.split()]
    logged = [*(model / "requirements.txt").read_text().split(), "fastapi", "mangum"]
    yield pip_installed("`pip install --target`, as MLflow logged it", logged, folder / "logged")
    yield pip_installed("`pip install --target`, the bundle's own pins", pins, folder / "pinned")
    yield without_bytecode("the same without bytecode", folder / "pinned")
    yield sam_built("`sam build`, the bundle's own pins", pins, folder / "sam")
    report = folder / "report.json"
    names = ("`packager build --optimize none`", "`packager build`")
    for name, options in zip(names, (as_logged, []), strict=True):
        run(*building, *options, "--report", str(report))
        figures = json.loads(report.read_text())
        zipped = {item["path"]: item["size_bytes"] for item in figures["artifacts"]}
        yield Package(name, figures["unzipped_bytes"], zipped["function.zip"])


def pip_installed(name: str, lines: list[str], folder: Path) -> Package:
    # For this machine, as it is done by hand; pip compiles what it installs.
    run(sys.executable, "-m", "pip", "install", "-q", "--target", str(folder), *lines)
    return weigh(name, folder)


def without_bytecode(name: str, folder: Path) -> Package:
    for cache in list(folder.rglob("__pycache__")):
        shutil.rmtree(cache)
    return weigh(name, folder)


def sam_built(name: str, pins: list[str], folder: Path) -> Package:
    source = folder / "src"
    source.mkdir(parents=True)
    (source / "app.py").write_text("def handler(event, context): ...\n")
    (source / "requirements.txt").write_text("\n".join(pins) + "\n")
    (folder / "template.yaml").write_text(
        "Transform: AWS::Serverless-2016-10-31\n"
        "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties:\n"
        "      {CodeUri: src, Handler: app.handler, Runtime: python3.11}\n"
    )
    run(str(SAM), "build", cwd=folder)
    return weigh(name, folder / ".aws-sam" / "build" / "F")


def weigh(name: str, folder: Path) -> Package:
    zipped = write_archive(folder, folder.with_suffix(".zip"))
    return Package(name, tree_size(folder), zipped.size_bytes)


def run(*argv: str, cwd: Path | None = None) -> None:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(argv[:6])}: {done.stdout}{done.stderr}")


def table(packages: list[Package]) -> str:
    ours = packages[-1]
    lines = [
        "| | unzipped, MB | zipped, MB | ours of it |",
        "|---|---|---|---|",
    ]
    for package in packages:
        share = ours.unzipped_bytes / package.unzipped_bytes
        lines.append(
            f"| {package.name} | {package.unzipped_bytes / 1e6:.1f}"
            f" | {package.zipped_bytes / 1e6:.1f} | {share:.2f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
