"""Find the fastest way to compute a model's predictions that is proven to be the same.

The model is loaded in its own environment, converted there by `converter/`, and both are asked for
the predictions of thousands of rows. What comes of it is kept in the user's cache.
"""

import contextlib
import json
from dataclasses import asdict, dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Self

from handler.manifest import EngineInfo
from packager.engine.converting import run_converter, take_made
from packager.errors import (
    ConfigError,
    DependencyError,
    ModelError,
    ModelNotLoadable,
    ToolError,
)
from packager.local.old_python import is_old
from packager.local.prepared import ModelSurroundings, PreparedModel, is_own_python, prepared_model
from packager.model.bytecode_python import needed_own_python
from packager.model.mlmodel import ModelSpec
from packager.progress import LOGGED, Progress
from packager.support.cache import build_once, cache_key, cache_root
from packager.support.digests import file_entry
from packager.support.zips import sorted_files
from packager.version import __version__

EngineChoice = Literal["auto", "none", "exact", "arrays", "treelite", "onnx"]

DEFAULT_TOLERANCE = 1e-12
"""Between float64 predictions of a compiled model and of the logged one."""
COMPARED_ROWS = 10_000
"""Generated ones; the input example and rows of special values come besides."""

_REPORT = "engine.json"
_FLAVORS = ("sklearn", "xgboost", "lightgbm")
_CONVERTERS: dict[EngineChoice, tuple[str, ...]] = {
    "treelite": ("treelite>=4",),
    "onnx": ("skl2onnx", "onnxruntime"),
}
"""What converts for an engine, in the model's environment."""
_NOT_LOADABLE_STATUS = 4
"""Of the converter's process: what it prints is why the model cannot be loaded."""


@dataclass(frozen=True)
class Optimization:
    """What the user wants of it."""

    engine: EngineChoice = "auto"
    tolerance: float = DEFAULT_TOLERANCE
    """For floats: absolute below 1 and relative above. Labels must always be equal."""
    rewrites: bool = True
    """Whether the logged file may be written anew as a pickle: pinned by its digest, and faster
    to load."""


@dataclass(frozen=True)
class _Report:
    """What the converter found."""

    engine: EngineInfo
    sample: dict[str, Any]
    """Fields of `ModelInfo`: a request that the model answers, or what it says instead."""
    own_python: str | None = None
    """The model's, as `3.8`, where no Python that Lambda has can load the model."""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        engine = EngineInfo.from_dict(data["engine"])
        return cls(engine, dict(data["sample"]), data.get("own_python"))


def optimize_model(
    spec: ModelSpec,
    wanted: Optimization,
    surroundings: ModelSurroundings,
    *,
    progress: Progress = LOGGED,
) -> ModelSpec:
    """Return the model as the bundle shall carry it: compiled, or as it is.

    :raises ConfigError: an engine was asked for by name, and the model cannot be had with it.
    :raises ModelNotLoadable: it cannot be loaded under its own Python with its own requirements.
    """
    reason = _why_as_it_is(spec, wanted)
    if not is_loaded(spec, wanted):
        return _refused(spec, wanted, reason)
    folder = cache_root() / "compiled" / _key(spec, wanted, surroundings)

    def build(partial: Path) -> None:
        _convert(spec, wanted, surroundings, partial, progress, is_only_loaded=bool(reason))

    try:
        build_once(folder, build, is_usable=_is_whole, progress=progress)
    except ModelNotLoadable:
        raise
    except (ModelError, ToolError) as error:
        # What is wrong with its environment the build's check will say. The text
        # stays out of the bundle: it may differ from build to build.
        what = "loading it" if reason else "compiling"
        progress.detail(f"{what} could not be tried: {error}")
        return _refused(spec, wanted, reason or "compiling it could not be tried")
    report = _read_report(folder)
    engine = report.engine
    spec = replace(spec, info=replace(spec.info, own_python=report.own_python, **report.sample))
    if reason:
        return _refused(spec, wanted, reason)
    if engine.name == "exact":
        spec = _refused(spec, wanted, engine.reason, engine)
    if engine.data_path is None:
        return spec
    progress.detail(describe(engine))
    files = tuple(
        file_entry(path, path.relative_to(folder).as_posix())
        for path in sorted_files(folder)
        if path.name != _REPORT
    )
    return replace(spec, folder=folder, info=replace(spec.info, engine=engine, files=files))


