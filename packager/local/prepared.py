"""A model made ready to run on this machine, outside of Lambda."""

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from handler.manifest import MODEL_PYTHON_VARIABLE, ModelInfo
from packager.aws.runtimes import host_architecture, runtime_for_python
from packager.bundle.skeleton import write_skeleton
from packager.errors import ToolMissing, Unobtainable, install_hint
from packager.local.envs import ensure_env
from packager.local.old_python import OldPython, find_old_python
from packager.model.bytecode_python import needed_own_python
from packager.model.mlmodel import ModelSpec, read_mlmodel
from packager.progress import LOGGED, Progress
from packager.requirements.logged_with import logged_with
from packager.requirements.overrides import Overrides, apply_overrides
from packager.requirements.own_python import TABLES, model_lines
from packager.requirements.select import (
    HANDLER_REQUIREMENTS,
    Requirements,
    inference_requirements,
)
from packager.support.uv import Indexes

EnvManager = Literal["uv", "local"]

_OLD_LOADER = "oldpython.predictor"
SERVER_REQUIREMENT = "uvicorn>=0.34"
_SERVER_MODULES = ("fastapi", "mangum", "numpy", "orjson", "pandas", "uvicorn")
"""What the extra `local` brings and `handler/` or the server imports."""

# They are the deployment's to set; here the model is at hand.
_DEPLOYMENT_VARIABLES = (
    "MODEL_BUCKET",
    "MODEL_KEY",
    "MODEL_SHA256",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
)
_HARMLESS = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
# They would let the user's own packages into the model's environment.
_PYTHON_VARIABLES = ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")


@dataclass(frozen=True)
class ModelSurroundings:
    """What a model's own environment is made of, and what its process sees of ours."""

    overrides: Overrides = field(default_factory=Overrides)
    """A line that the user drops is left out here too: it may be one that cannot be installed."""
    constraints: tuple[str, ...] = ()
    indexes: Indexes = field(default_factory=Indexes)
    has_our_variables: bool = True
    """False: no variables but those that Lambda has too; credentials above all."""
    has_old_pythons: bool = True
    """Whether a model of a Python that Lambda no longer has is loaded under it, if that is here;
    else all are loaded under the nearest that Lambda has."""
    own_python: str | None = None
    """The Python, as `3.8`, that the model runs in, in a process of its own; None: the handler's,
    unless the model holds bytecode of one that cannot run the handler."""


@dataclass(frozen=True)
class PreparedModel:
    """What is needed to run a model."""

    spec: ModelSpec
    skeleton: Path
    """Folder with handler, manifest and model; the working directory of what runs it."""
    python: Path
    """Interpreter that has the model's libraries and the handler's."""
    environment: dict[str, str]
    """Variables for the process that runs it."""
    old_python: str | None = None
    """The Python, as `3.8`, in which the model itself lives, and is asked from `python`; None: it
    lives in `python`."""
    other_pythons: tuple[Path, ...] = ()
    """Interpreters that `python` starts."""


@contextmanager
def prepared_model(
    folder: Path,
    env_manager: EnvManager,
    *,
    surroundings: ModelSurroundings | None = None,
    progress: Progress = LOGGED,
) -> Iterator[PreparedModel]:
    """Yield the model in this MLflow model folder, ready to run; its skeleton goes afterwards.

    :param env_manager: `uv`: a cached environment with the model's own requirements;
        `local`: the one that we run in.
    :raises ModelError: the model cannot be read.
    :raises DependencyError: a requirement of the model cannot be installed as it says, or at all.
    :raises ToolMissing: `local` lacks a package, or `uv` finds no Python for the model.
    :raises ToolFailed: uv could not install the requirements.
    """
    spec = read_mlmodel(folder)
    around = surroundings or ModelSurroundings()
    own_python = around.own_python if env_manager == "uv" else None
    old = None
    if env_manager == "uv" and own_python is None and around.has_old_pythons:
        old = _old_python(spec, around, progress)
        own_python = None if old else needed_own_python(spec)
    there: dict[str, str] = {}
    if own_python is not None:
        old = OldPython(_own_environment(spec, own_python, around, progress), own_python)
        spec = replace(spec, info=replace(spec.info, own_python=own_python))
        there = {MODEL_PYTHON_VARIABLE: str(old.python)}
        python = _handler_environment(around, progress, TABLES)
    elif old is not None:
        spec = replace(spec, info=_asked_there(spec.info, old))
        python = _handler_environment(around, progress)
    else:
        python = _find_environment(spec, env_manager, around, progress)
    with tempfile.TemporaryDirectory(prefix="packager-model-") as skeleton:
        write_skeleton(spec, Path(skeleton))
        if old is not None and own_python is None:
            _copy_worker(Path(skeleton))
        variables = _variables(env_manager, around, skeleton) | there
        yield PreparedModel(
            spec,
            Path(skeleton),
            python,
            variables,
            old.minor if old else None,
            (old.python,) if old else (),
        )


def _old_python(
    spec: ModelSpec, surroundings: ModelSurroundings, progress: Progress
) -> OldPython | None:
    return find_old_python(
        spec,
        surroundings.overrides,
        constraints=surroundings.constraints,
        indexes=surroundings.indexes,
        progress=progress,
    )


