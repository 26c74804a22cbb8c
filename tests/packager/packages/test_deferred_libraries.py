"""The libraries as they are: what the rewriting leaves, read from the bytecode that it gives.

`tests/machines/targets/test_deferral.py` imports all of it.
"""

import ast
import dis
import types
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import scipy
import sklearn

from packager.packages.deferral.tree import Tree

SITE_PACKAGES = Path(sklearn.__file__).parent.parent
STORES = {"STORE_NAME", "STORE_GLOBAL", "DELETE_NAME", "DELETE_GLOBAL"}
LOADS = {"LOAD_NAME", "LOAD_GLOBAL"}


@pytest.fixture(scope="module")
def tree() -> Tree:
    return Tree(SITE_PACKAGES)


def code_objects(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from code_objects(constant)


def deferred_names(tree: ast.Module) -> set[str]:
    """Return the names in the first statement of a rewritten module."""
    call = next(node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return {row[0] for row in ast.literal_eval(call.args[1])}


def loads(code: types.CodeType, names: set[str]) -> tuple[Counter[str], Counter[str]]:
    """Count the loads of global names: those behind a look whether it is there, and others."""
    guarded, others = Counter[str](), Counter[str]()
    for part in code_objects(code):
        instructions = list(dis.get_instructions(part))
        for index, instruction in enumerate(instructions):
            name = instruction.argval
            if name not in names:
                continue
            assert instruction.opname not in STORES, f"{name} in {part}"
            if instruction.opname in LOADS:
                # The flag, a jump, and from Python 3.13 on what both need.
                before = {item.argval for item in instructions[max(0, index - 4) : index]}
                (guarded if f"__has_{name}__" in before else others)[name] += 1
    return guarded, others


PACKAGES = ("sklearn/ensemble", "sklearn/utils", "scipy/sparse")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_use_of_a_deferred_name_looks_whether_it_is_there(tree: Tree, package: str) -> None:
    assert scipy.__file__.startswith(str(SITE_PACKAGES))
    total = Counter[str]()
    for path in sorted((SITE_PACKAGES / package).glob("*.py")):
        rewritten = tree.rewrite(path)
        if rewritten is None:
            continue
        names = deferred_names(rewritten)
        guarded, others = loads(compile(rewritten, str(path), "exec"), names)
        original = Counter[str]()
        for part in code_objects(compile(path.read_bytes(), str(path), "exec")):
            used = (item for item in dis.get_instructions(part) if item.opname in LOADS)
            original.update(item.argval for item in used if item.argval in names)

        assert not others, path
        assert guarded == original, path
        total += guarded
    assert total.total() > 20
