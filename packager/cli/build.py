"""`packager build`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from packager.api.settings import BUILD_SETTINGS, SOURCE_SETTINGS
from packager.cli.output import (
    Console,
    check_folder,
    json_option,
    json_text,
    pass_console,
    write_atomically,
)
from packager.cli.setting_options import setting_options

if TYPE_CHECKING:
    from packager.building.plan import BuildPlan
    from packager.building.story import BuildReport
    from packager.checking.report import Measurements


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
@click.argument("model")
@setting_options(SOURCE_SETTINGS)
@click.option(
    "--output",
    "-o",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("dist"),
    show_default=True,
    help="Folder for the bundle; replaced as a whole, or left as it was.",
)
@setting_options(BUILD_SETTINGS)
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
    settings: dict[str, Any],
    output: Path,
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
    from packager.api.bundles import build, plan
    from packager.api.models import open_model
    from packager.api.settings import build_config, source_options

    config = build_config(settings)
    if report and report.absolute().parent != output.absolute():  # which the build makes
        if output.absolute() in report.absolute().parents:
            raise click.UsageError(f"{report}: the build replaces {output}, and all folders in it")
        check_folder(report)
    console.step(f"Opening {model}")
    with open_model(model, **source_options(settings), progress=console) as opened:
        planned = plan(opened, config, output=output, progress=console)
        if dry_run:
            console.json(planned.to_dict()) if as_json else console.result(
                _plan_text(planned, output)
            )
            return
        for warning in planned.warnings:  # before the check runs the model's code
            console.warn(warning)
        built = build(planned, output, is_checked=not settings["no-check"], progress=console)
    for warning in built.warnings[len(planned.warnings) :]:
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
