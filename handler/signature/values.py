"""Enforcing MLflow's types on one pandas Series or one nested JSON value.

The rules are those of `_enforce_mlflow_datatype`, `_enforce_array`, `_enforce_object` and
`_enforce_map` in MLflow's `models/utils.py`.
"""

from typing import TYPE_CHECKING, Any

from handler.signature.schema import (
    BINARY,
    BOOLEAN,
    DATETIME,
    DOUBLE,
    STRING,
    AnyValue,
    Array,
    Map,
    Object,
    Scalar,
    ValueType,
)
from handler.wording import json_type, shown_names

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

# What pandas' dtypes are to a caller who knows JSON.
_WORDS = {"object": "a mix of values", "str": "text", "string": "text"}

# MLflow widens integers to double only where it thinks that no digit is lost.
_WIDEST_INTEGER_IN_DOUBLE_BYTES = 6


class MismatchError(ValueError):
    """A value does not fit its type. The message is safe for the caller."""


def enforce_series(values: "pd.Series[Any]", scalar: Scalar) -> "pd.Series[Any]":
    """Return the values in the dtype of a scalar, if that loses nothing.

    :raises MismatchError: the conversion is not one of MLflow's safe ones.
    """
    # Imported here: requests that need no DataFrame need no pandas.
    import numpy as np
    import pandas as pd

    if values.dtype == object and scalar not in (BINARY, STRING):
        values = values.infer_objects()
    is_text = isinstance(values.dtype, pd.StringDtype)
    if scalar in (BINARY, STRING) and (is_text or values.dtype == object):
        return values
    wanted = np.dtype(scalar.dtype)
    if values.dtype == wanted or (scalar is BINARY and values.dtype.kind == "S"):
        return values
    if scalar is DATETIME and (values.dtype.kind == "M" or values.dtype == object):
        return _to_datetime(values)
    if values.dtype == object and scalar is BOOLEAN:
        return values  # None among booleans stays None
    if values.dtype == object and scalar is DOUBLE:
        return _to_number(values)
    if _is_widening(values.dtype, wanted) or _is_zeros_and_ones(values, wanted):
        return values.astype(wanted)
    raise MismatchError(_incompatible(values, scalar, wanted))


def enforce_value(data: Any, value_type: ValueType, required: bool = True) -> Any:
    """Return a nested JSON value with its leaves in the dtypes of the signature.

    :raises MismatchError: the value does not fit.
    """
    match value_type:
        case Scalar():
            return _enforce_scalar(data, value_type, required)
        case Array():
            return _enforce_array(data, value_type, required)
        case Object():
            return _enforce_object(data, value_type, required)
        case Map():
            return _enforce_map(data, value_type, required)
        case AnyValue():
            return data


def _to_datetime(values: "pd.Series[Any]") -> "pd.Series[Any]":
    try:
        return values.astype("datetime64[ns]")
    except TypeError as error:
        raise MismatchError(
            "a datetime must have no time zone here: send it in UTC, without"
        ) from error
    except ValueError as error:
        raise MismatchError("a value is no datetime") from error


def _to_number(values: "pd.Series[Any]") -> "pd.Series[Any]":
    import pandas as pd

    try:
        return pd.to_numeric(values)
    except (TypeError, ValueError) as error:
        raise MismatchError("a value is no number") from error


def _is_widening(given: Any, wanted: "np.dtype[Any]") -> bool:
    size: int = getattr(given, "itemsize", 0)
    if given.kind == wanted.kind:
        return size <= wanted.itemsize
    if given.kind == "u" and wanted.kind == "i":
        return size < wanted.itemsize
    is_integer = given.kind in "iu"
    return is_integer and wanted == "float64" and size <= _WIDEST_INTEGER_IN_DOUBLE_BYTES


def _is_zeros_and_ones(values: "pd.Series[Any]", wanted: "np.dtype[Any]") -> bool:
    # Labels and flags: the integers that any float holds.
    if values.dtype != "int64" or wanted not in ("float32", "float64"):
        return False
    return bool(values.isin((0, 1)).all())


def _incompatible(values: "pd.Series[Any]", scalar: Scalar, wanted: "np.dtype[Any]") -> str:
    given = _WORDS.get(str(values.dtype), str(values.dtype))
    message = f"{given} cannot be converted to {scalar} without loss"
    if values.dtype.kind in "iu" and wanted.kind == "f":
        message += "; write the numbers with a decimal point"
    if values.dtype == "float64" and wanted.kind == "i" and values.hasnans:
        message += (
            "; an integer column cannot hold missing values: log the model with a signature"
            " in which it is a double"
        )
    return message


def _enforce_scalar(data: Any, scalar: Scalar, required: bool) -> Any:
    import numpy as np
    import pandas as pd

    is_nan = isinstance(data, float) and data != data
    is_missing = is_nan or data is None or data is pd.NA or data is pd.NaT
    if not required and is_missing:
        return None
    if not np.isscalar(data):
        raise MismatchError(f"{scalar} was expected, not {json_type(data)}")
    return enforce_series(pd.Series(data), scalar)[0]


def _enforce_array(data: Any, array: Array, required: bool) -> Any:
    import numpy as np
    import pandas as pd

    is_empty = data is None or (isinstance(data, list | np.ndarray) and len(data) == 0)
    if is_empty and (not required or isinstance(array.items, AnyValue)):
        return data
    if not isinstance(data, list | np.ndarray):
        raise MismatchError(f"a list was expected, not {json_type(data)}")
    if not isinstance(array.items, Scalar):
        enforced: Any = [enforce_value(item, array.items, required) for item in data]
        return np.array(enforced) if isinstance(data, np.ndarray) else enforced
    if len(data) == 0:
        return data
    series = enforce_series(pd.Series(data), array.items)
    values = series.to_numpy(dtype=np.dtype(array.items.dtype))
    if isinstance(data, np.ndarray):
        return values
    # numpy's own list of datetime64[ns] would be integers.
    return pd.Series(values).tolist() if array.items is DATETIME else values.tolist()


def _enforce_object(data: Any, spec: Object, required: bool) -> Any:
    if not required and (data is None or data == {}):
        return data
    if not isinstance(data, dict):
        raise MismatchError(f"an object was expected, not {json_type(data)}")
    missing = [p.name for p in spec.properties.values() if p.required and p.name not in data]
    if missing:
        raise MismatchError(f"the object lacks {shown_names(missing)}")
    unknown = data.keys() - spec.properties.keys()
    if unknown:
        raise MismatchError(f"the object has {shown_names(sorted(unknown))}, which it must not")
    enforced = {}
    for name, value in data.items():
        known = spec.properties[name]
        try:
            enforced[name] = enforce_value(value, known.type, known.required)
        except MismatchError as error:
            raise MismatchError(f"in {name!r}: {error}") from error
    return enforced


def _enforce_map(data: Any, spec: Map, required: bool) -> Any:
    is_optional = not required or isinstance(spec.values, AnyValue)
    if is_optional and (data is None or data == {}):
        return data
    if not isinstance(data, dict):
        raise MismatchError(f"an object was expected, not {json_type(data)}")
    return {key: enforce_value(value, spec.values, required) for key, value in data.items()}
