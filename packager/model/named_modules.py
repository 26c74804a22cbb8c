"""Which modules a model's own files name: its pickles, and the code that it brings.

Nothing is executed, and nothing is looked up: what packages have these modules is not known here.
"""

import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path, PurePosixPath

from handler.manifest import FileEntry
from packager.model.inert_pickle import Code, PickledNames, read_pickles
from packager.model.mlmodel import ModelSpec
from packager.model.pickle_files import has_word, open_pickles
from packager.model.source_imports import COMPUTING, PREDICTING, read_imports

PICKLES = ("pickle", "cloudpickle", "joblib")
"""Formats whose file is a pickle, maybe compressed."""
_COMPILED = (".so", ".pyd", ".pyc")
# Of Python 2, and what stands for the program that made the pickle.
_NO_PACKAGES = sys.stdlib_module_names | {"__main__", "__builtin__", "copy_reg", "mlflow"}


@dataclass(frozen=True)
class Named:
    """Where a module is named."""

    module: str
    by: str
    """The file, and what in it."""
    is_sure: bool
    """Whether loading the model or predicting fails without the module."""
    is_pickled: bool
    """Whether it is an object that was pickled, not code, that names it."""


@dataclass
class NamedModules:
    """What a model's files name."""

    modules: dict[str, Named] = field(default_factory=dict)
    """By top-level module, without the standard library's, MLflow's and the model's own."""
    pickled: dict[str, str] = field(default_factory=dict)
    """Whole names of modules that pickles name, as `sklearn.tree._tree`, and the files."""
    mentioned: set[str] = field(default_factory=set)
    """Of the words that were asked for those that a pickle or a source has anywhere."""
    doubts: list[str] = field(default_factory=list)
    """What may name more, and why that cannot be told."""


def read_named_modules(spec: ModelSpec, words: Collection[str] = ()) -> NamedModules:
    """Return what the model's files name of other packages.

    :param words: to look for in them, as in `import_module("yaml")`.
    """
    info = spec.info
    return _read(
        _Source(
            folder=spec.folder,
            files=info.files,
            main=info.engine.data_path or info.data_path,
            is_pickle=info.engine.data_path is not None or info.serialization_format in PICKLES,
            code_path=info.code_path,
            loader=str(info.options.get("loader_module", "")),
            python=spec.python_minor,
        ),
        frozenset(words),
    )


@dataclass(frozen=True)
class _Source:
    """A model's files, and what is to be known of them."""

    folder: Path
    files: tuple[FileEntry, ...]
    main: str
    is_pickle: bool
    code_path: str | None
    loader: str
    python: str | None


@lru_cache(maxsize=8)
def _read(source: _Source, words: frozenset[str]) -> NamedModules:
    return _Reading(source, words).read()


class _Reading:
    """Follows a model's files from the pickles to the sources that they name."""

    def __init__(self, source: _Source, words: frozenset[str]) -> None:
        self._source, self._words = source, words
        self._found = NamedModules()
        self._local = source.folder / source.code_path if source.code_path else None
        self._waiting = [
            Named(source.loader, "the MLmodel file names it as the loader", True, False)
        ]
        self._sources: set[Path] = set()

    def read(self) -> NamedModules:
        for name in [entry.path for entry in self._source.files] or [self._source.main]:
            if not name.endswith(".py"):
                self._read_objects(name)
            elif name == self._source.main:
                self._read_source(self._source.folder / name, "")
        while self._waiting:
            self._follow(self._waiting.pop())
        return self._found

    def _read_objects(self, name: str) -> None:
        is_main = name == self._source.main and self._source.is_pickle
        if PurePosixPath(name).suffix in _COMPILED:
            self._found.doubts.append(f"{name} is compiled code")
            return
        try:
            for file in open_pickles(self._source.folder / name, is_main=is_main):
                self._note(read_pickles(file), name)
                missing = self._words - self._found.mentioned
                self._found.mentioned |= {word for word in missing if has_word(file, word)}
        except (OSError, ValueError) as error:
            self._found.doubts.append(f"{name} cannot be read: {error}")

    def _note(self, names: PickledNames, file: str) -> None:
        if not COMPUTING.isdisjoint(member.rpartition(".")[2] for member in names.members):
            self._found.doubts.append(f"{file} names a function that imports by computed names")
        for member in names.members:
            self._waiting.append(Named(member, f"{file} names {member}", True, True))
        for module in names.modules:
            if module.partition(".")[0] not in _NO_PACKAGES:
                self._found.pickled.setdefault(module, file)
            self._waiting.append(Named(module, f"{file} names {module}", True, True))
        running = _running(names.codes)
        for code in names.codes:
            is_sure = id(code) in running and not code.is_guarded
            for module in code.imports(self._source.python):
                by = f"{code.name} in {file} imports {module}"
                self._waiting.append(Named(module, by, is_sure, False))
            if not COMPUTING.isdisjoint(code.names):
                self._found.doubts.append(f"{code.name} in {file} imports by computed names")

    def _follow(self, named: Named) -> None:
        top = named.module.partition(".")[0]
        if not top or top in _NO_PACKAGES:
            return
        local = [*self._local_sources(named.module)]
        for path, package in local:
            self._read_source(path, package)
        known = self._found.modules.get(top)
        if not local and (known is None or _weight(named) > _weight(known)):
            self._found.modules[top] = named

    def _local_sources(self, module: str) -> Iterator[tuple[Path, str]]:
        """Yield the sources that importing a module of the model's own runs, and their packages."""
        if self._local is None:
            return
        parts = module.split(".")
        for length in range(1, len(parts) + 1):
            path = self._local.joinpath(*parts[:length])
            if path.is_dir():
                yield path / "__init__.py", ".".join(parts[:length])
            elif path.with_suffix(".py").is_file():
                yield path.with_suffix(".py"), ".".join(parts[: length - 1])

    def _read_source(self, path: Path, package: str) -> None:
        if path in self._sources or not path.is_file():
            return
        self._sources.add(path)
        name = path.relative_to(self._source.folder).as_posix()
        read = read_imports(path, package)
        if read is None:
            self._found.doubts.append(f"{name} cannot be read")
            return
        if read.is_computed:
            self._found.doubts.append(f"{name} imports by computed names")
        for item in read.imports:
            by = f"{name} imports {item.module}"
            self._waiting.append(Named(item.module, by, item.is_sure, False))
        self._found.mentioned |= self._words & read.words


def _weight(named: Named) -> tuple[bool, bool]:
    return named.is_sure, named.is_pickled


def _running(codes: Sequence[Code]) -> set[int]:
    """Return the code objects, by id, that predicting runs: by the names that they use."""
    inner = {id(item) for code in codes for item in code.inner}
    outer = [code for code in codes if id(code) not in inner]
    waiting = [code for code in outer if code.name in PREDICTING] or outer
    running: set[int] = set()
    while waiting:
        code = waiting.pop()
        if id(code) not in running:
            running.add(id(code))
            waiting += [*code.inner, *(other for other in outer if other.name in code.names)]
    return running
