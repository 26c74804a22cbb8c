"""`packager build`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from packager.cli.model_options import model_argument, source_options
from packager.cli.output import (
    Console,
    check_folder,
    json_option,
    json_text,
    pass_console,
    write_atomically,
)
from packager.cli.resolution_options import Resolution, resolution_options
from packager.cli.target_options import architecture_option

if TYPE_CHECKING:
    from typing import Literal

    from handler.manifest import ModelSource, PackageType
    from packager.building.plan import BuildPlan
    from packager.building.story import BuildReport
    from packager.checking.report import Measurements
    from packager.cli.model_options import ModelOptions
    from packager.engine.choose import EngineChoice


@click.command(
    epilog="""
    \b
    Examples:
      packager build models:/MyRandomForest/latest
      packager build models:/MyRandomForest@champion --output dist/ --architecture arm64
      packager build runs:/0a1b2c/model --runtime python3.12 --report report.json
      packager build model.skops --flavor sklearn --input-example rows.csv
      packager build MODEL --locked --lock pylock.toml
      packager build MODEL --with dist/mylib-1.0-py3-none-any.whl --drop matplotlib
      packager build MODEL --package image
      packager build MODEL --layer
      packager build MODEL --optimize none
    """
)
@model_argument
@source_options
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("dist"),
    show_default=True,
    help="Folder for the bundle; replaced as a whole, or left as it was.",
)
@click.option(
    "--runtime",
    default="auto",
    show_default=True,
    help="Lambda runtime, as python3.12; auto: the Python that the model was trained under, or"
    " the nearest newer one that its requirements can be met on.",
)
@architecture_option
@click.option(
    "--model-source",
    type=click.Choice(["auto", "s3", "embedded"]),
    default="auto",
    show_default=True,
    help="Fetch the model from S3 at cold start, or carry it in the zip or image; auto: s3 for"
    " zips, embedded for images.",
)
@click.option(
    "--package",
    type=click.Choice(["auto", "zip", "image"]),
    default="auto",
    show_default=True,
    help="A zip of 262 MB at most, or the build context of a container image; auto: an image"
    " where a zip is hopeless (torch, tensorflow).",
)
@click.option(
    "--layer",
    "has_layer",
    is_flag=True,
    help="Put the dependencies into a Lambda layer of their own, layer.zip: models with the same"
    " lock have the same one, and function.zip has less than 1 MB.",
)
@click.option(
    "--optimize",
    type=click.Choice(["auto", "none", "exact", "arrays", "treelite", "onnx"]),
    default="auto",
    show_default=True,
    help="Compute predictions without the model's library where that gives the same: arrays (no"
    " library at all), treelite, onnx. exact: the logged model itself, called in the cheapest way"
    " that gives the same; none: in the ordinary way. auto: arrays if equal on 10,000 rows and"
    " more, else exact.",
)
@click.option(
    "--tolerance",
    type=click.FloatRange(min=0, max=1),
    default=1e-12,
    show_default=True,
    help="How far a compiled model's numbers may be from the logged model's, absolute below 1 and"
    " relative above; labels are always the same.",
)
@resolution_options
@click.option("--no-trim", is_flag=True, help="Leave tests, stubs, sources and symbols in.")
@click.option(
    "--sourceless/--with-sources",
    default=True,
    show_default=True,
    help="Bytecode in place of the libraries' sources, or beside them (a fifth more).",
)
@click.option("--no-check", is_flag=True, help="Do not run the finished bundle's checks.")
@click.option(
    "--safe-only", is_flag=True, help="Refuse model formats that execute code when loaded."
)
@click.option(
    "--with-parquet",
    is_flag=True,
    help="Answer parquet bodies too: adds about 30 MB, exactly as the build says.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Also write the build report as JSON to this file.",
)
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show what would be built; write no bundle. The model is loaded all the same, to see"
    " whether it compiles.",
)
@json_option
@pass_console
def command(
    console: Console,
    model: str,
    source: ModelOptions,
    output: Path,
    runtime: str,
    architecture: str,
    model_source: ModelSource | Literal["auto"],
    package: PackageType | Literal["auto"],
    has_layer: bool,
    optimize: EngineChoice,
    tolerance: float,
    resolution: Resolution,
    no_trim: bool,
    sourceless: bool,
    no_check: bool,
    safe_only: bool,
    with_parquet: bool,
    report: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Build a Lambda bundle from MODEL.

    MODEL is an MLflow model folder, a models:/, runs:/ or s3:// URI, or a bare model file
    or folder. Writes function.zip, model.zip (unless embedded), bundle.json,
    pylock.toml, sbom.cdx.json, template.yaml and events/ into the output folder; for an image
    also a Dockerfile, with --layer also layer.zip. The bundle is checked before it gets
    there: `packager check --help`.
    """
    from packager.aws.runtimes import find_target
    from packager.building.config import BuildConfig
    from packager.building.plan import plan_bundle
    from packager.building.story import build_bundle
    from packager.engine.choose import Optimization

    if runtime != "auto":
        find_target(runtime, architecture)  # before the work: one that is none is known at once
    config = BuildConfig(
        model_source=model_source,
        runtime=runtime,
        architecture=architecture,
        package=package,
        is_safe_only=safe_only,
        with_parquet=with_parquet,
        overrides=resolution.overrides,
        constraints=resolution.constraints(),
        indexes=resolution.indexes,
        earlier_lock=resolution.earlier_lock(output),
        has_layer=has_layer,
        lock_policy=resolution.policy,
        optimization=Optimization(optimize, tolerance),
        is_trimmed=not no_trim,
        is_sourceless=sourceless,
    )
    if report and report.absolute().parent != output.absolute():  # which the build makes
        if output.absolute() in report.absolute().parents:
            raise click.UsageError(f"{report}: the build replaces {output}, and all folders in it")
        check_folder(report)
    console.step(f"Opening {model}")
    with source.opened(model, console) as folder:
        plan = plan_bundle(folder, config, progress=console)
        if dry_run:
            console.json(plan.to_dict()) if as_json else console.result(_plan_text(plan, output))
            return
        for warning in plan.warnings:  # before the check runs the model's code
            console.warn(warning)
        built = build_bundle(plan, output, is_checked=not no_check, progress=console)
    for warning in built.warnings[len(plan.warnings) :]:
        console.warn(warning)
    if report:
        write_atomically(report, f"{json_text(built.to_dict())}\n".encode())
    console.json(built.to_dict()) if as_json else console.result(_report_text(built))


