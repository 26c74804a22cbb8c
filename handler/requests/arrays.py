"""Data from `inputs` and `instances`: arrays, and dicts or lists of them.

Follows MLflow's `_cast_schema_type`, `parse_instances_data` and `convert_data_type`
(`utils/proto_json_utils.py`).
"""

from typing import Any

from handler.errors import MalformedRequest
from handler.signature.schema import (
    BINARY,
    BOOLEAN,
    STRING,
    AnyValue,
    Array,
    Column,
    InputSchema,
    Scalar,
    Tensor,
    TensorSchema,
)
from handler.signature.values import MismatchError, enforce_value
from handler.wording import json_type

Spec = Column | Tensor


def data_from_inputs(payload: Any, schema: InputSchema | None) -> Any:
    """Return the data of an `inputs`.

    :raises MalformedRequest: a value that cannot be cast to the signature's type.
    """
    by_name = _by_name(schema)
    if schema is not None:
        is_list = isinstance(payload, list)
        if len(by_name) == 1 and is_list and not any(isinstance(x, dict) for x in payload):
            payload = {next(iter(by_name)): payload}  # the values of the only input
        elif not schema.is_named and (isinstance(payload, dict) or payload is None):
            raise MalformedRequest(
                "The model's input has no name: send a list or a single value, not"
                f" {json_type(payload)}."
            )
    if isinstance(payload, dict):
        return _convert_dict(payload, by_name)
    if isinstance(payload, list) and all(isinstance(item, dict) for item in payload):
        return [_convert_dict(item, by_name) for item in payload]
    return _convert(payload, None if schema is None else _specs(schema)[0], None)


def data_from_instances(payload: Any, schema: InputSchema | None) -> Any:
    """Return the data of an `instances`: a list of objects becomes a dict of arrays.

    :raises MalformedRequest: a value that cannot be cast to the signature's type, or inputs
        of different lengths.
    """
    if isinstance(payload, list) and payload and isinstance(payload[0], dict):
        data = _columns(payload, _by_name(schema))
    else:
        data = data_from_inputs(payload, schema)
    if isinstance(data, dict):
        _check_lengths(data, schema)
    return data


def _columns(payload: list[Any], by_name: dict[str, Spec]) -> dict[str, Any]:
    # Imported here: requests with frames of plain values need no numpy of their own.
    import numpy as np

    columns: dict[str, list[Any]] = {}
    for item in payload:
        if not isinstance(item, dict):
            raise MalformedRequest(f"instances mixes objects with {json_type(item)}.")
        for name, value in item.items():
            columns.setdefault(name, []).append(_convert(value, by_name.get(name), name))
    try:
        return {name: np.array(values) for name, values in columns.items()}
    except ValueError as error:
        raise MalformedRequest("The instances of an input differ in shape.") from error


def _check_lengths(data: dict[str, Any], schema: InputSchema | None) -> None:
    import numpy as np

    names = {name for name, value in data.items() if isinstance(value, list | np.ndarray)}
    if schema is not None and schema.is_named:
        names &= {
            name for name, spec in _by_name(schema).items() if spec.required and not _is_array(spec)
        }
    if any(isinstance(data[name], np.ndarray) and data[name].ndim == 0 for name in names):
        raise MalformedRequest("Each input in instances must be a list.")
    if len({len(data[name]) for name in names}) > 1:
        raise MalformedRequest("The inputs in instances have different lengths.")


def _is_array(spec: Spec) -> bool:
    return isinstance(spec, Column) and isinstance(spec.type, Array)


def _specs(schema: InputSchema) -> tuple[Spec, ...]:
    return schema.tensors if isinstance(schema, TensorSchema) else schema.columns


def _by_name(schema: InputSchema | None) -> dict[str, Spec]:
    return {} if schema is None else dict(schema.by_name)


def _convert_dict(payload: dict[str, Any], by_name: dict[str, Spec]) -> dict[str, Any]:
    return {name: _convert(value, by_name.get(name), name) for name, value in payload.items()}


def _convert(data: Any, spec: Spec | None, name: str | None) -> Any:
    import numpy as np

    try:
        if spec is None:
            return np.array(data)
        if isinstance(spec, Tensor):
            return np.array(data, dtype=spec.dtype)
        if isinstance(spec.type, Scalar):
            return _convert_scalars(data, spec.type)
        if isinstance(spec.type, AnyValue):
            return data
        enforced = enforce_value(data, spec.type, spec.required)
        return np.array(enforced) if isinstance(spec.type, Array) else enforced
    except Exception as error:
        # numpy raises whatever it likes for a bad value, and quotes it.
        raise MalformedRequest(_cannot_convert(spec, name, error)) from error


def _convert_scalars(data: Any, scalar: Scalar) -> Any:
    import numpy as np

    if scalar in (BOOLEAN, STRING, BINARY):
        # numpy would make False, "None" and b"None" of a missing value.
        if data is None:
            return None
        if isinstance(data, list) and None in data and _is_flat(data):
            items = [None if item is None else _convert_scalars(item, scalar) for item in data]
            return np.array(items, dtype=object)
    if isinstance(data, list):
        return np.array(data, scalar.dtype)
    return np.array([data], scalar.dtype)[0]


def _is_flat(data: list[Any]) -> bool:
    return not any(isinstance(item, list | dict) for item in data)


def _cannot_convert(spec: Spec | None, name: str | None, error: Exception) -> str:
    what = "The input" if name is None else f"Input {name!r}"
    if spec is None:
        return f"{what} is no array: its lists differ in length."
    wanted = spec.dtype if isinstance(spec, Tensor) else spec.type
    if isinstance(error, MismatchError):
        return f"{what} does not fit {wanted}: {error}."
    if "inhomogeneous" in str(error):
        return f"{what} does not fit {wanted}: its lists differ in length."
    return f"{what} holds a value that cannot become {wanted}."
