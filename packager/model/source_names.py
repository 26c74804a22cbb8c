"""What Python sources name of MLflow, read from their syntax trees: nothing is executed."""

import ast
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from handler.facts_for_builder import NAMES

_NAME = re.compile(r"mlflow(\.\w+)*")
_DOTTED = re.compile(r"[^\W\d]\w*(?:\.\w+)+")
_DATABRICKS = "dbutils"  # MLflow puts a stand-in for it into the code that it loads


def is_name(text: str) -> bool:
    """Tell whether this is the name of something in MLflow, or of MLflow."""
    return _NAME.fullmatch(text) is not None


def is_provided(name: str) -> bool:
    """Tell whether the handler has what this names, as `mlflow.pyfunc.PythonModel`."""
    module, _, member = name.rpartition(".")
    return member in NAMES.get(module, ())


def why_of_source(path: Path) -> str | None:
    """Return what in the source needs MLflow itself, and the line; None: nothing.

    What cannot be told for sure needs it.
    """
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, RecursionError):
        return "cannot be read"
    nodes = list(_nodes(tree))
    names = _bound_names(nodes)
    for node in nodes:
        for name in _named(node, names):
            if not is_provided(name):
                return f"names {name} in line {getattr(node, 'lineno', 1)}"
    return None


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes but those that only run when the file is a program."""
    for child in _imported(ast.iter_child_nodes(tree)):
        yield child
        # A chain of attributes is one name.
        if not (isinstance(child, ast.Attribute) and _root(child) is not None):
            yield from _nodes(child)


def _imported(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield the nodes; of `if __name__ == "__main__"` what its `else` and `elif` have."""
    for node in nodes:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'":
            yield from _imported(node.orelse)
        else:
            yield node


def _bound_names(nodes: list[ast.AST]) -> dict[str, str]:
    """Return what the file's own names stand for: `pyfunc` for `mlflow.pyfunc`."""
    bound = {_DATABRICKS: _DATABRICKS}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if is_name(alias.name):
                    bound[alias.asname or "mlflow"] = alias.name if alias.asname else "mlflow"
        elif isinstance(node, ast.ImportFrom) and not node.level and is_name(node.module or ""):
            for alias in node.names:
                bound[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return bound


def _named(node: ast.AST, bound: dict[str, str]) -> Iterator[str]:
    """Yield what a node names of MLflow; a module that is not just the root of a name, too."""
    match node:
        case ast.Import(names=aliases):
            modules = (alias.name for alias in aliases if is_name(alias.name))
            yield from (name for name in modules if name not in NAMES)
        case ast.ImportFrom(module=str(module), names=aliases, level=0) if is_name(module):
            names = (f"{module}.{alias.name}" for alias in aliases)
            yield from (name for name in names if name not in NAMES)
        case ast.Name(id=name) if name in bound:
            yield bound[name]
        case ast.Attribute():
            root = _root(node)
            if root is not None and root.id in bound:
                yield _resolved(bound[root.id], ast.unparse(node).split(".")[1:])
        case ast.Constant(value=str(text)) if is_name(text):
            yield text
        case (
            ast.arg(annotation=ast.expr() as annotation)
            | ast.AnnAssign(annotation=annotation)
            | ast.FunctionDef(returns=ast.expr() as annotation)
            | ast.AsyncFunctionDef(returns=ast.expr() as annotation)
        ):
            yield from _named_in_text(annotation, bound)


def _named_in_text(annotation: ast.expr, bound: dict[str, str]) -> Iterator[str]:
    """Yield what annotations name that are text, as `"list[mlflow.types.llm.ChatMessage]"`."""
    roots = {"mlflow": "mlflow"} | bound
    for node in ast.walk(annotation):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for dotted in _DOTTED.findall(node.value):
                root, *attributes = dotted.split(".")
                if root in roots:
                    yield _resolved(roots[root], attributes)


def _root(node: ast.Attribute) -> ast.Name | None:
    value = node.value
    while isinstance(value, ast.Attribute):
        value = value.value
    return value if isinstance(value, ast.Name) else None


def _resolved(name: str, attributes: list[str]) -> str:
    """Return the name up to what is no module: `mlflow.pyfunc.PythonModel`, but not `.predict`."""
    for attribute in attributes:
        if name not in NAMES:
            break
        name = f"{name}.{attribute}"
    return name
