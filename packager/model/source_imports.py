"""Which modules a Python source imports, read from its syntax tree: nothing is executed."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_GUARDS = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
COMPUTING = frozenset({"import_module", "__import__", "entry_points", "iter_entry_points"})
"""What imports modules by names that may be computed."""
_SPACE, _WORD = re.compile(r"\s"), re.compile(r"\w+")
PREDICTING = frozenset({"predict", "load_context", "_load_pyfunc"})
"""Functions of a model that the handler calls itself."""


@dataclass(frozen=True)
class Import:
    """An import statement's module."""

    module: str
    """Of `from a import b` both `a` and `a.b`, which may be a module."""
    is_sure: bool
    """Whether loading the source or predicting runs it, and fails where the module is not."""


@dataclass(frozen=True)
class SourceImports:
    """What a source imports."""

    imports: tuple[Import, ...]
    words: frozenset[str]
    """Names that it uses otherwise, and those in its strings that are no sentences."""
    is_computed: bool
    """Whether it imports modules by names that only running it tells."""


def read_imports(path: Path, package: str = "") -> SourceImports | None:
    """Return what the source imports; None: it is no Python that can be read here.

    :param package: the one that it is in, for relative imports.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError):
        return None
    words = frozenset(_words(tree))
    try:
        found = tuple(_imports(tree, package, is_sure=True))
    except RecursionError:
        return None
    return SourceImports(found, words, is_computed=not COMPUTING.isdisjoint(words))


def _words(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name) | ast.Name(id=name):
                yield name
            case ast.Constant(value=str(text)) if not _SPACE.search(text):
                yield from _WORD.findall(text)


def _imports(node: ast.AST, package: str, *, is_sure: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import(names=aliases):
                yield from (Import(alias.name, is_sure) for alias in aliases)
            case ast.ImportFrom():
                yield from _from(child, package, is_sure=is_sure)
            case ast.If() if ast.unparse(child.test).endswith(("TYPE_CHECKING", "'__main__'")):
                for branch in child.orelse:
                    yield from _imports(ast.Module([branch], []), package, is_sure=is_sure)
            case ast.Try() if any(map(_catches, child.handlers)):
                yield from _imports(child, package, is_sure=False)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _imports(child, package, is_sure=is_sure and child.name in PREDICTING)
            case ast.If():  # of another Python, or another system
                yield from _imports(child, package, is_sure=False)
            case _:
                yield from _imports(child, package, is_sure=is_sure)


def _from(node: ast.ImportFrom, package: str, *, is_sure: bool) -> Iterator[Import]:
    module = node.module or ""
    if node.level:
        parts = package.split(".")
        module = ".".join([*parts[: len(parts) - node.level + 1], *filter(None, [module])])
    if module:
        yield Import(module, is_sure)
        yield from (Import(f"{module}.{alias.name}", False) for alias in node.names)


def _catches(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    named = (node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name))
    return not _GUARDS.isdisjoint(named)
