"""Take out of the staging dir what no prediction needs: rules as data, each with its reason."""

import shutil
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class TrimRule:
    """Paths, relative to the staging dir, that are removed."""

    glob: str
    reason: str


@dataclass(frozen=True)
class Trimmed:
    """What one rule took out."""

    rule: TrimRule
    size_bytes: int


_TESTS = "the libraries' own tests"
_SOURCES = "sources that only a compiler reads"
TRIM_RULES = (
    TrimRule(".lock", "left behind by the installer"),
    TrimRule("bin", "scripts: nothing in Lambda runs them, and they name the building machine"),
    TrimRule("*.dist-info/RECORD", "lists the files as they were before trimming"),
    TrimRule("**/tests", _TESTS),
    TrimRule("**/*.pyi", "type stubs"),
    TrimRule("**/py.typed", "type stubs"),
    TrimRule("**/*.pyx", _SOURCES),
    TrimRule("**/*.pxd", _SOURCES),
    TrimRule("**/*.pxi", _SOURCES),
    TrimRule("**/*.c", _SOURCES),
    TrimRule("**/*.cpp", _SOURCES),
    TrimRule("**/*.h", _SOURCES),
    TrimRule("**/*.hpp", _SOURCES),
    TrimRule("**/*.f", _SOURCES),
    TrimRule("**/*.f90", _SOURCES),
    TrimRule("**/*.a", _SOURCES),
)


def prune(staging: Path) -> tuple[Trimmed, ...]:
    """Apply every rule to `staging` and return what each took out."""
    return tuple(Trimmed(rule, _apply(rule, staging)) for rule in TRIM_RULES)


def _apply(rule: TrimRule, staging: Path) -> int:
    removed_bytes = 0
    for path in sorted(staging.glob(rule.glob)):
        if not path.exists():  # went with a parent that the same rule removed
            continue
        removed_bytes += tree_size(path)
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return removed_bytes


def tree_size(path: Path) -> int:
    """Return the bytes in a file, or in all files below a folder (sizes, not disk blocks)."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
