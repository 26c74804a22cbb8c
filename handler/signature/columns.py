"""Enforcing a model's input signature on parsed data.

The rules are those of MLflow's `_enforce_schema` (`models/utils.py`). An enforcer is made
once, at init; it raises :class:`SignatureMismatch` for every fault of the data.
"""

import logging
from typing import TYPE_CHECKING, Any, Protocol

from handler.errors import HandlerError, SignatureMismatch
from handler.signature.schema import Array, Column, ColumnSchema, InputSchema, Object, Scalar
from handler.signature.tensors import TensorEnforcer
from handler.signature.values import MismatchError, enforce_series, enforce_value
from handler.wording import json_type, shown_names

if TYPE_CHECKING:
    import pandas as pd

_logger = logging.getLogger(__name__)


class Enforcer(Protocol):
    """Makes parsed data fit for the model."""

    def enforce(self, data: Any) -> Any:
        """Return the data as the model wants it.

        :raises MismatchError: the data does not fit the signature.
        """
        ...


class Signature:
    """The compiled input signature.

    :param schema: the inputs; None for a model without a signature, which gets its data as is.
    :param hides_details: say that the data does not fit, and not where.
    """

    def __init__(self, schema: InputSchema | None, *, hides_details: bool = False) -> None:
        self._hides_details = hides_details
        self._enforcer = None if schema is None else _enforcer(schema)

    def enforce(self, data: Any) -> Any:
        """Return the data as the model wants it.

        :raises SignatureMismatch: the data does not fit.
        """
        if self._enforcer is None:
            return data
        try:
            return self._enforcer.enforce(data)
        except MismatchError as error:
            reason = "" if self._hides_details else f": {error}"
            raise SignatureMismatch(f"The data does not fit the model's signature{reason}.") from (
                error
            )
        except HandlerError:
            raise
        except Exception as error:
            # pandas and numpy raise whatever they like for data of an odd shape, and quote
            # it, so neither the caller nor the log gets their words. MLflow too calls all
            # of it a failed enforcement.
            _logger.info("enforcement failed with %s", type(error).__name__)
            raise SignatureMismatch(
                "The data does not fit the model's signature: its shape or one of its values"
                " cannot be converted."
            ) from error


def _enforcer(schema: InputSchema) -> Enforcer:
    if isinstance(schema, ColumnSchema):
        return ColumnEnforcer(schema)
    return TensorEnforcer(schema)


class ColumnEnforcer:
    """Makes the DataFrame of a column signature."""

    def __init__(self, schema: ColumnSchema) -> None:
        self._columns = schema.columns
        self._by_name = schema.by_name
        self._is_named = schema.is_named
        self._has_nested = any(isinstance(c.type, Array | Object) for c in schema.columns)

    def enforce(self, data: Any) -> "pd.DataFrame":
        """Return a frame of the signature's columns, in its order and types.

        Columns that the signature does not know are dropped; optional ones may be absent.

        :raises MismatchError: a required column is missing, or a value does not fit.
        """
        import pandas as pd

        frame = self._to_frame(data)
        if self._is_named:
            self._check_names(frame)
            chosen = {n: c for n, c in self._by_name.items() if n in frame}
        else:
            self._check_count(frame)
            chosen = dict(zip(frame.columns, self._columns, strict=False))
        return pd.DataFrame(
            {name: _enforce_column(name, frame[name], c) for name, c in chosen.items()}
        )

    def _to_frame(self, data: Any) -> "pd.DataFrame":
        import numpy as np
        import pandas as pd

        if isinstance(data, pd.DataFrame):
            return data
        if isinstance(data, dict):
            return self._dict_to_frame(data)
        if np.isscalar(data):
            return pd.DataFrame([data])
        if isinstance(data, list | np.ndarray):
            return pd.DataFrame(data)
        raise MismatchError(f"it needs a table, not {json_type(data)}")

    def _dict_to_frame(self, data: dict[str, Any]) -> "pd.DataFrame":
        import numpy as np
        import pandas as pd

        values = data.values()
        if self._has_nested or all(map(_is_cell, values)) or all(map(_is_text, values)):
            return pd.DataFrame([data])
        # A frame takes no cells of higher rank; as lists they fail later, by column name.
        columns = {
            name: value.tolist() if isinstance(value, np.ndarray) and value.ndim > 1 else value
            for name, value in data.items()
        }
        try:
            return pd.DataFrame(columns)
        except ValueError as error:
            raise MismatchError("its inputs differ in length") from error

    def _check_names(self, frame: "pd.DataFrame") -> None:
        present = set(frame.columns)
        missing = [n for n, column in self._by_name.items() if column.required and n not in present]
        extra = [name for name in frame.columns if name not in self._by_name]
        if missing:
            unknown = f" and has the unknown {shown_names(extra)}" if extra else ""
            raise MismatchError(f"it lacks {shown_names(missing)}{unknown}")
        if extra:
            _logger.debug("%s inputs are not in the signature and are ignored", len(extra))

    def _check_count(self, frame: "pd.DataFrame") -> None:
        if len(frame.columns) < len(self._columns):
            raise MismatchError(
                f"it needs {len(self._columns)} columns and has {len(frame.columns)}"
            )


def _is_cell(value: Any) -> bool:
    import numpy as np

    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    return value is None or bool(np.isscalar(value))


def _is_text(value: Any) -> bool:
    import numpy as np

    return isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind == "U"


def _enforce_column(name: Any, values: "pd.Series[Any]", column: Column) -> "pd.Series[Any]":
    import pandas as pd

    try:
        if isinstance(values, pd.DataFrame):
            raise MismatchError("it is there more than once")
        if isinstance(column.type, Scalar):
            return enforce_series(values, column.type)
        cells = [enforce_value(cell, column.type, column.required) for cell in values]
        return pd.Series(cells, index=values.index, name=name)
    except MismatchError as error:
        raise MismatchError(f"column {name!r}: {error}") from error
