"""Take out of the staging dir what no prediction needs: rules as data, each with its reason."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packager.packages.deduplicate import share_duplicates


@dataclass(frozen=True)
class TrimRule:
    """Files that are removed: those that match, or lie below a folder that matches."""

    glob: str
    """Relative to the staging dir."""
    reason: str


@dataclass(frozen=True)
class Trimmed:
    """What one rule took out."""

    glob: str
    reason: str
    size_bytes: int


_TESTS = "the libraries' own tests"
_TOY_DATA = "tables and pictures to learn with"
_SERVER = "only MLflow's server and its command line import it"
_SOURCES = "sources that only a compiler reads"
INSTALLER_RULES = (
    TrimRule(".lock", "left behind by the installer"),
    TrimRule("bin", "scripts: nothing in Lambda runs them, and they name the building machine"),
    TrimRule("*.dist-info/RECORD", "lists the files as they were before trimming"),
)
TRIM_RULES = (
    *INSTALLER_RULES,
    TrimRule("**/*.pyi", "type stubs"),
    TrimRule("**/py.typed", "type stubs"),
    *(
        TrimRule(f"**/*.{suffix}", _SOURCES)
        for suffix in ("pyx", "pxd", "pxi", "c", "cpp", "h", "hpp", "f", "f90", "a", "tp")
    ),
    TrimRule("**/meson.build", _SOURCES),
    *(TrimRule(f"sklearn/datasets/{kind}", _TOY_DATA) for kind in ("data", "descr", "images")),
    TrimRule("onnxruntime/capi/libonnxruntime.so.*", "for C programs: the module has its own"),
    TrimRule("numpy/_core/_simd.*", "only numpy's own tests use it"),
    # Not _multiarray_tests, which numpy 2.0 writes documentation into when it is imported.
    *(
        TrimRule(f"numpy/_core/_{name}_tests.*", "only numpy's own tests use it")
        for name in ("operand_flag", "rational", "struct_ufunc", "umath")
    ),
    TrimRule("sklearn/_build_utils", "scripts that built scikit-learn"),
    TrimRule("torch/bin/test_*", "torch's own tests"),
    TrimRule("torch/bin/*Test", "torch's own tests"),
    TrimRule("torch/bin/upgrader_models", "torch's own tests"),
    TrimRule("torch/bin/protoc*", "compilers: torch runs nothing but torch_shm_manager"),
    TrimRule("torch/include", _SOURCES),
    TrimRule("torch/share", "for CMake"),
    TrimRule("tensorflow/include", _SOURCES),
    TrimRule("scipy/special/_precompute", "scripts that computed scipy's constants"),
    *(
        TrimRule(f"mlflow/{folder}", _SERVER)
        for folder in ("server", "assistant", "demo", "store/db_migrations")
    ),
)
TEST_RULES = tuple(TrimRule(glob, _TESTS) for glob in ("**/conftest.py", "**/tests", "**/test"))


def trim_tree(staging: Path) -> tuple[Trimmed, ...]:
    """Apply every rule to `staging` and return what each took out.

    A module in a test folder stays when a library imports it: numpy.testing needs one of
    numpy's own tests.
    """
    trimmed = [_apply(rule, staging) for rule in TRIM_RULES]
    # Only now: what those rules removed needs no tests any more.
    needed = frozenset(_imported_test_modules(staging))
    trimmed += [_apply(rule, staging, needed) for rule in TEST_RULES]
    saved_bytes = share_duplicates(staging)
    trimmed.append(Trimmed("*.libs/*", "libraries that several wheels brought", saved_bytes))
    _remove_empty_folders(staging)
    return tuple(trimmed)


def trim_tests(staging: Path) -> tuple[Trimmed, ...]:
    """Take out of `staging` what no library reads, however old: tests, and the installer's own."""
    needed = frozenset(_imported_test_modules(staging))
    trimmed = [_apply(rule, staging) for rule in INSTALLER_RULES]
    trimmed += [_apply(rule, staging, needed) for rule in TEST_RULES]
    _remove_empty_folders(staging)
    return tuple(trimmed)


def tree_size(path: Path) -> int:
    """Return the bytes in a file, or in all files below a folder (sizes, not disk blocks)."""
    return sum(file.stat().st_size for file in _files(path))


def _apply(rule: TrimRule, staging: Path, needed: frozenset[Path] = frozenset()) -> Trimmed:
    removed_bytes = 0
    for file in {file for path in staging.glob(rule.glob) for file in _files(path)} - needed:
        removed_bytes += file.stat().st_size
        file.unlink()
    return Trimmed(rule.glob, rule.reason, removed_bytes)


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    else:
        yield from (file for file in path.rglob("*") if file.is_file())


def _remove_empty_folders(staging: Path) -> None:
    for folder in sorted(staging.rglob("*/"), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()


_BLANK = rb"(?:[ \t]|\\\r?\n)"
_IMPORT = re.compile(
    # At the start of a line or after `if x:`; names up to the end of the line, or in brackets.
    rb"(?:^|[:;])[ \t]*"
    rb"((?:from" + _BLANK + rb"*[.\w][.\w \t]*" + _BLANK + rb"*\b)?import\b" + _BLANK + rb"*"
    rb"(?:\((?:#.*\n|[^)#])*\)|(?:\\\r?\n|[^\n;#\\])*))",
    re.MULTILINE,
)
_TESTS_NAME = re.compile(rb"\btests?\b")


def _imported_test_modules(staging: Path) -> Iterator[Path]:
    """Yield the files below test folders that modules outside of them import."""
    sources = [path for path in staging.rglob("*.py") if not _is_test(path, staging)]
    seen: set[Path] = set()
    while sources:
        imported = set(_test_imports(sources, staging)) - seen
        seen |= imported
        yield from imported
        sources = list(imported)  # a module that stays keeps what it imports


def _test_imports(sources: Iterable[Path], staging: Path) -> Iterator[Path]:
    for source in sources:
        text = source.read_bytes()
        is_among_tests = _is_test(source, staging)  # `from . import x` is there one of a test's
        if b"test" not in text and not is_among_tests:
            continue
        for match in _IMPORT.finditer(text):
            if is_among_tests or _TESTS_NAME.search(match[1]):
                yield from _imported_files(match[1], source, staging)


def _imported_files(statement: bytes, importer: Path, staging: Path) -> Iterator[Path]:
    """Yield the files among the tests that an import statement runs."""
    try:
        (node,) = ast.parse(statement).body
    except (SyntaxError, ValueError):  # a sentence of a docstring
        return
    if isinstance(node, ast.Import):
        for name in node.names:
            yield from _module_files(name.name, staging, staging)
    elif isinstance(node, ast.ImportFrom):
        parents = (Path(), *importer.relative_to(staging).parents)
        if node.level < len(parents):
            base = staging / parents[node.level]
            for name in node.names:  # each may be a module, or a name in one
                path = ".".join(filter(None, (node.module, name.name)))
                yield from _module_files(path, base, staging)


def _module_files(module: str, base: Path, staging: Path) -> Iterator[Path]:
    """Yield a module's file and the `__init__.py` of each package around it."""
    parts = module.split(".")
    for length in range(1, len(parts) + 1):
        path = base.joinpath(*parts[:length])
        for file in (path / "__init__.py", path.with_suffix(".py")):
            if file.is_file() and _is_test(file, staging):
                yield file


def _is_test(file: Path, staging: Path) -> bool:
    return not {"test", "tests"}.isdisjoint(file.relative_to(staging).parts[:-1])
