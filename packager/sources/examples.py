"""Input examples from a csv or json file, and the signature that MLflow would infer of them.

Source of the rules: MLflow 3.18, `types/utils.py` (`_infer_schema`, `_infer_numpy_dtype`) and
`models/utils.py` (`_Example`). A test compares with MLflow's own `infer_signature`.
"""

import json
import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from packager.errors import ConfigError, ToolMissing, install_hint

EXAMPLE_ROWS = 5
"""Rows kept as the example; the signature is inferred from all of them."""

_ENVELOPES = ("dataframe_split", "dataframe_records", "inputs", "instances")
_JSON_FORMS = (
    "Accepted: a list of records, a list of rows, or an object with one of "
    + ", ".join(_ENVELOPES)
    + "."
)

_DataFrame: TypeAlias = Any
"""pandas is imported on demand and has no types here."""


@dataclass(frozen=True)
class InputExample:
    """An example in the three forms that an MLflow model folder keeps."""

    inputs: list[dict[str, Any]]
    """The signature's items."""
    example: Any
    """`input_example.json`."""
    serving: dict[str, Any]
    """`serving_input_example.json`: a scoring request."""
    info: dict[str, str]
    """`saved_input_example_info` of the MLmodel file."""


def read_input_example(source: Any) -> InputExample:
    """Read an input example.

    :param source: a csv file with a header line, or a json file; or the data itself: a DataFrame,
        an ndarray of numbers (rows first), or what a json file holds.
    :raises ConfigError: the file is missing, cannot be parsed, or a column's type is unclear.
    :raises ToolMissing: pandas is not installed.
    """
    try:
        import numpy as np  # heavy, and needed only for bare files
        import pandas as pd
    except ImportError as error:
        raise ToolMissing("pandas, which reads input examples,", install_hint("sklearn")) from error
    origin: object
    if isinstance(source, str | os.PathLike):
        origin = path = Path(source)
        data = _read(path)
    else:
        origin, data = f"({type(source).__name__})", source
    if isinstance(data, pd.DataFrame):
        return _from_frame(origin, data)
    if isinstance(data, np.ndarray):
        return _from_rows(origin, data)
    return _from_document(origin, data)


def read_scoring_request(source: Any) -> dict[str, Any]:
    """Read an input example of a model whose signature, if it has one, is known.

    :param source: as :func:`read_input_example` takes it; what a json file holds may be of any
        form that the model takes.
    :return: a scoring request; a list becomes its `inputs`.
    :raises ConfigError: the file is missing or cannot be parsed.
    :raises ToolMissing: pandas is not installed.
    """
    if isinstance(source, str | os.PathLike) and Path(source).suffix == ".json":
        source = _read(Path(source))
    if isinstance(source, list):
        return {"inputs": source}
    if isinstance(source, dict) and len(source) == 1 and set(source) <= set(_ENVELOPES):
        return source
    return read_input_example(source).serving


def _read(path: Path) -> Any:
    """Return the table in a csv file, or what a json file holds."""
    import pandas as pd

    if not path.is_file():
        raise ConfigError(f"input example {path} does not exist")
    if path.suffix not in (".csv", ".json"):
        raise ConfigError(f"input example {path} is neither .csv nor .json")
    is_csv = path.suffix == ".csv"
    try:
        return pd.read_csv(path) if is_csv else json.loads(path.read_bytes())
    except ValueError as error:  # EmptyDataError, ParserError and UnicodeDecodeError are such
        kind = "csv" if is_csv else "JSON"
        raise ConfigError(f"input example {path} is not {kind}: {error}") from error


def _from_document(origin: object, document: Any) -> InputExample:
    form, data = _unwrap(origin, document)
    if form == "dataframe_split":
        return _from_frame(origin, _frame(origin, data.get("data"), columns=data.get("columns")))
    if _is_rows(data):
        return _from_rows(origin, data)
    if isinstance(data, dict) and not any(isinstance(value, list) for value in data.values()):
        data = [data]  # scalars: MLflow takes such inputs as one row
    return _from_frame(origin, _frame(origin, data))


