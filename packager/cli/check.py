"""`packager check`."""

from __future__ import annotations

import contextlib
import sys
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from packager.cli.bundle_options import bundle_argument, memory_option
from packager.cli.output import Console, json_option, pass_console
from packager.cli.setting_options import MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from packager.checking.report import CheckReport

_FAILED_STATUS = 3
_limit = partial(click.option, type=float, metavar="N")


@click.command(
    epilog="""
    \b
    Examples:
      packager check dist/
      packager check dist/ --model models:/MyRandomForest/1
      packager check dist/ --static --json
      packager check dist/ --max-unzipped-mb 200 --max-init-ms 3000 --max-p50-ms 20
    \b
    Exit codes: 0 no check failed, 3 one did. A check that could not be made on this machine
    does not fail: it is listed as not made, with the reason, and the first line says whether
    the bundle is proven. A gate (--max-..., --require-proof) that could not be held against
    anything fails. MB are 10^6 bytes; times are this machine's, not Lambda's.
    """
)
@bundle_argument
@click.option(
    "--model",
    type=MODEL,
    metavar="MODEL",
    help="The model that the bundle was built from, as a folder or a models:/, runs:/ or s3://"
    " URI: its predictions are compared with the function's.",
)
@click.option(
    "--code-path",
    "code_paths",
    type=click.Path(exists=True),
    multiple=True,
    metavar="PATH",
    help="What --model was built with besides; repeatable.",
)
@click.option("--static", "is_static", is_flag=True, help="Only read the zips; run nothing.")
@click.option(
    "--strict",
    "is_strict",
    is_flag=True,
    help="Fail where this machine cannot keep from the function what Lambda does.",
)
@memory_option
@_limit("--max-unzipped-mb", help="Fail if zip and layer unpack to more MB.")
@_limit("--max-zipped-mb", help="Fail if zip and layer have more MB.")
@_limit("--max-init-ms", help="Fail if init takes longer here.")
@_limit(
    "--max-p50-ms",
    help="Fail if the median of 30 warm invocations with the input example takes longer here.",
)
@_limit("--max-memory-mb", help="Fail if the function needs more MB at a time.")
@click.option(
    "--require-proof",
    is_flag=True,
    help="Fail unless the function runs here and its predictions are compared with the model's.",
)
@json_option
@pass_console
def command(
    console: Console,
    /,
    bundle: Path,
    model: str | None,
    code_paths: tuple[str, ...],
    is_static: bool,
    is_strict: bool,
    memory_mib: int | None,
    require_proof: bool,
    **limits: float | None,
) -> None:
    """Check that BUNDLE works on its target. `packager build` does so by itself.

    Static checks read the zips: names, modes, sizes, wheel tags, and of every shared library
    machine, symbol versions and needed libraries. Then, where the target's Python is on this
    machine, the function runs under AWS's runtime interface emulator: import, init, and a
    prediction, which is compared with the source model's.
    """
    from packager.api.builds import check
    from packager.api.models import open_model
    from packager.checking.gates import Gates

    # Before the work: a limit that is none is known at once.
    limits_by_gate = {name.removeprefix("max_"): limit for name, limit in limits.items()}
    gates = Gates(**limits_by_gate, requires_proof=require_proof)
    with contextlib.ExitStack() as stack:
        source: Any = model
        if model is not None and code_paths:
            source = stack.enter_context(open_model(model, code_paths=code_paths, progress=console))
        report = check(
            bundle,
            model=source,
            gates=gates,
            is_static=is_static,
            is_strict=is_strict,
            memory_mib=memory_mib,
            progress=console,
        )
    console.show(report.to_dict(), _lines(report))
    for problem in report.problems:
        console.error(problem.message, problem.hint)
    if not report.is_ok:
        sys.exit(_FAILED_STATUS)


def _lines(report: CheckReport) -> Iterator[str]:
    from packager.checking.proof import describe_proof

    failed = sum(entry.status == "failed" for entry in report.entries)
    yield (
        f"failed: {failed} of {len(report.entries)} checks"
        if failed
        else describe_proof(report.proof)
    )
    width = max(len(entry.name) for entry in report.entries)
    for entry in report.entries:
        yield f"{entry.status:<8}  {entry.name:<{width}}  {entry.detail}"
    measured = report.measurements
    if measured.init_duration_ms is not None:
        yield f"measured  init {measured.init_duration_ms:.0f} ms on this machine"
    if measured.peak_memory_mib is not None:
        yield f"measured  peak memory {measured.peak_memory_mib} MiB"
    if measured.p50_duration_ms is not None:
        count = measured.warm_invocations
        yield f"measured  p50 {measured.p50_duration_ms:.1f} ms of {count} warm invocations"
    if measured.largest_difference is not None:
        yield f"measured  largest difference {measured.largest_difference:.1e} relative"
    counts = {
        status: sum(entry.status == status for entry in report.entries)
        for status in ("passed", "failed", "not made")
    }
    yield ", ".join(f"{count} {status}" for status, count in counts.items())
