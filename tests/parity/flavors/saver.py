"""What a saver script says of itself, read without running it: its imports are not ours."""

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "savers"
MLFLOW = "mlflow-skinny==3.17.2"
"""Of the newest MLflow that is published as mlflow-skinny too."""


@dataclass(frozen=True)
class Tolerance:
    """How far predictions may be from MLflow's, and why equality to the bit cannot be had."""

    relative: float
    """Of numbers beyond 1; below 1 it is absolute."""
    reason: str
    keys: tuple[str, ...] | None = None
    """Of the answer's objects: what is not below them is equal to the bit; None: it is for all."""


@dataclass(frozen=True)
class Saver:
    """A script of `savers/`."""

    path: Path
    requirements: tuple[str, ...]
    """PEP 508 lines, beside MLflow's."""
    variants: tuple[str, ...]
    tolerances: dict[str, Tolerance]
    build_options: dict[str, tuple[str, ...]]
    """More arguments of `packager build`, by variant."""
    runtime: str
    is_heavy: bool
    needs_newer_system: bool
    """Its wheels load on no runtime that Lambda has: `newer_system.py` builds."""

    @property
    def name(self) -> str:
        """The script's name, which is the flavor's or begins with it."""
        return self.path.stem

    @property
    def python(self) -> str:
        """The minor version of the runtime's Python, as `3.11`."""
        return self.runtime.removeprefix("python")


@dataclass(frozen=True)
class Row:
    """One variant of a saver: a row of the table of flavors."""

    saver: Saver
    variant: str

    def __str__(self) -> str:
        return f"{self.saver.name}/{self.variant}"

    @property
    def tolerance(self) -> Tolerance | None:
        """None: the predictions are equal to the bit."""
        return self.saver.tolerances.get(self.variant)


def all_savers() -> list[Saver]:
    """Return every saver, in the order of their names."""
    return [read_saver(path) for path in sorted(FOLDER.glob("[a-z]*.py"))]


def all_rows() -> list[Row]:
    """Return every row, as the scripts have them."""
    return [Row(saver, variant) for saver in all_savers() for variant in saver.variants]


def read_saver(path: Path) -> Saver:
    """Return what the script's constants say.

    :raises AssertionError: a constant is no literal, or names a variant that is not there.
    """
    values = _assigned(path)
    variants = tuple(_keys(values["MODELS"], path))
    tolerances = _literal(values, "TOLERANCE", {}, path)
    keys = _literal(values, "TOLERATED_KEYS", {}, path)
    options = _literal(values, "BUILD", {}, path)
    for name in keys:
        assert name in tolerances, f"{path.name}: {name} is not in TOLERANCE"
    for name in (*tolerances, *options):
        assert name in variants, f"{path.name}: {name} is not in MODELS"
    return Saver(
        path=path,
        requirements=tuple(_literal(values, "REQUIREMENTS", (), path)),
        variants=variants,
        tolerances={name: Tolerance(*given, keys.get(name)) for name, given in tolerances.items()},
        build_options={name: tuple(given) for name, given in options.items()},
        runtime=_literal(values, "RUNTIME", "python3.11", path),
        is_heavy=_literal(values, "IS_HEAVY", False, path),
        needs_newer_system=_literal(values, "NEEDS_NEWER_SYSTEM", False, path),
    )


def _assigned(path: Path) -> dict[str, ast.expr]:
    found = {}
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found[node.targets[0].id] = node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            found[node.target.id] = node.value
    return found


def _keys(models: ast.expr, path: Path) -> list[str]:
    assert isinstance(models, ast.Dict), f"{path.name}: MODELS is no dict display"
    keys = [key.value for key in models.keys if isinstance(key, ast.Constant)]
    assert len(keys) == len(models.keys), f"{path.name}: a variant's name is no literal"
    return [str(key) for key in keys]


def _literal(values: dict[str, ast.expr], name: str, default: Any, path: Path) -> Any:
    if name not in values:
        return default
    try:
        return ast.literal_eval(values[name])
    except ValueError as error:
        raise AssertionError(f"{path.name}: {name} is no literal") from error
