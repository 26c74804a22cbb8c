"""JSON Schemas (2020-12, OpenAPI 3.1's dialect) of what a model takes and returns.

They describe what to send, not all that is put up with: like MLflow's server ours ignores
extra columns and reads numbers from text. Pure; imported for the documentation only.
"""

from collections.abc import Sequence
from typing import Any

from handler.signature.schema import (
    AnyValue,
    Array,
    Column,
    ColumnSchema,
    InputSchema,
    Map,
    Object,
    Param,
    Scalar,
    Tensor,
    TensorSchema,
    ValueType,
)

JsonSchema = dict[str, Any]

_TABLE_RANK = 2

_ROW = {"$ref": "#/components/schemas/Row"}
_COLUMNS = {"$ref": "#/components/schemas/Columns"}
_PARAMS = {"$ref": "#/components/schemas/Params"}

_SCALARS: dict[str, JsonSchema] = {
    "boolean": {"type": "boolean"},
    "integer": {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1},
    "long": {"type": "integer", "format": "int64", "minimum": -(2**63), "maximum": 2**63 - 1},
    "float": {"type": "number", "format": "float"},
    "double": {"type": "number", "format": "double"},
    "string": {"type": "string"},
    "binary": {"type": "string", "contentEncoding": "base64"},
    # Not the format `date-time`, which wants a time zone: MLflow's columns take none.
    "datetime": {
        "type": "string",
        "description": "ISO 8601, without a time zone",
        "pattern": r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?)?$",
        "examples": ["2026-01-02T03:04:05"],
    },
}
_NO_OBJECT = ["array", "boolean", "null", "number", "string"]
_NEVER_NULL = frozenset({"integer", "long", "binary"})


def request_schemas(
    inputs: InputSchema | None, params: Sequence[Param] | None
) -> dict[str, JsonSchema]:
    """Return the schemas of a scoring request by component name; `ScoringRequest` is the whole.

    :param inputs: None for a model without a signature, which takes any data.
    """
    formats = _formats(inputs)
    request = {"oneOf": [_request(name, data, bool(params)) for name, data in formats.items()]}
    schemas: dict[str, JsonSchema] = {"ScoringRequest": request}
    if isinstance(inputs, ColumnSchema) and inputs.is_named:
        schemas |= {"Row": _row(inputs.columns), "Columns": _lists(inputs.columns)}
    if params:
        schemas["Params"] = _params(params)
    return schemas


def answer_schema(outputs: InputSchema | None) -> JsonSchema:
    """Return the schema of a 200's body.

    :param outputs: the signature's outputs; None if it does not tell.
    """
    return {
        "type": "object",
        "required": ["predictions"],
        "properties": {"predictions": _predictions(outputs)},
    }


def _formats(inputs: InputSchema | None) -> dict[str, JsonSchema]:
    if inputs is None:
        return _untyped_formats()
    if isinstance(inputs, TensorSchema):
        return _tensor_formats(inputs)
    return _named_formats(inputs.columns) if inputs.is_named else _unnamed_formats(inputs.columns)


def _request(name: str, data: JsonSchema, has_params: bool) -> JsonSchema:
    properties = {name: data} | ({"params": _PARAMS} if has_params else {})
    return _object(properties, [name]) | {"title": name}


def _object(properties: dict[str, JsonSchema], required: list[str]) -> JsonSchema:
    return {
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": False,
    }


def _list(items: JsonSchema) -> JsonSchema:
    return {"type": "array", "items": items, "minItems": 1}


def _either(*schemas: JsonSchema) -> JsonSchema:
    distinct = [s for i, s in enumerate(schemas) if s not in schemas[:i]]
    return distinct[0] if len(distinct) == 1 else {"anyOf": distinct}


def _untyped_formats() -> dict[str, JsonSchema]:
    split = _object({"columns": _list({}), "index": _list({}), "data": _list(_list({}))}, ["data"])
    return {
        "dataframe_split": split,
        "dataframe_records": _list({"type": "object"}),
        "instances": _either(_list({"type": "object"}), _list({"type": _NO_OBJECT})),
        "inputs": {"type": ["array", "object"]},
    }


def _named_formats(columns: Sequence[Column]) -> dict[str, JsonSchema]:
    formats = {"dataframe_split": _named_split(columns), "dataframe_records": _list(_ROW)}
    if all(isinstance(column.type, Scalar) for column in columns):
        return formats | {name: _either(_list(_ROW), _COLUMNS) for name in ("instances", "inputs")}
    # With nested columns an object is one row, and `instances` takes no list of them.
    return formats | {"instances": _ROW, "inputs": _either(_list(_ROW), _ROW)}


def _named_split(columns: Sequence[Column]) -> JsonSchema:
    fewest = max(1, sum(column.required for column in columns))
    width = {"minItems": fewest, "maxItems": len(columns)}
    names = {"type": "array", "items": {"enum": [column.name for column in columns]}}
    row = {"type": "array", "items": _either(*map(_cell, columns)), **width}
    return _object(
        {
            "columns": {**names, "uniqueItems": True, **width},
            "index": {"type": "array", "description": "a label for each row"},
            "data": _list(row) | {"description": "rows, each as long as `columns`"},
        },
        ["columns", "data"],
    )


