"""The import statements of a module, and the names that may wait among what they bind."""

import ast
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from .scopes import Uses


@dataclass(frozen=True)
class Module:
    """A module of the tree that is compiled."""

    name: str
    """Dotted."""
    submodules: frozenset[str] | None = None
    """What a package's folder holds; None: not a package."""

    def absolute(self, module: str | None, level: int) -> str:
        """Return the dotted name that an import statement in this module means."""
        if not level:
            return module or ""
        parents = self.name.split(".")
        package = parents[: len(parents) - level + (self.submodules is not None)]
        return ".".join((*package, module) if module else package)


@dataclass(frozen=True)
class Rules:
    """What may wait for what; each module by its dotted name."""

    is_deferrable: Callable[[str], bool]
    """Whether a module, or a name in one, may be imported later than now."""
    is_rewritten: Callable[[str], bool]
    """Whether it is one whose packages, being rewritten, import their submodules on demand."""
    is_module: Callable[[str], bool] = lambda _: False
    """Whether the tree has a module of that name."""
    star_names: Callable[[str], tuple[str, ...] | None] = lambda _: None
    """What a star import of it brings, where that can be known."""
    shortcuts: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """By module and function: the body that it gets."""
    copiers: frozenset[str] = frozenset()
    """Functions that copy a module's names: `f(name, globals())`."""
    fillers: frozenset[str] = frozenset()
    """Functions that get `globals()` and only write into them, later."""
    holds: Callable[[str, str], bool] = lambda _, __: False
    """Whether in a module a condition, as text, is known to be true."""


@dataclass(frozen=True)
class Deferred:
    """A name that waits."""

    name: str
    module: str
    attribute: str | None
    """None: the module itself."""
    level: int = 0
    default: tuple[object, ...] = ()
    """What the name is when the import fails; empty: then that is an error."""

    @property
    def row(self) -> tuple[object, ...]:
        """What the rewritten module tells `runtime.Deferred`."""
        return (self.name, self.module, self.attribute, self.level, *self.default)


def settle(body: Sequence[ast.stmt], module: Module, rules: Rules) -> list[ast.stmt]:
    """Return a module's body in which what stands under a condition that holds stands alone."""
    settled: list[ast.stmt] = []
    for node in body:
        if isinstance(node, ast.If) and rules.holds(module.name, ast.unparse(node.test)):
            settled += settle(node.body, module, rules)
        else:
            settled.append(node)
    return settled


def spell_star(node: ast.stmt, module: Module, rules: Rules) -> None:
    """Make a star import name what it imports."""
    if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
        source = module.absolute(node.module, node.level)
        names = rules.star_names(source) if rules.is_deferrable(source) else None
        if names:
            node.names = [ast.copy_location(ast.alias(name), node) for name in names]


def import_top_only(node: ast.stmt, uses: Uses, rules: Rules) -> bool:
    """Leave `import a` of `import a.b`: package a will import a.b when the module asks for it.

    Which it does: where `a.b` is not mentioned again, it is imported for what that does.

    :returns: whether there was such an import.
    """
    dotted = [
        alias
        for alias in getattr(node, "names", ())
        if isinstance(node, ast.Import)
        and not alias.asname
        and alias.name in uses.dotted
        and rules.is_rewritten(alias.name)
    ]
    for alias in dotted:
        alias.name = alias.name.partition(".")[0]
    return bool(dotted)


Waiting = Sequence[tuple[ast.stmt, tuple[Deferred, ...]]]
"""Statements, each with those of its names that wait."""


def find_waiting(body: Sequence[ast.stmt], uses: Uses, module: Module, rules: Rules) -> Waiting:
    """Return the statements of a module's body whose names can wait, and these."""
    bindings = Counter(uses.bound)

    def may_wait(item: Deferred) -> bool:
        return (
            item.name not in uses.early
            # Once by the import, once by what stands in when that fails.
            and bindings[item.name] == 1 + len(item.default)
            and not item.name.startswith("__")  # within classes Python spells them otherwise
            and not _is_shadowed(item, module)
            and not _has_namesake(item, uses, module)
            and not _is_for_its_effect(item, uses, module, rules)
        )

    found = []
    for node in body:
        is_try = isinstance(node, ast.Try)
        items = tuple(_optional(node, module, rules) if is_try else _bound(node, module, rules))
        waiting = tuple(item for item in items if may_wait(item))
        if waiting and (waiting == items or not is_try):
            found.append((node, waiting))
    return found


def _bound(node: ast.stmt, module: Module, rules: Rules) -> Iterator[Deferred]:
    """Yield the names that an import statement binds to what may be imported later."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if (alias.asname or "." not in alias.name) and rules.is_deferrable(alias.name):
                yield Deferred(alias.asname or alias.name, alias.name, None)
    elif isinstance(node, ast.ImportFrom) and node.names[0].name != "*":
        source = module.absolute(node.module, node.level)
        for alias in node.names:
            name = alias.asname or alias.name
            if not rules.is_deferrable(source) or not rules.is_deferrable(f"{source}.{alias.name}"):
                continue
            if source != module.name:
                yield Deferred(name, node.module or "", alias.name, node.level)
            elif alias.name in (module.submodules or ()):
                yield Deferred(name, "", alias.name, 1)


def _optional(node: ast.stmt, module: Module, rules: Rules) -> Iterator[Deferred]:
    """Yield the names of `try: import x` with `except ImportError: x = a constant`."""
    if not isinstance(node, ast.Try) or node.orelse or node.finalbody or len(node.handlers) != 1:
        return
    (handler,) = node.handlers
    is_import_error = isinstance(handler.type, ast.Name) and handler.type.id in (
        "ImportError",
        "ModuleNotFoundError",
    )
    if not is_import_error or handler.name:
        return
    items = [item for statement in node.body for item in _bound(statement, module, rules)]
    imported = [alias for statement in node.body for alias in getattr(statement, "names", ())]
    defaults = dict(_constants(handler.body))
    is_all = len(items) == len(imported) >= len(node.body) and len(defaults) == len(handler.body)
    if is_all and {item.name for item in items} == defaults.keys():
        yield from (replace(item, default=(defaults[item.name],)) for item in items)


def _constants(body: Sequence[ast.stmt]) -> Iterator[tuple[str, object]]:
    for node in body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            (target, *others) = node.targets
            if isinstance(target, ast.Name) and not others:
                yield target.id, node.value.value


def _is_shadowed(item: Deferred, module: Module) -> bool:
    """Tell whether an import of a submodule, by whomever, would put it in the name's place."""
    is_submodule = item.name in (module.submodules or ())
    return is_submodule and module.absolute(item.module, item.level) != module.name


def _has_namesake(item: Deferred, uses: Uses, module: Module) -> bool:
    """Tell whether it comes from a submodule whose name the package gives to something else.

    The package's own comes after that import, and a later one would put the submodule there.
    """
    inside = module.absolute(item.module, item.level).removeprefix(f"{module.name}.")
    submodule = inside.partition(".")[0]
    return submodule in (module.submodules or ()) and submodule in uses.bound


def _is_for_its_effect(item: Deferred, uses: Uses, module: Module, rules: Rules) -> bool:
    """Tell whether a module may be imported for what that does, not for its name."""
    if item.name in uses.late or item.default:
        return False
    if item.attribute is None:
        return True
    source = module.absolute(item.module, item.level)
    if source == module.name:
        return item.name.startswith("_")
    return rules.is_module(f"{source}.{item.attribute}")