def _asked_there(info: ModelInfo, old: OldPython) -> ModelInfo:
    """Return what the handler reads, to have the model loaded by the old interpreter."""
    there = {"loader": _OLD_LOADER, "python": str(old.python)}
    return replace(info, options=info.options | there)


def _copy_worker(skeleton: Path) -> None:
    with resources.as_file(resources.files("packager.oldpython")) as source:
        shutil.copytree(
            source,
            skeleton / "handler" / "loaders" / "oldpython",
            ignore=shutil.ignore_patterns("__pycache__"),
        )


def _handler_environment(surroundings: ModelSurroundings, progress: Progress, *more: str) -> Path:
    """Return an interpreter that Lambda has, with the handler's libraries and none of a model."""
    server = (SERVER_REQUIREMENT,) if surroundings.has_our_variables else ()
    return ensure_env(
        "handler",
        _running_minor(),
        (*HANDLER_REQUIREMENTS, *server, *more),
        indexes=surroundings.indexes,
        progress=progress,
    )


def _variables(
    env_manager: EnvManager, surroundings: ModelSurroundings, home: str
) -> dict[str, str]:
    if not surroundings.has_our_variables:
        return {"HOME": home} | {name: os.environ[name] for name in _HARMLESS if name in os.environ}
    hidden = _DEPLOYMENT_VARIABLES + (_PYTHON_VARIABLES if env_manager == "uv" else ())
    return {name: value for name, value in os.environ.items() if name not in hidden}


def _find_environment(
    spec: ModelSpec, env_manager: EnvManager, surroundings: ModelSurroundings, progress: Progress
) -> Path:
    architecture = host_architecture() or "x86_64"
    requirements = apply_overrides(
        surroundings.overrides, inference_requirements(spec, architecture=architecture)
    )
    if env_manager == "local":
        _check_modules()
        _check_installed(requirements, progress)
        return Path(sys.executable)
    is_linux = sys.platform == "linux"
    lines = requirements.lines if is_linux else requirements.recorded_lines
    python = _python_minor(spec.python_version)
    # A build serves nothing, and its index may not have the server.
    lines = (*lines, SERVER_REQUIREMENT) if surroundings.has_our_variables else lines
    return _model_environment(spec, python, lines, requirements, surroundings, progress)


def _own_environment(
    spec: ModelSpec, python: str, surroundings: ModelSurroundings, progress: Progress
) -> Path:
    """Return the model's own Python with what the model recorded, and with MLflow."""
    architecture = host_architecture() or "x86_64"
    requirements = apply_overrides(
        surroundings.overrides, inference_requirements(spec, architecture=architecture)
    )
    lines = model_lines(spec, requirements)
    return _model_environment(spec, python, lines, requirements, surroundings, progress)


def _model_environment(
    spec: ModelSpec,
    python: str,
    lines: Sequence[str],
    requirements: Requirements,
    surroundings: ModelSurroundings,
    progress: Progress,
) -> Path:
    guesses = [drop.requirement for drop in requirements.dropped if drop.is_guess]

    def make(guesses: Sequence[str]) -> Path:
        return ensure_env(
            "model",
            python,
            (*lines, *guesses),
            constraints=(*requirements.constraints, *surroundings.constraints),
            preferences=requirements.preferences,
            indexes=surroundings.indexes,
            there=logged_with(spec),
            # For a build wheels alone, as for the target: what is built executes code that no one
            # has agreed to.
            is_built=surroundings.has_our_variables,
            progress=progress,
        )

    try:
        return make(guesses)
    except Unobtainable as error:
        if not guesses:
            raise
        progress.detail(f"once more without what the model hardly needs: {error}")
        return make(())


def is_own_python(spec: ModelSpec) -> bool:
    """Tell whether the model's own environment has the Python that the model was trained under."""
    return spec.python_minor == _python_minor(spec.python_version)


def _python_minor(trained_under: str | None) -> str:
    if trained_under is None:
        return _running_minor()
    # Older ones than Lambda has cannot run the handler: the nearest that can.
    return runtime_for_python(trained_under).removeprefix("python")


def _running_minor() -> str:
    return ".".join(platform.python_version_tuple()[:2])


def _check_modules() -> None:
    for module in _SERVER_MODULES:
        if importlib.util.find_spec(module) is None:
            raise ToolMissing(module, f"{install_hint('local')}, or leave out --env-manager local.")


def _check_installed(requirements: Requirements, progress: Progress) -> None:
    stand_ins = {item.requirement: item.replacement for item in requirements.replaced}
    for line in requirements.kept:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        # What stands in for it has the same modules and versions.
        stand_in = Requirement(stand_ins.get(line, line))
        installed = _installed_version(requirement.name) or _installed_version(stand_in.name)
        if installed is None:
            raise ToolMissing(
                f"{requirement.name}, which the model needs,",
                f"pip install '{line}', or leave out --env-manager local.",
            )
        if not requirement.specifier.contains(installed, prereleases=True):
            progress.detail(f"{requirement.name} {installed} is installed, the model wants {line}")


def _installed_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