def is_loaded(spec: ModelSpec, wanted: Optimization) -> bool:
    """Whether :func:`optimize_model` would load the model: to convert it, or to see that it can."""
    # What MLflow loads may take programs or a network that only its own image has.
    return wanted.engine != "none" and spec.info.options.get("loader") != "fallback"


def _why_as_it_is(spec: ModelSpec, wanted: Optimization) -> str:
    """Return why the model is not converted, as is known without loading it; "": it is."""
    if wanted.engine == "none":
        return "--optimize none"
    return "" if spec.info.flavor in _FLAVORS else f"{spec.info.flavor} models are not converted"


def describe(engine: EngineInfo) -> str:
    """Return in words what computes the predictions, and how near it comes to the model."""
    if engine.name != "exact":
        largest = f"largest difference {engine.max_difference:.1g}"
        same = "equal to the bit" if engine.max_difference == 0 else largest
        under = f" (taken apart under Python {engine.python})" if engine.python else ""
        return f"compiled to {engine.name}, {same} on {engine.compared_rows:,} rows{under}"
    ways = ["rewritten as a pickle"] if engine.data_path is not None else []
    if engine.input_kind == "array":
        ways.append("without pandas")
    if engine.is_direct:
        ways.append("tree by tree")
    how = f"the logged model itself, {', '.join(ways)}" if ways else "the logged model"
    return f"{how}: {engine.reason}" if engine.reason else how


def _exact(spec: ModelSpec, reason: str) -> ModelSpec:
    return replace(spec, info=replace(spec.info, engine=EngineInfo(reason=reason)))


def _refused(
    spec: ModelSpec, wanted: Optimization, reason: str, engine: EngineInfo | None = None
) -> ModelSpec:
    if wanted.engine not in ("auto", "exact", "none"):
        raise ConfigError(
            f"--optimize {wanted.engine}: {reason}",
            hint="--optimize auto takes the logged model itself where nothing faster is equal.",
        )
    if engine is None:
        return _exact(spec, reason)
    return replace(spec, info=replace(spec.info, engine=engine))


def _convert(
    spec: ModelSpec,
    wanted: Optimization,
    surroundings: ModelSurroundings,
    partial: Path,
    progress: Progress,
    *,
    is_only_loaded: bool,
) -> None:
    # The model's code runs here: it sees of our variables what it would see on Lambda.
    extra = (*surroundings.overrides.extra, *_CONVERTERS.get(wanted.engine, ()))
    overrides = replace(surroundings.overrides, extra=extra)
    around = replace(surroundings, overrides=overrides, has_our_variables=False)
    with prepared_model(spec.folder, "uv", surroundings=around, progress=progress) as model:
        under = f" (loaded under Python {model.old_python})" if model.old_python else ""
        is_asked_elsewhere = model.spec.info.own_python is not None
        is_only_loaded = is_only_loaded or is_asked_elsewhere
        if is_only_loaded:
            progress.step(f"Loading the model in its own environment{under}")
        else:
            progress.step(f"Compiling the model, and comparing its predictions{under}")
        try:
            report = _run(model, wanted, is_only_loaded=is_only_loaded)
        except ModelNotLoadable as error:
            report = _of_another_python(spec, model, error)
        if report.engine.data_path is not None:
            _keep(spec, report.engine, model, partial)
    if model.old_python and not is_asked_elsewhere:
        if report.engine.name == "exact":
            report = _in_a_current_python(spec, wanted, around, partial, progress, report)
        else:
            report = replace(report, engine=replace(report.engine, python=model.old_python))
    (partial / _REPORT).write_text(json.dumps(asdict(report)), encoding="utf-8")


