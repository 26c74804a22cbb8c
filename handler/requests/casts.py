"""Casting the columns of a JSON frame to the types of the signature.

The first of two steps, as in MLflow (`cast_df_types_according_to_schema`): JSON has fewer
types than a signature. What the casts leave is for enforcement to judge.
"""

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from handler.errors import MalformedRequest
from handler.signature.first_failure import first_failure
from handler.signature.schema import (
    BINARY,
    BOOLEAN,
    DATETIME,
    AnyValue,
    Column,
    InputSchema,
    Scalar,
    Tensor,
    TensorSchema,
)
from handler.signature.values import MismatchError, enforce_value
from handler.wording import json_type

if TYPE_CHECKING:
    import pandas as pd

    Cast = Callable[[pd.Series[Any]], pd.Series[Any]]


def cast_frame(frame: "pd.DataFrame", schema: InputSchema | None) -> "pd.DataFrame":
    """Return the frame with those columns cast that the signature knows.

    :param frame: changed in place.
    :raises MalformedRequest: a value cannot be cast; its column and row are named.
    """
    if schema is None:
        return frame
    present = set(frame.columns)
    for name, spec in _specs_by_column(frame, schema):
        if name not in present:
            continue
        cast = _cast_for(spec)
        values = frame[name]
        try:
            converted = cast(values)
            if converted is not values:  # to set a column is the dearest part of all this
                frame[name] = converted
        except Exception as error:
            # pandas and numpy raise whatever they like for a bad value, and quote it.
            raise MalformedRequest(_fault(name, spec, values, cast, error)) from error
    return frame


def _specs_by_column(
    frame: "pd.DataFrame", schema: InputSchema
) -> Iterator[tuple[Any, Column | Tensor]]:
    if isinstance(schema, TensorSchema):
        if schema.is_named:
            return ((tensor.name, tensor) for tensor in schema.tensors)
        return ((name, schema.tensors[0]) for name in frame.columns)
    if schema.is_named:
        return ((column.name, column) for column in schema.columns)
    return _by_position(frame, schema.columns)


def _by_position(
    frame: "pd.DataFrame", columns: tuple[Column, ...]
) -> Iterator[tuple[Any, Column]]:
    for label, column in zip(frame.columns, columns, strict=False):
        # MLflow knows the required unnamed columns by position; under another label it lets
        # null pass here, for enforcement to refuse.
        yield label, replace(column, required=label in range(len(columns)))


def _cast_for(spec: Column | Tensor) -> "Cast":
    if isinstance(spec, Tensor):
        return lambda values: _cast_for_tensor(values, spec)
    if isinstance(spec.type, Scalar):
        scalar = spec.type
        return lambda values: _cast_scalars(values, scalar)
    if isinstance(spec.type, AnyValue):
        return lambda values: values
    return lambda values: values.map(lambda cell: enforce_value(cell, spec.type, spec.required))


def _cast_scalars(values: "pd.Series[Any]", scalar: Scalar) -> "pd.Series[Any]":
    import pandas as pd

    if scalar is BINARY:
        return values.map(lambda text: base64.decodebytes(bytes(text, "utf8")))
    if values.ndim == 1 and values.dtype == scalar.frame_dtype:
        return values
    if scalar is DATETIME:
        parsed = pd.to_datetime(values)
        # pandas 3 parses to microseconds.
        return parsed.dt.as_unit("ns") if parsed.dtype.kind == "M" else parsed
    if scalar is BOOLEAN and values.isna().any():
        return values.where(values.isna(), values.astype(bool))
    if scalar.frame_dtype == "object" and isinstance(values.dtype, pd.StringDtype):
        return values
    return values.astype(scalar.frame_dtype)


def _cast_for_tensor(values: "pd.Series[Any]", tensor: Tensor) -> "pd.Series[Any]":
    import numpy as np
    import pandas as pd

    dtype = np.dtype(tensor.dtype)
    if dtype.kind == "S":
        return values.map(lambda text: bytes(text, "utf8"))
    if isinstance(values.iloc[0], list):
        return values  # a cell that is an array itself: enforcement reshapes the column
    if dtype.kind in "OU" and isinstance(values.dtype, pd.StringDtype):
        return values
    return values.astype(dtype)


def _fault(name: Any, spec: Column | Tensor, values: Any, cast: "Cast", error: Exception) -> str:
    what = spec.dtype if isinstance(spec, Tensor) else spec.type
    reason = f": {error}" if isinstance(error, MismatchError) else ""
    row = first_failure(len(values), lambda count: cast(values.iloc[:count]))
    if row is None or values.ndim > 1:
        return f"Column {name!r} cannot become {what}{reason}."
    # A missing value is null in a split and an absent key in a record.
    cell = values.iloc[row]
    found = "a missing value" if cell is None or cell != cell else json_type(cell)
    return f"Column {name!r}, row index {row}: {found} cannot become {what}{reason}."
