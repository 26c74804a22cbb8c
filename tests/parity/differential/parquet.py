"""Parquet bodies: the only requests whose columns come with types that JSON does not have."""

import io
from typing import Any

import pandas as pd
from hypothesis import strategies as st

from .tables import Draw, Table

_DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64", "str", "object", "category", "Int64", "Float32", "boolean"),
    *("datetime64[s]", "datetime64[ms]", "datetime64[us]", "datetime64[ns]"),
    *("datetime64[ns, UTC]", "timedelta64[ns]"),
)


def draw_parquet(draw: Draw, table: Table) -> bytes | None:
    """Return a table as a parquet file; None if no such file can hold it."""
    columns: dict[str, Any] = {str(name): values for name, values in table.columns.items()}
    names = list(columns)
    if names and draw(st.booleans()):
        # One type at a time, where the other columns are optional.
        names = [draw(st.sampled_from(names))]
        columns = {names[0]: columns[names[0]]}
    if draw(st.booleans()):
        columns = {name: _typed(draw, len(table.rows)) for name in names}
    body = io.BytesIO()
    try:
        frame = pd.DataFrame(columns)
        if draw(st.sampled_from((False, False, False, True))):
            frame = frame.set_index(frame.columns[0])
        frame.to_parquet(body)
    except Exception:
        # pyarrow and pandas raise many types for what they cannot hold.
        return None
    return body.getvalue()


def _typed(draw: Draw, count: int) -> "pd.Series[Any]":
    dtype = draw(st.sampled_from(_DTYPES))
    values = st.integers(0, 1 if dtype == "boolean" else 2)
    column = draw(st.lists(values, min_size=count, max_size=count))
    return pd.Series(column, dtype="int64").astype(dtype)