def _of_another_python(spec: ModelSpec, model: PreparedModel, error: ModelNotLoadable) -> _Report:
    """Return what it means that the model cannot be loaded, if it was not tried in its own Python.

    :raises ModelNotLoadable: it was.
    :raises ToolError: of another Python no model has to be loadable.
    """
    if spec.python_minor == model.old_python or is_own_python(spec):
        raise error
    if not is_old(spec.python_version):
        raise ToolError(str(error)) from error
    if model.old_python:
        reason = f"it cannot be loaded under Python {model.old_python}"
        return _Report(EngineInfo(reason=reason), {})
    return _Report(EngineInfo(), {}, own_python=spec.python_minor)


def _in_a_current_python(
    spec: ModelSpec,
    wanted: Optimization,
    around: ModelSurroundings,
    partial: Path,
    progress: Progress,
    found: _Report,
) -> _Report:
    """Return how the model itself is best called where Lambda runs it, if it can be there."""
    progress.detail(f"not compiled: {found.engine.reason}")
    found = replace(found, engine=EngineInfo(reason=found.engine.reason))
    if needed_own_python(spec):
        return found
    current = replace(around, has_old_pythons=False)
    try:
        with prepared_model(spec.folder, "uv", surroundings=current, progress=progress) as model:
            report = _run(model, wanted, is_only_loaded=False)
            if report.engine.data_path is not None:
                _keep(spec, report.engine, model, partial)
    except ModelNotLoadable as error:
        progress.detail(f"and no Python that Lambda has can load it: {error}")
        return replace(found, own_python=spec.python_minor)
    except (DependencyError, ModelError, ToolError) as error:
        progress.detail(f"and under no Python that Lambda has it could be loaded: {error}")
        return found
    return report


def _keep(spec: ModelSpec, engine: EngineInfo, model: PreparedModel, folder: Path) -> None:
    """Copy what the bundle shall carry: the new file, and what the logged one has beside it."""
    assert engine.data_path is not None
    names = [entry.path for entry in spec.info.files if entry.path != spec.info.data_path]
    for name in (engine.data_path, *(names if engine.name == "exact" else ())):
        take_made(model, name, folder)


def _run(model: PreparedModel, wanted: Optimization, *, is_only_loaded: bool) -> _Report:
    engine = "arrays" if wanted.engine == "auto" else wanted.engine
    request = {
        "engine": None if is_only_loaded else engine,
        "tolerance": wanted.tolerance,
        "rows": COMPARED_ROWS,
        "rewrites": wanted.rewrites,
    }
    done = run_converter(model, "converter", json.dumps(request), known_status=_NOT_LOADABLE_STATUS)
    if done.returncode == _NOT_LOADABLE_STATUS:
        raise ModelNotLoadable(**json.loads(done.stdout))
    return _Report.from_dict(json.loads(done.stdout))


def _is_whole(folder: Path) -> bool:
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        engine = _read_report(folder).engine
        return engine.data_path is None or (folder / engine.data_path).is_file()
    return False


def _read_report(folder: Path) -> _Report:
    return _Report.from_dict(json.loads((folder / _REPORT).read_bytes()))


def _key(spec: ModelSpec, wanted: Optimization, surroundings: ModelSurroundings) -> str:
    """Return what the outcome depends on: the model, the environment, the code, the options."""
    facts = [asdict(spec.info), spec.python_version, spec.requirements, asdict(wanted)]
    around = [asdict(surroundings.overrides), surroundings.constraints, surroundings.indexes.args]
    pieces = ("packager.engine.converter", "packager.oldpython", "handler")
    sources = map(resources.files, pieces)
    return cache_key([__version__, facts, around], sources=sources)
