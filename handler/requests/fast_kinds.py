"""What a regular request's columns become: a DataFrame, an array or a dict of columns."""

from collections.abc import Callable
from types import NoneType
from typing import TYPE_CHECKING, Any

from handler.manifest import InputKind

if TYPE_CHECKING:
    import numpy as np

_LABELS = frozenset((int, float, bool, NoneType, str))


class IrregularError(Exception):
    """The request is not a regular one."""


def require(is_regular: bool) -> None:
    """Leave a request that is not regular to the general way.

    :raises IrregularError: it is not.
    """
    if not is_regular:
        raise IrregularError


class Frames:
    """Makes DataFrames."""

    def __init__(self, names: list[str]) -> None:
        # Imported here: only a model that takes DataFrames needs pandas.
        import pandas as pd

        self._index = pd.Index(names)

    def from_table(self, table: "np.ndarray[Any, Any]", index: list[Any] | None) -> Any:
        """Return the data of a table with a row for each column of the signature."""
        import numpy as np
        import pandas as pd

        # Transposed, it has the layout that pandas gives a frame of one dtype. It matters to
        # the last bit: the order of a sum depends on it.
        table = np.ascontiguousarray(table)
        return pd.DataFrame(table.T, index, self._index.copy(), copy=False)

    def from_columns(self, columns: dict[str, Any], index: list[Any] | None) -> Any:
        """Return the data of columns by name."""
        import pandas as pd

        return pd.DataFrame(columns, index)


class Arrays:
    """Makes what `numpy.asarray` would make of those frames, without pandas."""

    def __init__(self, names: list[str]) -> None:
        pass

    def from_table(self, table: "np.ndarray[Any, Any]", index: list[Any] | None) -> Any:
        """Return the data of a table with a row for each column of the signature."""
        import numpy as np

        _require_index(index, table.shape[1])
        return np.ascontiguousarray(table).T

    def from_columns(self, columns: dict[str, Any], index: list[Any] | None) -> Any:
        """Return the data of columns by name, which have a dtype in common."""
        import numpy as np

        return self.from_table(np.array(list(columns.values())), index)


class Columns(Arrays):
    """Makes 1-D arrays by the columns' names, text as objects."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def from_table(self, table: "np.ndarray[Any, Any]", index: list[Any] | None) -> Any:
        """Return the data of a table with a row for each column of the signature."""
        return self.from_columns(dict(zip(self._names, table, strict=True)), index)

    def from_columns(self, columns: dict[str, Any], index: list[Any] | None) -> Any:
        """Return the data of columns by name."""
        import numpy as np

        made = {}
        for name, values in columns.items():
            if isinstance(values, list) or values.dtype.kind == "U":
                values = np.array(values, dtype=object)
                _require_text(values)
            made[name] = values
            _require_index(index, len(values))
        return made


def _require_text(values: "np.ndarray[Any, Any]") -> None:
    # What a null means, and that lone surrogates are no text, only a frame says.
    texts = values.tolist()
    require(None not in texts)
    "".join(texts).encode()


def _require_index(index: list[Any] | None, rows: int) -> None:
    # Nobody sees an array's index, but a wrong one makes the request wrong. Lists in it make
    # several levels.
    if index is not None:
        require(len(index) == rows and _LABELS.issuperset(map(type, index)))


KINDS: dict[InputKind, Callable[[list[str]], Frames | Arrays]] = {
    "frame": Frames,
    "array": Arrays,
    "columns": Columns,
}
