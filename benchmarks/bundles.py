"""What bundles weigh: five kinds of models on every target, beside a plain install of the same.

    python -m benchmarks.bundles [--runtime python3.13] [--kind onnx] [--write]

"Plain" is what `pip install --target` lays down for the same requirements and the handler's
(without mlflow itself): the wheels as they unpack, without bytecode. --write puts the table
into docs/bundles.md.
"""

import argparse
import itertools
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.kinds import KINDS, save_model
from benchmarks.page import replace_section
from packager.aws.runtimes import ARCHITECTURES, RUNTIMES, Target, find_target
from packager.building.config import BuildConfig
from packager.building.plan import plan_bundle
from packager.building.story import build_bundle
from packager.bundle.folder import FUNCTION_ZIP
from packager.engine.choose import Optimization
from packager.errors import PackagerError
from packager.model.mlmodel import read_mlmodel
from packager.packages.trim import tree_size
from packager.requirements.select import HANDLER_REQUIREMENTS
from packager.support.uv import run_uv

_SECTION = "sizes: python -m benchmarks.bundles --write"


@dataclass(frozen=True)
class Cell:
    """What came of one kind of model on one target."""

    target: Target
    kind: str
    plain_bytes: int | None
    unzipped_bytes: int | None = None
    zipped_bytes: int | None = None
    checks: str = ""
    failure: str | None = None


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--runtime", choices=[runtime.name for runtime in RUNTIMES])
    parser.add_argument("--architecture", choices=ARCHITECTURES)
    parser.add_argument("--kind", choices=list(KINDS))
    parser.add_argument("--write", action="store_true", help="put the table into docs/bundles.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="packager-bundles-") as name:
        cells = list(measure(Path(name), options))
    text = table(cells)
    print(text)
    if options.write:
        replace_section(_SECTION, text)


def measure(folder: Path, options: argparse.Namespace) -> Iterator[Cell]:
    for kind in KINDS if options.kind is None else [options.kind]:
        model = save_model(kind, folder / kind.replace(" ", ""))
        for runtime, architecture in itertools.product(RUNTIMES, ARCHITECTURES):
            if options.runtime not in (None, runtime.name):
                continue
            if options.architecture not in (None, architecture):
                continue
            cell = build_cell(kind, model, find_target(runtime.name, architecture), folder)
            print(row(cell), file=sys.stderr, flush=True)
            yield cell


def build_cell(kind: str, model: Path, target: Target, folder: Path) -> Cell:
    """Build the model for the target, plainly and as a bundle."""
    plain_bytes = install_plainly(model, target)
    config = BuildConfig(
        runtime=target.runtime.name,
        architecture=target.architecture,
        optimization=Optimization("none"),
    )
    try:
        report = build_bundle(plan_bundle(model, config), folder / "dist")
    except PackagerError as error:
        return Cell(target, kind, plain_bytes, failure=" ".join(str(error).split("\n")[:2]))
    sizes = {item.path: item.size_bytes for item in report.manifest.artifacts}
    made = [entry for entry in report.manifest.checks if entry.status == "passed"]
    return Cell(
        target=target,
        kind=kind,
        plain_bytes=plain_bytes,
        unzipped_bytes=report.unzipped_bytes,
        zipped_bytes=sizes[FUNCTION_ZIP],
        checks=f"{len(made)} of {len(report.manifest.checks)}",
    )


def install_plainly(model: Path, target: Target) -> int | None:
    """Return the bytes of a plain install, or None where there is none for the target."""
    lines = [line for line in read_mlmodel(model).requirements if not line.startswith("mlflow")]
    with tempfile.TemporaryDirectory(prefix="packager-plain-") as name:
        args = ["pip", "install", "--target", name, *target.uv_args, "--no-compile-bytecode"]
        try:
            run_uv([*args, *lines, *HANDLER_REQUIREMENTS])
        except PackagerError:
            return None
        return tree_size(Path(name))


def table(cells: list[Cell]) -> str:
    head = (
        "| target | model | plain install, MB | bundle, MB | of it | zipped, MB | checks passed |"
    )
    return "\n".join([head, "|---|---|---|---|---|---|---|", *map(row, cells)])


def row(cell: Cell) -> str:
    place = f"| {cell.target.runtime.name} {cell.target.architecture} | {cell.kind} "
    plain = f"| {_mb(cell.plain_bytes)} "
    if cell.failure or cell.unzipped_bytes is None:
        return f"{place}{plain}| {cell.failure} | | | |"
    share = f"{cell.unzipped_bytes / cell.plain_bytes:.2f}" if cell.plain_bytes else ""
    return (
        f"{place}{plain}| {_mb(cell.unzipped_bytes)} | {share} | {_mb(cell.zipped_bytes)}"
        f" | {cell.checks} |"
    )


def _mb(size_bytes: int | None) -> str:
    return "" if size_bytes is None else f"{size_bytes / 1e6:.1f}"


if __name__ == "__main__":
    main()