def _plan_text(plan: BuildPlan, output: Path) -> str:
    from packager.building.plan import changes

    lines = [
        f"would build  {plan.spec.info.flavor} model ({plan.spec.info.serialization_format})",
        f"for          {plan.target.description}, as {plan.package_type}{_with_layer(plan)}, model"
        f" {plan.model_source}",
        f"into         {output}",
        *(f"note         {note}" for note in plan.notes),
        f"packages     {len(plan.lock.packages)}",
    ]
    lines += [f"  {package.name}=={package.version}" for package in plan.lock.packages]
    lines += changes(plan.requirements)
    lines += [f"warning      {warning}" for warning in plan.warnings]
    return "\n".join(lines)


def _with_layer(plan: BuildPlan) -> str:
    return " with a layer" if plan.config.has_layer else ""


def _report_text(report: BuildReport) -> str:
    info = report.manifest.model
    facts = report.dependencies
    lines = [
        f"built {report.output}: {info.flavor} model ({info.serialization_format})"
        f" for {report.plan.target.description}",
        *report.plan.notes,
        f"unzipped {report.unzipped_bytes / 1e6:.1f} MB"
        f" ({facts.untrimmed_bytes / 1e6:.1f} MB before trimming{_of_limit(report)})",
    ]
    if facts.parquet_reader:
        lines.append(f"parquet reader: {facts.parquet_reader.weight}")
    lines += _check_lines(report)
    for artifact in report.manifest.artifacts:
        if "/" not in artifact.path:
            lines.append(f"  {artifact.size_bytes:>12,} B  {artifact.path}")
    events = sum(artifact.path.startswith("events/") for artifact in report.manifest.artifacts)
    lines.append(f"  {events:>12}    sample events in events/")
    return "\n".join(lines)


def _of_limit(report: BuildReport) -> str:
    return "; Lambda takes 262.1" if report.plan.package_type == "zip" else ""


def _measured(measurements: Measurements) -> str:
    figures = []
    if measurements.init_duration_ms is not None:
        figures.append(f"init {measurements.init_duration_ms:.0f} ms")
    if measurements.peak_memory_mib is not None:
        figures.append(f"peak memory {measurements.peak_memory_mib} MiB")
    if measurements.largest_difference is not None:
        figures.append(f"largest difference {measurements.largest_difference:.1g}")
    return f" ({', '.join(figures)})" if figures else ""


def _check_lines(report: BuildReport) -> list[str]:
    if report.checked is None:
        return ["not checked: --no-check"]
    passed = sum(entry.status == "passed" for entry in report.checked.entries)
    lines = [f"checked: {passed} checks passed{_measured(report.checked.measurements)}"]
    lines += [f"  not made: {entry.name}: {entry.detail}" for entry in report.checked.not_made]
    return lines
