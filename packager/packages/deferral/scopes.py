"""Where a module uses its global names: while it is imported, or later in a function."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_IDENTIFIER = re.compile(r"[^\W\d]\w*")


@dataclass
class Uses:
    """The global names of a module."""

    early: set[str] = field(default_factory=set)
    """Used when the module is imported, or in a place where only a plain name may stand."""
    late: dict[str, list[ast.Name]] = field(default_factory=dict)
    """Used when a function runs: each place."""
    bound: list[str] = field(default_factory=list)
    """Bound or deleted in the module's own scope, or by `global`: once for each place."""
    dotted: set[str] = field(default_factory=set)
    """Names with attributes, as `scipy.stats`, wherever they are used."""
    is_unreadable: bool = False
    """The module puts another object in its own place, or has scopes that are unknown here."""


@dataclass(frozen=True)
class _Scope:
    names: frozenset[str] = frozenset()
    """Its own ones."""
    is_class: bool = False
    is_late: bool = False
    """In a function, at whatever depth."""
    outer: "tuple[_Scope, ...]" = ()
    """The function scopes around it, whose names are seen in it."""

    @property
    def seen_inside(self) -> "tuple[_Scope, ...]":
        """What a scope in this one sees: functions in a class do not see its names."""
        return self.outer if self.is_class else (*self.outer, self)


def find_uses(tree: ast.Module) -> Uses:
    """Sort the uses of the module's global names."""
    uses = Uses(bound=list(_bindings(tree.body)))
    is_postponed = any(
        isinstance(node, ast.ImportFrom)
        and node.module == "__future__"
        and any(name.name == "annotations" for name in node.names)
        for node in tree.body
    )
    _Reader(uses, is_postponed).read(tree.body, _Scope())
    return uses


