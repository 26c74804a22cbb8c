"""Cached Python environments that are not the user's: for the runtime, for a model."""

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from handler.manifest import PackageEntry
from packager.errors import IndexUnreachable, ToolFailed, ToolMissing
from packager.lock.explain import final_cause
from packager.lock.known_faults import companions_of
from packager.lock.logged_day import versions_of_the_day
from packager.lock.pylock import read_pins
from packager.lock.torch_cpu import resolve_without_cuda
from packager.progress import LOGGED, Progress
from packager.requirements.logged_with import LoggedWith
from packager.support.cache import build_once, cache_key, cache_root
from packager.support.interpreters import find_python
from packager.support.uv import Indexes, run_uv


@dataclass(frozen=True)
class _Wanted:
    """What decides what an environment holds."""

    python: str
    lines: list[str]
    limits: list[str]
    preferences: list[str]
    indexes: Indexes
    there: LoggedWith


def ensure_env(
    key_name: str,
    python: str,
    requirements: Sequence[str],
    *,
    constraints: Sequence[str] = (),
    preferences: Sequence[str] = (),
    indexes: Indexes | None = None,
    there: LoggedWith | None = None,
    is_compiled: bool = False,
    is_built: bool = False,
    progress: Progress = LOGGED,
) -> Path:
    """Return the Python executable of an environment with exactly these requirements.

    Made by uv at the first call, reused afterwards; safe for parallel callers.

    :param key_name: what the environment is for, as `runtime`; part of its folder's name.
    :param python: the minor version, as `3.11`.
    :param requirements: PEP 508 lines; their order does not matter.
    :param constraints: lines that narrow versions and install nothing.
    :param preferences: pins that are kept to where they can be, and install nothing.
    :param indexes: where the packages come from, besides what uv's configuration says.
    :param there: what versions that the requirements leave open had, where the model was logged.
    :param is_compiled: compile all modules now, for who may not write into it. Others compile
        what they import at its first import, a fraction: 3 s in place of 40 for MLflow's.
    :param is_built: build what has no wheel, with whatever compilers are here.
    :raises ToolMissing: no interpreter of that version is on this machine.
    :raises Unobtainable: one of them is nowhere to be had, or not as a wheel.
    :raises ToolFailed: uv could not install the requirements; says why.
    :raises ConfigError: the cache cannot be written.
    """
    wanted = _Wanted(
        python,
        sorted(set(requirements)),
        sorted(set(constraints)),
        sorted(set(preferences)),
        indexes or Indexes(),
        there or LoggedWith(),
    )
    # A home folder can be shared by machines of different kinds.
    machine = [platform.system(), platform.machine()]
    digest = cache_key([machine, repr(wanted), is_built])
    folder = cache_root() / "envs" / f"{key_name}-{python}-{digest}"

    def build(partial: Path) -> None:
        progress.step(f"Making the {key_name} environment (Python {python}, once)")
        _create(partial, python)
        _install(partial, wanted, progress, is_compiled=is_compiled, is_built=is_built)

    return _executable(build_once(folder, build, is_usable=_is_usable, progress=progress))


def _is_usable(folder: Path) -> bool:
    # A link: it dangles when the interpreter that the environment was made from is gone.
    return _executable(folder).exists()


def _executable(folder: Path) -> Path:
    return folder / "bin" / "python"


def _create(folder: Path, python: str) -> None:
    interpreter = find_python(python)
    if interpreter is None:
        raise ToolMissing(
            f"Python {python}",
            f"`uv python install {python}` gets it; one of pyenv, conda or on the PATH does too.",
        )
    # Relocatable: the folder is renamed when it is whole.
    options = ["--relocatable", "--no-project", "--clear", "--python", str(interpreter)]
    run_uv(["venv", *options, str(folder)])


def _install(
    folder: Path, wanted: _Wanted, progress: Progress, *, is_compiled: bool, is_built: bool
) -> None:
    constraints, known_pins = folder / "constraints.txt", folder / "requirements.txt"
    python = ["--python", str(_executable(folder))]
    if not is_built:
        python += ["--only-binary", ":all:"]
    compiling = ["pip", "compile", "-", *python, "--no-header", "--no-annotate"]
    compiling += ["--constraints", str(constraints), "--output-file", str(known_pins)]
    lines, limits = wanted.lines, wanted.limits
    known = "".join(f"{pin}\n" for pin in wanted.preferences)
    known += versions_of_the_day(lines, limits, python, wanted.indexes, wanted.there, progress)
    known_pins.write_text(known, encoding="utf-8")  # uv keeps to what is there where it can

    def compile_within(more: Sequence[str], places: Indexes) -> str:
        constraints.write_text("\n".join((*limits, *more)) + "\n", encoding="utf-8")
        # From where we are: a folder of wheels may be named relative to it.
        return run_uv([*compiling, *places.args], stdin="\n".join(lines) + "\n")

    def resolve(places: Indexes) -> str:
        try:
            pins = compile_within((), places)
            unsaid = companions_of(_packages(pins))
            return compile_within(unsaid, places) if unsaid else pins
        except ToolFailed as error:
            raise final_cause(error, lines, wanted.python, places) or error from error

    try:
        pins, places = resolve_without_cuda(resolve, _packages, wanted.indexes)
    except IndexUnreachable as error:
        raise ToolFailed(["uv", *compiling], 1, f"{error}. {error.hint}") from error
    options = ["--no-deps", *python, *places.args]
    if is_compiled:
        options.append("--compile-bytecode")
    run_uv(["pip", "install", *options, "--requirements", "-"], stdin=pins)


def _packages(pins: str) -> list[PackageEntry]:
    return [PackageEntry(*item) for item in read_pins(pins).items()]
