"""Find the fastest way to compute a model's predictions that is proven to be the same.

The model is loaded in its own environment, converted there by `converter/`, and both are asked for
the predictions of thousands of rows. What comes of it is kept in the user's cache.
"""

import contextlib
import json
import shutil
import subprocess
from dataclasses import asdict, dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Literal

from handler.manifest import MODEL_FOLDER, EngineInfo
from packager.errors import ConfigError, ModelError, ToolError
from packager.local.prepared import ModelSurroundings, PreparedModel, prepared_model
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
_TIMEOUT_S = 900
_ERROR_CHARS = 600


@dataclass(frozen=True)
class Optimization:
    """What the user wants of it."""

    engine: EngineChoice = "auto"
    tolerance: float = DEFAULT_TOLERANCE
    """For floats: absolute below 1 and relative above. Labels must always be equal."""
    rewrites: bool = True
    """Whether the logged file may be written anew as a pickle: pinned by its digest, and faster
    to load."""


def optimize_model(
    spec: ModelSpec,
    wanted: Optimization,
    surroundings: ModelSurroundings,
    *,
    progress: Progress = LOGGED,
) -> ModelSpec:
    """Return the model as the bundle shall carry it: compiled, or as it is.

    :raises ConfigError: an engine was asked for by name, and the model cannot be had with it.
    """
    if wanted.engine == "none":
        return _exact(spec, "--optimize none")
    if spec.info.flavor not in _FLAVORS:
        return _refused(spec, wanted, f"{spec.info.flavor} models are not converted")
    if not (spec.info.signature or {}).get("inputs"):  # known without loading the model
        return _refused(spec, wanted, "it has no signature: log it with an input example")
    folder = cache_root() / "compiled" / _key(spec, wanted, surroundings)

    def build(partial: Path) -> None:
        _convert(spec, wanted, surroundings, partial, progress)

    try:
        build_once(folder, build, is_usable=_is_whole, progress=progress)
    except (ModelError, ToolError) as error:
        # What is wrong with the model or its environment the build's check will say. The text
        # stays out of the bundle: it may differ from build to build.
        progress.detail(f"compiling could not be tried: {error}")
        return _refused(spec, wanted, "compiling it could not be tried")
    engine = _read_report(folder)
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


def is_converted(spec: ModelSpec, wanted: Optimization) -> bool:
    """Whether :func:`optimize_model` would load the model to convert it."""
    return wanted.engine != "none" and spec.info.flavor in _FLAVORS


def describe(engine: EngineInfo) -> str:
    """Return in words what computes the predictions, and how near it comes to the model."""
    if engine.name != "exact":
        largest = f"largest difference {engine.max_difference:.1g}"
        same = "equal to the bit" if engine.max_difference == 0 else largest
        return f"compiled to {engine.name}, {same} on {engine.compared_rows:,} rows"
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
    if wanted.engine not in ("auto", "exact"):
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
) -> None:
    # The model's code runs here: it sees of our variables what it would see on Lambda.
    extra = (*surroundings.overrides.extra, *_CONVERTERS.get(wanted.engine, ()))
    overrides = replace(surroundings.overrides, extra=extra)
    around = replace(surroundings, overrides=overrides, has_our_variables=False)
    with prepared_model(spec.folder, "uv", surroundings=around, progress=progress) as model:
        if model.spec.info.own_python:
            raise ToolError(f"it runs in its own Python {model.spec.info.own_python}")
        progress.step("Compiling the model, and comparing its predictions")
        engine = _run(model, wanted)
        if engine.data_path is not None:
            _keep(spec, engine, model.skeleton / MODEL_FOLDER, partial)
    (partial / _REPORT).write_text(json.dumps(asdict(engine)), encoding="utf-8")


def _keep(spec: ModelSpec, engine: EngineInfo, made: Path, folder: Path) -> None:
    """Copy what the bundle shall carry: the new file, and what the logged one has beside it."""
    assert engine.data_path is not None
    names = [entry.path for entry in spec.info.files if entry.path != spec.info.data_path]
    for name in (engine.data_path, *(names if engine.name == "exact" else ())):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made / name, folder / name)


def _run(model: PreparedModel, wanted: Optimization) -> EngineInfo:
    with resources.as_file(resources.files("packager.engine.converter")) as source:
        shutil.copytree(
            source, model.skeleton / "converter", ignore=shutil.ignore_patterns("__pycache__")
        )
    engine = "arrays" if wanted.engine == "auto" else wanted.engine
    request = {
        "engine": engine,
        "tolerance": wanted.tolerance,
        "rows": COMPARED_ROWS,
        "rewrites": wanted.rewrites,
    }
    try:
        done = subprocess.run(
            [str(model.python), "-m", "converter", json.dumps(request)],
            cwd=model.skeleton,
            env=model.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"it was not done after {_TIMEOUT_S} s") from error
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise ToolError(f"{last[:_ERROR_CHARS]} (exit status {done.returncode})")
    return EngineInfo.from_dict(json.loads(done.stdout))


def _is_whole(folder: Path) -> bool:
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        engine = _read_report(folder)
        return engine.data_path is None or (folder / engine.data_path).is_file()
    return False


def _read_report(folder: Path) -> EngineInfo:
    return EngineInfo.from_dict(json.loads((folder / _REPORT).read_bytes()))


def _key(spec: ModelSpec, wanted: Optimization, surroundings: ModelSurroundings) -> str:
    """Return what the outcome depends on: the model, the environment, the code, the options."""
    facts = [asdict(spec.info), spec.python_version, spec.requirements, asdict(wanted)]
    around = [asdict(surroundings.overrides), surroundings.constraints, surroundings.indexes.args]
    sources = map(resources.files, ("packager.engine.converter", "handler"))
    return cache_key([__version__, facts, around], sources=sources)