class _Reader:
    def __init__(self, uses: Uses, is_postponed: bool) -> None:
        self.uses = uses
        self.is_postponed = is_postponed
        self.readers: dict[type[ast.AST], Callable[[Any, _Scope], None]] = {
            ast.Name: self._name,
            ast.FunctionDef: self._function,
            ast.AsyncFunctionDef: self._function,
            ast.Lambda: self._function,
            ast.ClassDef: self._class,
            ast.ListComp: self._comprehension,
            ast.SetComp: self._comprehension,
            ast.DictComp: self._comprehension,
            ast.GeneratorExp: self._comprehension,
            ast.AnnAssign: self._annotated,
            ast.NamedExpr: self._walrus,
            ast.Global: self._global,
            ast.Match: self._match,
            ast.Attribute: self._attribute,
            ast.Subscript: self._subscript,
        }

    def read(self, nodes: Iterable[ast.AST | None], scope: _Scope) -> None:
        for node in nodes:
            if node is None:
                continue
            reader = self.readers.get(type(node))
            if reader:
                reader(node, scope)
            else:
                self.read(ast.iter_child_nodes(node), scope)

    def _name(self, node: ast.Name, scope: _Scope) -> None:
        name = node.id
        if not isinstance(node.ctx, ast.Load):
            return
        if scope.is_class and name in scope.names:
            self.uses.early.add(name)  # the class's or the module's, as it comes
        elif name in scope.names or any(name in outer.names for outer in scope.outer):
            return
        elif scope.is_late:
            self.uses.late.setdefault(name, []).append(node)
        else:
            self.uses.early.add(name)

    def _function(self, node: Function, scope: _Scope) -> None:
        self.read((*node.args.defaults, *node.args.kw_defaults), scope)
        names = set(_arguments(node.args))
        inner = node.body
        if isinstance(inner, list):
            assert not isinstance(node, ast.Lambda)
            self._definition(node)
            self.read(node.decorator_list, scope)
            names.update(_bindings(inner))
            names.difference_update(_declared(inner))
        self.read(
            inner if isinstance(inner, list) else (inner,),
            _Scope(frozenset(names), is_late=True, outer=scope.seen_inside),
        )

    def _definition(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self.uses.is_unreadable |= bool(getattr(node, "type_params", None))  # PEP 695
        if not self.is_postponed:
            arguments = (item for item in ast.walk(node.args) if isinstance(item, ast.arg))
            for annotation in (node.returns, *(item.annotation for item in arguments)):
                self._annotation(annotation)

    def _class(self, node: ast.ClassDef, scope: _Scope) -> None:
        self.uses.is_unreadable |= bool(getattr(node, "type_params", None))
        self.read((*node.decorator_list, *node.bases, *node.keywords), scope)
        names = frozenset(_bindings(node.body))
        self.read(node.body, _Scope(names, True, scope.is_late, scope.seen_inside))

    def _comprehension(self, node: Comprehension, scope: _Scope) -> None:
        first, *others = node.generators
        self.read((first.iter,), scope)
        names = frozenset(name for item in node.generators for name in _stored(item.target))
        inner = _Scope(names, is_late=scope.is_late, outer=scope.seen_inside)
        self.read((first.target, *first.ifs, *others), inner)
        results = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        self.read(results, inner)

    def _annotated(self, node: ast.AnnAssign, scope: _Scope) -> None:
        self.read((node.target, node.value), scope)
        self._annotation(node.annotation)

    def _walrus(self, node: ast.NamedExpr, scope: _Scope) -> None:
        # In a comprehension it binds a name further out, in whichever scope that is.
        self.uses.early.update(_stored(node.target))
        self.read((node.value,), scope)

    def _global(self, node: ast.Global, scope: _Scope) -> None:
        self.uses.bound += node.names

    def _match(self, node: ast.Match, scope: _Scope) -> None:
        for case in node.cases:
            self._plain_only(case.pattern)
            self.read((case.guard, *case.body), scope)
        self.read((node.subject,), scope)

    def _attribute(self, node: ast.Attribute, scope: _Scope) -> None:
        self.uses.is_unreadable |= node.attr == "__class__" and isinstance(node.ctx, ast.Store)
        if name := _dotted(node):
            self.uses.dotted.add(name)
        self.read((node.value,), scope)

    def _subscript(self, node: ast.Subscript, scope: _Scope) -> None:
        if isinstance(node.ctx, ast.Store):
            self.uses.is_unreadable |= ast.unparse(node.value) == "sys.modules"
        self.read((node.value, node.slice), scope)

    def _annotation(self, node: ast.expr | None) -> None:
        """Take an annotation's names for used: typing and dataclasses look them up by name."""
        if node is None:
            return
        self._plain_only(node)
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                self.uses.early.update(_IDENTIFIER.findall(part.value))

    def _plain_only(self, node: ast.AST) -> None:
        self.uses.early.update(part.id for part in ast.walk(node) if isinstance(part, ast.Name))


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (parent := _dotted(node.value)):
        return f"{parent}.{node.attr}"
    return None


def _arguments(arguments: ast.arguments) -> Iterator[str]:
    for item in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
        yield item.arg
    yield from (item.arg for item in (arguments.vararg, arguments.kwarg) if item)


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt | ast.excepthandler | ast.pattern]:
    """Yield the statements of a scope, also those under `if`, `try`, `for` and so on."""
    for node in body:
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        for block in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(node, block, ()))
        for handler in getattr(node, "handlers", ()):
            yield handler
            yield from _statements(handler.body)
        for case in getattr(node, "cases", ()):
            yield case.pattern
            yield from _statements(case.body)


def _declared(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Yield the names that `global` or `nonlocal` gives to another scope."""
    for node in _statements(body):
        if isinstance(node, ast.Global | ast.Nonlocal):
            yield from node.names


def _bindings(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Yield each name that statements bind or delete in their scope, once for each place.

    But for `:=`, whose names are never deferred.
    """
    for node in _statements(body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (name.asname or name.name.partition(".")[0] for name in node.names)
        elif isinstance(node, ast.pattern):
            parts = ast.walk(node)
            names = (getattr(part, "name", None) or getattr(part, "rest", None) for part in parts)
            yield from (name for name in names if name)
        elif isinstance(node, ast.ExceptHandler):
            yield from (node.name,) if node.name else ()
        else:
            for target in _targets(node):
                yield from _stored(target)


def _targets(node: ast.AST) -> Iterator[ast.expr]:
    yield from getattr(node, "targets", ())
    target = getattr(node, "target", None)
    with_targets = (item.optional_vars for item in getattr(node, "items", ()))
    yield from (item for item in (target, *with_targets) if item)


def _stored(target: ast.expr) -> Iterator[str]:
    for node in ast.walk(target):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
