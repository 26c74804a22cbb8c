"""DataFrames from `dataframe_split`, `dataframe_records` and CSV."""

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from handler.errors import MalformedRequest
from handler.requests.casts import cast_frame
from handler.signature.first_failure import first_failure
from handler.signature.schema import DATETIME, InputSchema, Scalar, TensorSchema
from handler.wording import json_type, shown_names

if TYPE_CHECKING:
    import pandas as pd

_SPLIT_KEYS = frozenset(("data", "columns", "index"))


def frame_from_split(payload: Any, schema: InputSchema | None) -> "pd.DataFrame":
    """Return the frame of a `dataframe_split`.

    :raises MalformedRequest: not in the split layout, or a value that cannot be cast.
    """
    # Imported here: models without frames must not pay for pandas.
    import pandas as pd

    if not isinstance(payload, dict):
        raise MalformedRequest(f"dataframe_split must be an object, not {json_type(payload)}.")
    if "data" not in payload:
        raise MalformedRequest("dataframe_split must have the key 'data'.")
    extra = payload.keys() - _SPLIT_KEYS
    if extra:
        raise MalformedRequest(
            "dataframe_split takes the keys 'data', 'columns' and 'index';"
            f" it has {shown_names(sorted(extra))}."
        )
    try:
        frame = pd.DataFrame(payload["data"], payload.get("index"), payload.get("columns"))
    except Exception as error:  # whatever pandas finds wrong with the caller's data
        raise MalformedRequest(
            "dataframe_split is no table: 'data' must be a list of rows, each as long as"
            " 'columns', and 'index' must name each row."
        ) from error
    return cast_frame(frame, schema)


def frame_from_records(payload: Any, schema: InputSchema | None) -> "pd.DataFrame":
    """Return the frame of a `dataframe_records`.

    :raises MalformedRequest: not a list of records, or a value that cannot be cast.
    """
    import pandas as pd

    if not isinstance(payload, list):
        raise MalformedRequest(f"dataframe_records must be a list, not {json_type(payload)}.")
    try:
        frame = pd.DataFrame(payload)
    except Exception as error:  # whatever pandas finds wrong with the caller's data
        raise MalformedRequest("dataframe_records must be a list of objects.") from error
    return cast_frame(frame, schema)


def frame_from_csv(body: bytes, schema: InputSchema | None) -> "pd.DataFrame":
    """Return the frame of a CSV body whose first line is the header.

    :raises MalformedRequest: not UTF-8, not CSV, or a value that its column cannot hold.
    """
    import pandas as pd

    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedRequest(f"The body is not UTF-8: see byte {error.start}.") from error
    types = {} if schema is None else _csv_types(schema)
    try:
        return pd.read_csv(io.StringIO(text), dtype=_dtypes(types))
    except pd.errors.EmptyDataError as error:
        raise MalformedRequest("The CSV is empty: its first line must be the header.") from error
    except pd.errors.ParserError as error:
        # pandas' words here are line numbers and counts of fields.
        reason = str(error).strip().rpartition("error: ")[2]
        raise MalformedRequest(f"The body cannot be read as CSV: {reason}.") from error
    except Exception as error:  # whatever pandas finds wrong with the caller's data
        raise MalformedRequest(_csv_fault(text, types)) from error


def _csv_types(schema: InputSchema) -> dict[str | int, Scalar]:
    if isinstance(schema, TensorSchema):
        raise MalformedRequest("CSV cannot carry tensors: send JSON with the key 'inputs'.")
    types: dict[str | int, Scalar] = {}
    for position, column in enumerate(schema.columns):
        if not isinstance(column.type, Scalar):
            raise MalformedRequest(
                f"CSV cannot carry column {column.name!r} ({column.type}): send JSON."
            )
        types[position if column.name is None else column.name] = column.type
    return types


def _dtypes(types: Mapping[Any, Scalar]) -> dict[Any, str]:
    return {name: scalar.frame_dtype for name, scalar in types.items()}


def _csv_fault(text: str, types: dict[str | int, Scalar]) -> str:
    import pandas as pd

    named = {name: scalar for name, scalar in types.items() if isinstance(name, str)}
    names = list(named)

    def read(count: int) -> None:
        chosen = set(names[:count])
        pd.read_csv(io.StringIO(text), dtype=_dtypes(named), usecols=lambda name: name in chosen)

    position = first_failure(len(names), read)
    if position is None:
        return "A cell of the CSV is not of its column's type."
    name = names[position]
    if named[name] is DATETIME:
        return f"CSV cannot carry column {name!r} (datetime): send JSON."
    return f"Column {name!r} of the CSV has a cell, perhaps an empty one, that is no {named[name]}."