def _row(columns: Sequence[Column]) -> JsonSchema:
    required = [str(column.name) for column in columns if column.required]
    return _object({str(column.name): _cell(column) for column in columns}, required)


def _lists(columns: Sequence[Column]) -> JsonSchema:
    required = [str(column.name) for column in columns if column.required]
    lists = _object({str(column.name): _list(_cell(column)) for column in columns}, required)
    return lists | {"description": "lists of the same length, one for each column"}


def _unnamed_formats(columns: Sequence[Column]) -> dict[str, JsonSchema]:
    cells = [_cell(column) for column in columns]
    width = {"minItems": len(cells), "maxItems": len(cells)}
    row = {"type": "array", "prefixItems": cells, **width}
    # All of an array is converted to the first column's type.
    array = _list({"type": "array", "items": cells[0], **width})
    return {
        "dataframe_split": _object({"data": _list(row)}, ["data"]),
        "instances": array,
        "inputs": array,
    }


def _cell(column: Column) -> JsonSchema:
    return _value(column.type, column.required)


def _value(value_type: ValueType, required: bool = True) -> JsonSchema:
    match value_type:
        case Scalar():
            schema = _SCALARS[value_type.name]
            if required or value_type.name in _NEVER_NULL:
                return schema
        case Array():
            schema = {"type": "array", "items": _value(value_type.items)}
        case Map():
            schema = {"type": "object", "additionalProperties": _value(value_type.values)}
        case Object():
            properties = value_type.properties.values()
            schema = _object(
                {p.name: _value(p.type, p.required) for p in properties},
                [p.name for p in properties if p.required],
            )
        case AnyValue():
            return {}
    return schema if required else _nullable(schema)


def _nullable(schema: JsonSchema) -> JsonSchema:
    return {**schema, "type": [schema["type"], "null"]} if "type" in schema else schema


def _tensor_formats(inputs: TensorSchema) -> dict[str, JsonSchema]:
    first = inputs.tensors[0]
    if not inputs.is_named:
        array = _array(first.dtype, first.shape)
        formats = {"instances": array, "inputs": array}
        if len(first.shape) == _TABLE_RANK and first.shape[0] == -1:
            formats["dataframe_split"] = _object({"data": array}, ["data"])
        return formats
    arrays = _arrays(inputs.tensors)
    if any(tensor.shape[:1] != (-1,) for tensor in inputs.tensors):
        return {"instances": arrays, "inputs": arrays}
    one_row = [Tensor(t.name, t.dtype, t.shape[1:]) for t in inputs.tensors]
    return {"instances": _either(_list(_arrays(one_row)), arrays), "inputs": arrays}


def _arrays(tensors: Sequence[Tensor]) -> JsonSchema:
    names = [str(tensor.name) for tensor in tensors]
    return _object({str(t.name): _array(t.dtype, t.shape) for t in tensors}, names)


def _array(dtype: str, shape: tuple[int, ...], fewest: int = 1) -> JsonSchema:
    schema = _element(dtype)
    for size in reversed(shape):
        limits = {"minItems": fewest} if size == -1 else {"minItems": size, "maxItems": size}
        schema = {"type": "array", "items": schema, **limits}
    return schema


def _element(dtype: str) -> JsonSchema:
    if dtype == "bool":
        return {"type": "boolean"}
    if dtype.startswith("float"):
        return {"type": "number"}
    if dtype.startswith(("int", "uint")):
        bits = int(dtype.partition("int")[2] or 64)
        if dtype.startswith("u"):
            return {"type": "integer", "minimum": 0, "maximum": 2**bits - 1}
        return {"type": "integer", "minimum": -(2 ** (bits - 1)), "maximum": 2 ** (bits - 1) - 1}
    if dtype.startswith(("str", "bytes", "<U", "|S")):
        return {"type": "string"}
    return {}  # objects, complex numbers: no JSON type to name


def _params(params: Sequence[Param]) -> JsonSchema:
    properties = {}
    for param in params:
        schema = _value(param.type)
        if param.is_list:
            schema = {"type": "array", "items": schema}
        properties[param.name] = {**schema, "default": param.default}
    return {
        "type": "object",
        "properties": properties,
        "description": "each is optional; names that are not here are ignored",
    }


def _predictions(outputs: InputSchema | None) -> JsonSchema:
    if outputs is None:
        return {}
    if isinstance(outputs, ColumnSchema):
        return {"type": "array", "items": _predicted_row(outputs)}
    if outputs.is_named:
        arrays = {str(t.name): _array(t.dtype, t.shape, fewest=0) for t in outputs.tensors}
        return {"type": "object", "properties": arrays}
    return _array(outputs.tensors[0].dtype, outputs.tensors[0].shape, fewest=0)


def _predicted_row(outputs: ColumnSchema) -> JsonSchema:
    # The signature tells the values, not what holds them: a DataFrame or Series becomes
    # objects, an array or list the bare values.
    values = [_nullable(_value(column.type)) for column in outputs.columns]
    names = [column.name for column in outputs.columns]
    record: JsonSchema = {"type": "object"}
    if outputs.is_named:
        record["properties"] = {str(n): v for n, v in zip(names, values, strict=True)}
    bare = values[0] if len(values) == 1 else {"type": "array", "items": _either(*values)}
    return _either(record, bare)
