"""Rewrite a module so that what it imports is imported when it is first used."""

import ast
from collections.abc import Iterable

from .scopes import Uses, find_uses
from .statements import (
    Deferred,
    Module,
    Rules,
    Waiting,
    find_waiting,
    import_top_only,
    settle,
    spell_star,
)

RUNTIME = "_deferred_imports"
"""The top-level module of the bundle that rewritten modules need: `runtime`."""
_OBJECT = "__deferred__"
_LOOKS_ANYWHERE = frozenset({"globals", "eval", "exec"})
_LOOKS_AROUND = frozenset({"vars", "locals"})
"""Without arguments, they give a function its own names only."""


def defer_imports(source: bytes, module: Module, rules: Rules) -> ast.Module | None:
    """Return the module with its imports deferred, or None where there is nothing to rewrite.

    A name that only functions use, or only other modules, is imported when that happens. All
    else stays where it is: imports under conditions, what the module's own body uses (classes'
    bodies and bases, decorators, defaults, annotations), names that are bound twice. A package
    also learns to import its submodules on demand: whoever counted on another's import of them
    still finds them.

    :raises SyntaxError: `source` is not valid Python.
    :raises ValueError: it holds null bytes.
    """
    tree = ast.parse(source)
    tree.body = settle(tree.body, module, rules)
    fills = [node for node in tree.body if _fills_names(node, rules.fillers)]
    copies = [node for node in tree.body if _copies_names(node, rules.copiers)]
    changed = [*fills, *copies, *(node for node in tree.body if _shorten(node, module, rules))]
    for node in tree.body:
        spell_star(node, module, rules)
    uses = find_uses(tree)
    changed += [node for node in tree.body if import_top_only(node, uses, rules)]
    if uses.is_unreadable:
        return None
    is_regular = not (copies or _looks_at_names(tree, uses))
    waiting = find_waiting(tree.body, uses, module, rules) if is_regular else ()
    if not (waiting or changed) and module.submodules is None:
        return None
    _rewrite(tree, waiting, uses, module)
    return tree


def star_names(source: bytes) -> tuple[str, ...] | None:
    """Return the names in a module's `__all__` where it is one plain list of strings.

    :raises SyntaxError: `source` is not valid Python.
    """
    if source.count(b"__all__") != 1:
        return None
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            try:
                return tuple(dict.fromkeys(ast.literal_eval(node.value)))
            except ValueError:
                return None
    return None


def _looks_at_names(tree: ast.Module, uses: Uses) -> bool:
    """Tell whether a module looks at its own names in ways that cannot be followed."""
    if uses.early & (_LOOKS_ANYWHERE | _LOOKS_AROUND):
        return True
    # `__getattr__` may look: it is only asked for names that are not there.
    getters = [node for node in tree.body if getattr(node, "name", "") == "__getattr__"]
    inside = {id(part) for node in getters for part in ast.walk(node)}
    places = (place for name in _LOOKS_ANYWHERE for place in uses.late.get(name, ()))
    return any(id(place) not in inside for place in places)


def _call_of(node: ast.stmt, names: frozenset[str]) -> ast.Call | None:
    """Return the call in `x = name(...)`, where it is one of these names."""
    call = node.value if isinstance(node, ast.Assign) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        return None
    return call if call.func.id in names else None


def _copies_names(node: ast.stmt, copiers: frozenset[str]) -> bool:
    """Make `x = copier(name, globals())` ours, and tell whether it was one."""
    call = _call_of(node, copiers)
    if call is not None:
        call.func = _parse_at(f"{_OBJECT}.copy", call.func)
    return call is not None


def _fills_names(node: ast.stmt, fillers: frozenset[str]) -> bool:
    """Make `x = filler(..., globals(), ...)` name them otherwise, and tell whether it was one."""
    call = _call_of(node, fillers)
    if call is not None:
        names = f"{_OBJECT}.namespace"
        call.args = [
            _parse_at(names, item) if ast.unparse(item) == "globals()" else item
            for item in call.args
        ]
    return call is not None


def _shorten(node: ast.stmt, module: Module, rules: Rules) -> bool:
    """Give a function the body that the rules have for it, and tell whether there was one."""
    body = rules.shortcuts.get((module.name, getattr(node, "name", "")))
    if body is None or not isinstance(node, ast.FunctionDef):
        return False
    node.body = ast.parse(f"def function():\n {body}").body[0].body  # type: ignore[attr-defined]
    return True


def _rewrite(tree: ast.Module, waiting: Waiting, uses: Uses, module: Module) -> None:
    items = {item.name: item for _, names in waiting for item in names}
    rewriter = _Rewriter(items, uses)
    statements = {id(node): {item.name for item in names} for node, names in waiting}
    tree.body = [
        kept
        for node in tree.body
        if (kept := rewriter.statement(node, statements.get(id(node), set())))
    ]
    start = _first_statement(tree.body)
    tree.body[start:start] = _prologue(items.values(), uses, module)
    if "__getattr__" in uses.bound:
        tree.body += ast.parse(f"__getattr__ = {_OBJECT}.after(__getattr__)\n").body


class _Rewriter(ast.NodeTransformer):
    def __init__(self, items: Iterable[str], uses: Uses) -> None:
        self.places = {id(node) for name in items for node in uses.late.get(name, ())}
        self.late_dirs = {id(node) for node in uses.late.get("dir", ())}
        self.has_early_dir = "dir" in uses.early
        self.passed: list[str] = []
        """The deferred names that would be bound by now."""

    def statement(self, node: ast.stmt, waiting: set[str]) -> ast.stmt | None:
        """Return a statement of the module's body without the names that wait, or None."""
        self.passed += sorted(waiting)
        if isinstance(node, ast.Import | ast.ImportFrom):
            node.names = [item for item in node.names if (item.asname or item.name) not in waiting]
            return node if node.names else None
        if waiting:
            return None  # a `try` of which nothing is left
        rewritten = self.visit(node) if self.places or self.has_early_dir else node
        assert isinstance(rewritten, ast.stmt)
        return rewritten

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if id(node) not in self.places:
            return node
        # A few nanoseconds once it is there: this runs in the libraries' inner functions too.
        return _parse_at(f"{node.id} if {_flag(node.id)} else {_OBJECT}({node.id!r})", node)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        function = node.func
        is_dir = isinstance(function, ast.Name) and function.id == "dir" and not node.args
        if not is_dir or id(function) in self.late_dirs:
            return node
        return _parse_at(f"sorted({{*dir(), *{self.passed!r}}})", node)


def _parse_at(text: str, place: ast.expr) -> ast.expr:
    expression = ast.parse(text, mode="eval").body
    for part in ast.walk(expression):
        ast.copy_location(part, place)
    return expression


def _flag(name: str) -> str:
    return f"__has_{name}__"


def _first_statement(body: list[ast.stmt]) -> int:
    """Return where code may begin: behind the docstring and `__future__` imports."""
    for index, node in enumerate(body):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if not (is_future or (index == 0 and is_text)):
            return index
    return len(body)


def _prologue(items: Iterable[Deferred], uses: Uses, module: Module) -> list[ast.stmt]:
    rows = tuple(item.row for item in items)
    arguments = f"globals(), {rows!r}, {tuple(sorted(module.submodules or ()))!r}"
    text = f"{_OBJECT} = __import__({RUNTIME!r}).Deferred({arguments})\n"
    flags = [_flag(item.name) for item in items if item.name in uses.late]
    if flags:
        text += f"{' = '.join(flags)} = False\n"
    return ast.parse(text).body
