"""A module that the model needs and nothing brings: who needs it, where it is, what to do."""

import importlib.metadata
import os
import re
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from packaging.utils import canonicalize_name

from packager.errors import ModelNotLoadable, ModuleMissing
from packager.model.mlmodel import ModelSpec
from packager.model.pickle_globals import globals_of
from packager.requirements.select import Drop

_PROGRAMS = ("__main__", "__mp_main__")
_NAME = re.compile(r"[^\w.-]")
"""What ends the name in a requirement."""
_SHOWN = 3
_SOURCES = (".py", ".yaml", ".txt", ".json", ".md")
"""Of files that are no pickles."""


def check_no_program(spec: ModelSpec) -> None:
    """Refuse a pickle that names what was defined in the program that wrote it.

    :raises ModuleMissing: names the classes and functions.
    """
    for program in _PROGRAMS:
        found = _needed_by(spec, program)
        if not found:
            continue
        names = [name.removeprefix(f"{program}.") for name, _ in found]
        shown, path = _shown(names), found[0][1]
        raise ModuleMissing(
            f"{path} needs {shown}, defined in the program that saved it (`__main__`): a pickle"
            " holds the name alone, and a function is another program",
            module=program,
            needed_by=[name for name, _ in found],
            hint=f"Move {shown} into a module, as mymodel.py, import it from there, save the model"
            " again and build with --code-path mymodel.py; or save it with cloudpickle.dump(model,"
            " file), which takes along what the program defines.",
        )


def missing_module(
    error: ModelNotLoadable, spec: ModelSpec, dropped: Iterable[Drop], origin: str | None
) -> ModelNotLoadable | ModuleMissing:
    """Return what to say of a model that cannot be loaded: of a missing module all about it.

    :param dropped: requirements that its environment lacks.
    :param origin: what the model was opened as: a path, where it is one.
    """
    if error.module is None:
        return error
    found = _needed_by(spec, error.module)
    beside = [_from_here(path) for path in _beside(error.module, spec.folder, origin)]
    needed = f": {_shown([name for name, _ in found])} in {found[0][1]}" if found else ""
    there = f". Of that name there is {', '.join(beside)}" if beside else ""
    trace = "".join(f"\n  {line}" for line in error.trace)
    return ModuleMissing(
        f"the model needs the module {error.module}, which neither its requirements nor its own"
        f" code have{needed}{there}{trace}",
        module=error.module,
        needed_by=[name for name, _ in found],
        beside=beside,
        hint=_way(error.module.partition(".")[0], beside, dropped),
    )


def _needed_by(spec: ModelSpec, module: str) -> list[tuple[str, str]]:
    """Return what the model's pickles name of the module, and in which file."""
    paths = [entry.path for entry in spec.info.files if not entry.path.endswith(_SOURCES)]
    return [(name, path) for path in paths for name in globals_of(spec.folder / path, module)]


def _beside(module: str, folder: Path, origin: str | None) -> Iterator[Path]:
    """Yield files and folders of the module's name near the model, the nearest first."""
    top = module.partition(".")[0]
    places = [folder, Path.cwd()]
    if origin is not None and (there := Path(origin)).exists():
        places[:1] = [there.parent] if there.is_file() else [there, there.parent]
    seen = set()
    for place in places:
        for pattern in (f"{top}.py", top, f"*/{top}.py", f"*/{top}"):
            for path in sorted(place.glob(pattern)):
                is_code = path.is_file() or any(path.glob("*.py"))
                if is_code and path.resolve() not in seen:
                    seen.add(path.resolve())
                    yield path


def _way(top: str, beside: list[str], dropped: Iterable[Drop]) -> str:
    distributions = importlib.metadata.packages_distributions().get(top, [])
    names = {canonicalize_name(name) for name in (top, *distributions)}
    for drop in dropped:
        if canonicalize_name(_NAME.split(drop.requirement)[0]) in names:
            return f"It was left out ({drop.reason}): build again with --keep {top}."
    if beside:
        return f"Build again with --code-path {shlex.quote(beside[0])}."
    if distributions:
        version = importlib.metadata.version(distributions[0])
        return f"Build again with --with {distributions[0]}=={version}, which has it here."
    return (
        f"If it is your own, build again with --code-path PATH/{top}.py (or its folder); if a"
        " package has it, with --with NAME==VERSION."
    )


def _from_here(path: Path) -> str:
    near = os.path.relpath(path)
    return str(path) if near.startswith("..") else f"./{near}"


def _shown(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