def _unwrap(origin: object, document: Any) -> tuple[str, Any]:
    """Return the form and the data in it."""
    form, data = "inputs", document
    if isinstance(document, dict):
        keys = set(document)
        if keys == {"columns", "data"}:
            form = "dataframe_split"
        elif len(keys) == 1 and keys <= set(_ENVELOPES):
            form, data = next(iter(document.items()))
        else:
            raise ConfigError(f"input example {origin} has keys {sorted(keys)}", hint=_JSON_FORMS)
    is_split = form == "dataframe_split"
    if is_split and not (isinstance(data, dict) and isinstance(data.get("columns"), list)):
        raise ConfigError(f"input example {origin}: dataframe_split names no columns")
    if not isinstance(data, list | dict) or not data:
        raise ConfigError(f"input example {origin} holds no rows", hint=_JSON_FORMS)
    return form, data


def _is_rows(data: Any) -> bool:
    return isinstance(data, list) and not any(isinstance(item, dict) for item in data)


def _frame(origin: object, data: Any, columns: list[Any] | None = None) -> _DataFrame:
    import pandas as pd

    try:
        return pd.DataFrame(data, columns=columns)
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"input example {origin} is no table: {error}", hint=_JSON_FORMS
        ) from error


def _from_frame(origin: object, frame: _DataFrame) -> InputExample:
    if frame.empty:
        raise ConfigError(f"input example {origin} has no rows: types cannot be inferred from it")
    duplicated = sorted({str(name) for name in frame.columns[frame.columns.duplicated()]})
    if duplicated:
        raise ConfigError(f"input example {origin} has columns twice: {', '.join(duplicated)}")
    inputs = [
        {
            "type": _column_type(origin, frame[name]),
            "name": str(name),
            "required": not bool(frame[name].isna().any()),
        }
        for name in frame.columns
    ]
    split = frame.head(EXAMPLE_ROWS).to_dict("split")
    example = {
        "columns": [str(name) for name in split["columns"]],
        "data": [[_none_if_nan(value) for value in row] for row in split["data"]],
    }
    info = {"type": "dataframe", "pandas_orient": "split"}
    return InputExample(inputs, example, {"dataframe_split": example}, {**_PATHS, **info})


_TYPES = {
    "bool": "boolean",
    **dict.fromkeys(("int8", "int16", "int32", "uint8", "uint16"), "integer"),
    **dict.fromkeys(("int64", "uint32"), "long"),
    "float32": "float",
    "float64": "double",
}
"""MLflow's names, by numpy's."""
_PATHS = {"artifact_path": "input_example.json", "serving_input_path": "serving_input_example.json"}


def _from_rows(origin: object, rows: Any) -> InputExample:
    """Read a list of rows without names: MLflow takes an array and writes a tensor signature."""
    import numpy as np

    try:
        array = np.array(rows)
    except ValueError as error:
        raise ConfigError(f"input example {origin} has rows of unequal length") from error
    if array.dtype.kind not in "bif":
        raise ConfigError(
            f"input example {origin}: rows without column names must be numbers",
            hint="Write records instead, as [{'age': 3, 'city': 'Oslo'}].",
        )
    shape = [-1, *array.shape[1:]]
    inputs = [{"type": "tensor", "tensor-spec": {"dtype": array.dtype.name, "shape": shape}}]
    example = array[:EXAMPLE_ROWS].tolist()
    return InputExample(inputs, example, {"inputs": example}, {**_PATHS, "type": "ndarray"})


def _column_type(origin: object, column: Any) -> str:
    """Return MLflow's name of the column's type."""
    if known := _TYPES.get(str(column.dtype)):
        return known
    values = column.dropna().tolist()
    if values and all(isinstance(value, str) for value in values):
        return "string"
    if values and all(isinstance(value, bool) for value in values):
        return "boolean"
    raise ConfigError(
        f"input example {origin}: the type of column {column.name!r} is unclear",
        hint="A column holds only numbers, only booleans or only text, and at least one value.",
    )


def _none_if_nan(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
