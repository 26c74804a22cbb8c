"""Cached Python environments that are not the user's: for the runtime, for a model."""

import platform
from collections.abc import Iterator, Sequence
from pathlib import Path

from handler.manifest import PackageEntry
from packager.errors import IndexUnreachable, ToolFailed, ToolMissing
from packager.lock.explain import unreachable
from packager.lock.known_faults import companions_of
from packager.lock.torch_cpu import resolve_without_cuda
from packager.progress import LOGGED, Progress
from packager.support.cache import build_once, cache_key, cache_root
from packager.support.uv import Indexes, find_python, run_uv


def ensure_env(
    key_name: str,
    python: str,
    requirements: Sequence[str],
    *,
    constraints: Sequence[str] = (),
    indexes: Indexes | None = None,
    is_compiled: bool = False,
    progress: Progress = LOGGED,
) -> Path:
    """Return the Python executable of an environment with exactly these requirements.

    Made by uv at the first call, reused afterwards; safe for parallel callers.

    :param key_name: what the environment is for, as `runtime`; part of its folder's name.
    :param python: the minor version, as `3.11`.
    :param requirements: PEP 508 lines; their order does not matter.
    :param constraints: lines that narrow versions and install nothing.
    :param indexes: where the packages come from, besides what uv's configuration says.
    :param is_compiled: compile all modules now, for who may not write into it. Others compile
        what they import at its first import, a fraction: 3 s in place of 40 for MLflow's.
    :raises ToolMissing: no interpreter of that version is on this machine.
    :raises ToolFailed: uv could not install the requirements; says why.
    :raises ConfigError: the cache cannot be written.
    """
    lines = sorted(set(requirements))
    limits = sorted(set(constraints))
    places = indexes or Indexes()
    # A home folder can be shared by machines of different kinds.
    machine = [platform.system(), platform.machine()]
    digest = cache_key([machine, python, lines, limits, places.args])
    folder = cache_root() / "envs" / f"{key_name}-{python}-{digest}"

    def build(partial: Path) -> None:
        progress.step(f"Making the {key_name} environment (Python {python}, once)")
        _create(partial, python)
        _install(partial, lines, limits, places, is_compiled=is_compiled)

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
            f"Python {python}", f"`uv python install {python}` gets it; one on the PATH does too."
        )
    # Relocatable: the folder is renamed when it is whole.
    options = ["--relocatable", "--no-project", "--clear", "--python", str(interpreter)]
    run_uv(["venv", *options, str(folder)])


def _install(
    folder: Path, lines: list[str], limits: list[str], indexes: Indexes, *, is_compiled: bool
) -> None:
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(limits) + "\n", encoding="utf-8")
    python = ["--python", str(_executable(folder))]
    compiling = ["pip", "compile", "-", *python, "--no-header", "--no-annotate"]
    compiling += ["--constraints", str(constraints)]

    def resolve_once(places: Indexes) -> str:
        # From where we are: a folder of wheels may be named relative to it.
        text = "\n".join(lines) + "\n"
        try:
            return run_uv([*compiling, *places.args], stdin=text)
        except ToolFailed as error:
            raise unreachable(error) or error from error

    def resolve(places: Indexes) -> str:
        pins = resolve_once(places)
        if unsaid := companions_of(_packages(pins)):
            constraints.write_text("\n".join([*limits, *unsaid]) + "\n", encoding="utf-8")
            pins = resolve_once(places)
        return pins

    try:
        pins, places = resolve_without_cuda(resolve, _packages, indexes)
    except IndexUnreachable as error:
        raise ToolFailed(["uv", *compiling], 1, f"{error}. {error.hint}") from error
    options = ["--no-deps", *python, *places.args]
    if is_compiled:
        options.append("--compile-bytecode")
    run_uv(["pip", "install", *options, "--requirements", "-"], stdin=pins)


def _packages(pins: str) -> Iterator[PackageEntry]:
    for line in pins.splitlines():
        name, is_pin, version = line.partition(" ")[0].partition("==")
        if is_pin:
            yield PackageEntry(name, version)
