"""`packager inspect`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from packager.api.settings import SOURCE_SETTINGS
from packager.cli.output import Console, json_option, pass_console
from packager.cli.setting_options import MODEL, setting_options

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from handler.manifest import FileEntry, ModelInfo
    from packager.bundle.inspect import BundleReport, ModelReport

_EXAMPLE_CHARS = 200


@click.command(
    epilog="""
    \b
    Examples:
      packager inspect models:/MyRandomForest@champion
      packager inspect dist/ --json
      packager inspect model.pkl --flavor sklearn
    """
)
@click.argument("model_or_bundle", metavar="MODEL|BUNDLE", type=MODEL)
@setting_options(SOURCE_SETTINGS)
@json_option
@pass_console
def command(console: Console, model_or_bundle: str, settings: dict[str, Any]) -> None:
    """Show what a model or a bundle is made of. Nothing is unpickled.

    MODEL is an MLflow model folder, a models:/, runs:/ or s3:// URI, or a bare model file
    or folder; BUNDLE is a folder that `packager build` wrote.
    """
    from packager.api.models import open_model
    from packager.api.settings import source_options
    from packager.bundle.folder import is_bundle, read_bundle
    from packager.bundle.inspect import inspect_bundle, inspect_model

    report: ModelReport | BundleReport
    if is_bundle(Path(model_or_bundle)):
        report = inspect_bundle(read_bundle(Path(model_or_bundle)))
        info, lines = report.manifest.model, _bundle_lines(report)
    else:
        with open_model(model_or_bundle, **source_options(settings), progress=console) as model:
            report = inspect_model(model.spec)
        info, lines = report.info, _report_lines(report)
    console.show(report.to_dict(), lines)
    if info.executes_code:
        console.warn("loading this model executes code: build it only if you trust its origin")


def _report_lines(report: ModelReport) -> Iterator[str]:
    yield from _model_lines(report.info)
    yield _row("python", f"{report.python_version or 'not recorded'}: built for {report.runtime}")
    yield from _block("requirements", report.requirements)
    yield from _block("dropped", (f"{drop.requirement}: {drop.reason}" for drop in report.dropped))
    yield from _files("files", report.info.files)


def _bundle_lines(report: BundleReport) -> Iterator[str]:
    from packager.engine.choose import describe

    manifest = report.manifest
    yield from _model_lines(manifest.model)
    yield _row("engine", describe(manifest.model.engine))
    yield _row("target", f"{manifest.target.runtime} on {manifest.target.architecture}")
    yield _row("model source", manifest.model_source)
    yield _row("package type", manifest.package_type)
    if manifest.layer:
        yield _row("layer", f"the packages are in {manifest.layer.path}, {manifest.layer.sha256}")
    yield from _block("packages", _package_lines(report))
    if manifest.model.own_python:
        yield _row(
            "own Python", f"the model runs in a process with Python {manifest.model.own_python}"
        )
        yield from _block("its packages", (f"{p.name}=={p.version}" for p in manifest.own_packages))
    if manifest.proof:
        yield _row("proof", f"{manifest.proof.state}: {manifest.proof.reason}")
    yield from _block(
        "checks", (f"{check.name}: {check.status}, {check.detail}" for check in manifest.checks)
    )
    yield from _files("model files", manifest.model.files)
    yield from _files("artifacts", manifest.artifacts)


def _model_lines(info: ModelInfo) -> Iterator[str]:
    yield _row("flavor", f"{info.flavor}, predicts with {info.predict_fn}()")
    yield _row("format", f"{_format(info)}: {_danger(info)}")
    yield from _block("trusted types", info.trusted_types)
    for part in ("inputs", "outputs", "params"):
        items = (info.signature or {}).get(part)
        yield from _block(part, (_signature_item(item) for item in items or ()))
    if info.signature is None:
        yield _row("signature", "none: requests are passed on unchecked")
    example = json.dumps(info.input_example) if info.input_example else "none"
    shortened = example if len(example) <= _EXAMPLE_CHARS else example[:_EXAMPLE_CHARS] + " ..."
    yield _row("example", shortened)
    for name, value in (
        ("model id", info.model_id),
        ("run id", info.run_id),
        ("mlflow", info.mlflow_version),
    ):
        if value:
            yield _row(name, value)


def _danger(info: ModelInfo) -> str:
    # Imported here: it brings the table of flavors, which the other commands do without.
    from packager.model.flavors.objects import foreign_types

    if info.executes_code:
        return "loading it executes code"
    if foreign_types(info):
        return "loading it constructs what the trusted types name, which may be anything"
    return "loading it executes no code"


def _format(info: ModelInfo) -> str:
    logged = info.serialization_format
    if info.engine.name != "exact":
        return f"compiled from {logged}"
    return logged if info.engine.data_path is None else f"{logged}, rewritten as a pickle"


def _package_lines(report: BundleReport) -> Iterator[str]:
    if report.packages is None:
        yield from (f"{item.name}=={item.version}" for item in report.manifest.packages)
        return
    names = [f"{item.name}=={item.version}" for item in report.packages]
    width = max(map(len, names), default=0)
    for name, item in zip(names, report.packages, strict=True):
        stated = item.license or "no licence stated"
        yield f"{name:{width}}  {item.unzipped_bytes:>12,} B  {stated}"


def _signature_item(item: dict[str, Any]) -> str:
    from packager.bundle.inspect import describe_column

    name = f"{item['name']}: " if "name" in item else ""
    return name + describe_column(item)


def _files(title: str, entries: tuple[FileEntry, ...]) -> Iterator[str]:
    width = max((len(entry.path) for entry in entries), default=0)
    yield from _block(
        title,
        (f"{entry.path:{width}}  {entry.size_bytes:>12,} B  {entry.sha256}" for entry in entries),
    )


def _block(title: str, items: Iterable[str]) -> Iterator[str]:
    for index, item in enumerate(items):
        yield _row(title if index == 0 else "", item)


def _row(title: str, text: str) -> str:
    return f"{title:<14}{text}"
