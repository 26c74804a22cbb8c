"""What a pickle tells of the versions that it was written with, read from its bytes."""

from pathlib import Path

from packager.model.pickle_bytecode import holds_marks

# The module that it names, the name that the module has since, and what wrote it therefore.
_AGES: tuple[tuple[bytes, bytes | None, str], ...] = (
    # NumPy 2.0's release notes: numpy.core became numpy._core.
    (b"numpy.core.", b"numpy._core.", "numpy<2"),
    # pandas 2.0's: Int64Index and its like are gone, and their module with them.
    (b"pandas.core.indexes.numeric", None, "pandas<2"),
)


def likely_constraints(path: Path) -> tuple[str, ...]:
    """Return PEP 508 lines that were true of the environment in which this file was pickled."""
    return tuple(
        constraint
        for old, new, constraint in _AGES
        if holds_marks(path, (old,)) and not (new and holds_marks(path, (new,)))
    )
