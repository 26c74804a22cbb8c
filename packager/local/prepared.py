"""A model made ready to run on this machine, outside of Lambda."""

import importlib.metadata
import importlib.util
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from handler.manifest import MODEL_PYTHON_VARIABLE
from packager.aws.runtimes import host_architecture, runtime_for_python
from packager.bundle.skeleton import write_skeleton
from packager.errors import ToolMissing, install_hint
from packager.local.envs import ensure_env
from packager.model.bytecode_python import needed_own_python
from packager.model.mlmodel import ModelSpec, read_mlmodel
from packager.progress import LOGGED, Progress
from packager.requirements.overrides import Overrides, apply_overrides
from packager.requirements.own_python import TABLES, model_lines
from packager.requirements.select import (
    HANDLER_REQUIREMENTS,
    Requirements,
    inference_requirements,
)
from packager.support.uv import Indexes

EnvManager = Literal["uv", "local"]

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
    """Of these what is extra and what to keep: nothing is left out that a bundle may drop."""
    constraints: tuple[str, ...] = ()
    indexes: Indexes = field(default_factory=Indexes)
    has_our_variables: bool = True
    """False: no variables but those that Lambda has too; credentials above all."""
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
    :raises DependencyError: a requirement of the model is not valid.
    :raises ToolMissing: `local` lacks a package, or `uv` finds no Python for the model.
    :raises ToolFailed: uv could not install the requirements.
    """
    spec = read_mlmodel(folder)
    around = surroundings or ModelSurroundings()
    own_python = around.own_python or needed_own_python(spec)
    own: dict[str, str] = {}
    if own_python and env_manager == "uv":
        spec = replace(spec, info=replace(spec.info, own_python=own_python))
        own = {MODEL_PYTHON_VARIABLE: str(_own_environment(spec, own_python, around, progress))}
        python = _function_environment(around, progress)
    else:
        python = _find_environment(spec, env_manager, around, progress)
    with tempfile.TemporaryDirectory(prefix="packager-model-") as skeleton:
        write_skeleton(spec, Path(skeleton))
        variables = _variables(env_manager, around, skeleton) | own
        yield PreparedModel(spec, Path(skeleton), python, variables)


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
    wanted = replace(surroundings.overrides, drop=())
    architecture = host_architecture() or "x86_64"
    requirements = apply_overrides(wanted, inference_requirements(spec, architecture=architecture))
    if env_manager == "local":
        _check_modules()
        _check_installed(requirements, progress)
        return Path(sys.executable)
    is_linux = sys.platform == "linux"
    lines = requirements.lines if is_linux else requirements.recorded_lines
    guesses = (drop.requirement for drop in requirements.dropped if drop.is_guess)
    return ensure_env(
        "model",
        _python_minor(spec.python_version),
        (*lines, *guesses, SERVER_REQUIREMENT),
        constraints=surroundings.constraints,
        indexes=surroundings.indexes,
        progress=progress,
    )


def _own_environment(
    spec: ModelSpec, python: str, surroundings: ModelSurroundings, progress: Progress
) -> Path:
    """Return the model's own Python with all that the model recorded, and with MLflow."""
    wanted = replace(surroundings.overrides, drop=())
    architecture = host_architecture() or "x86_64"
    requirements = apply_overrides(wanted, inference_requirements(spec, architecture=architecture))
    guesses = (drop.requirement for drop in requirements.dropped if drop.is_guess)
    lines = (*model_lines(spec, requirements), *guesses)
    return ensure_env(
        "model",
        python,
        lines,
        constraints=surroundings.constraints,
        indexes=surroundings.indexes,
        progress=progress,
    )


def _function_environment(surroundings: ModelSurroundings, progress: Progress) -> Path:
    """Return a Python that runs the handler beside a model in its own."""
    return ensure_env(
        "handler",
        _python_minor(None),
        (*HANDLER_REQUIREMENTS, TABLES, SERVER_REQUIREMENT),
        indexes=surroundings.indexes,
        progress=progress,
    )


def _python_minor(trained_under: str | None) -> str:
    if trained_under is None:
        return ".".join(platform.python_version_tuple()[:2])
    # Older ones than Lambda has cannot run the handler: the nearest that can.
    return runtime_for_python(trained_under).removeprefix("python")


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
