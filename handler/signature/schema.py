"""A model's signature as objects: parsed once at init from MLflow's JSON items.

Standard library only. What enforcement makes of them is in `handler/signature/columns.py`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from handler.errors import ConfigError


@dataclass(frozen=True)
class Scalar:
    """One of MLflow's eight data types."""

    name: str
    """MLflow's word for it."""
    dtype: str
    """numpy's name of the same type."""

    def __str__(self) -> str:
        return self.name

    @property
    def frame_dtype(self) -> str:
        """The dtype of a DataFrame column of this type: text and bytes are objects."""
        return "object" if self.dtype in ("str", "bytes") else self.dtype


BOOLEAN = Scalar("boolean", "bool")
INTEGER = Scalar("integer", "int32")
LONG = Scalar("long", "int64")
FLOAT = Scalar("float", "float32")
DOUBLE = Scalar("double", "float64")
STRING = Scalar("string", "str")
BINARY = Scalar("binary", "bytes")
DATETIME = Scalar("datetime", "datetime64[ns]")

_SCALARS = {
    scalar.name: scalar
    for scalar in (BOOLEAN, INTEGER, LONG, FLOAT, DOUBLE, STRING, BINARY, DATETIME)
}


@dataclass(frozen=True)
class Array:
    """A list of values of one type."""

    items: "ValueType"

    def __str__(self) -> str:
        return f"array of {self.items}"


@dataclass(frozen=True)
class Property:
    """One key of an object."""

    name: str
    type: "ValueType"
    required: bool


@dataclass(frozen=True)
class Object:
    """A JSON object whose keys are known."""

    properties: Mapping[str, Property]

    def __str__(self) -> str:
        return "object with " + ", ".join(repr(name) for name in self.properties)


@dataclass(frozen=True)
class Map:
    """A JSON object with any keys and values of one type."""

    values: "ValueType"

    def __str__(self) -> str:
        return f"map to {self.values}"


@dataclass(frozen=True)
class AnyValue:
    """Anything: never checked."""

    def __str__(self) -> str:
        return "any"


ValueType = Scalar | Array | Object | Map | AnyValue


@dataclass(frozen=True)
class Column:
    """One input of a column signature."""

    name: str | None
    type: ValueType
    required: bool


@dataclass(frozen=True)
class Tensor:
    """One input of a tensor signature."""

    name: str | None
    dtype: str
    """numpy's name."""
    shape: tuple[int, ...]
    """-1 is any length."""
    required: bool = True


@dataclass(frozen=True)
class ColumnSchema:
    """Inputs that make a DataFrame. Either all are named, or none is."""

    columns: tuple[Column, ...]

    @property
    def is_named(self) -> bool:
        """True when the columns go by name, False when by position."""
        return self.columns[0].name is not None

    @property
    def by_name(self) -> dict[str, Column]:
        """The named columns in the signature's order; empty when they have no names."""
        return {column.name: column for column in self.columns if column.name is not None}


@dataclass(frozen=True)
class TensorSchema:
    """Inputs that are arrays. A single one may be unnamed."""

    tensors: tuple[Tensor, ...]

    @property
    def is_named(self) -> bool:
        """True for a dict of arrays, False for one array."""
        return self.tensors[0].name is not None

    @property
    def by_name(self) -> dict[str, Tensor]:
        """The named tensors in the signature's order; empty for the unnamed one."""
        return {tensor.name: tensor for tensor in self.tensors if tensor.name is not None}


InputSchema = ColumnSchema | TensorSchema


@dataclass(frozen=True)
class Param:
    """One entry of the params schema."""

    name: str
    type: Scalar | Object
    default: Any
    is_list: bool
    """True for shape (-1,), False for a single value."""


def parse_inputs(items: list[dict[str, Any]] | None) -> InputSchema | None:
    """Return the inputs of a signature; None when the model has none.

    :param items: MLflow's input items, JSON-decoded.
    :raises ConfigError: an item is not one that MLflow writes.
    """
    if not items:
        return None
    try:
        if items[0]["type"] == "tensor":
            return TensorSchema(tuple(_tensor(item) for item in items))
        return ColumnSchema(tuple(_column(item) for item in items))
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"the model's signature cannot be read: {error!r}") from error


def parse_params(items: Iterable[dict[str, Any]] | None) -> tuple[Param, ...] | None:
    """Return the params schema; None when the model has none.

    :raises ConfigError: an item is not one that MLflow writes.
    """
    if not items:
        return None
    try:
        return tuple(_param(item) for item in items)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"the model's params schema cannot be read: {error!r}") from error


def _tensor(item: dict[str, Any]) -> Tensor:
    spec = item["tensor-spec"]
    return Tensor(item.get("name"), str(spec["dtype"]), tuple(int(n) for n in spec["shape"]))


def _column(item: dict[str, Any]) -> Column:
    value_type = _value_type(item)
    # MLflow reads a missing `required` as true for its data types and as false for the
    # nested ones (`ColSpec.from_json_dict`).
    required = item.get("required", isinstance(value_type, Scalar))
    return Column(item.get("name"), value_type, bool(required))


def _value_type(item: dict[str, Any]) -> ValueType:
    match item["type"]:
        case "array":
            return Array(_value_type(item["items"]))
        case "sparkml_vector":
            return Array(DOUBLE)
        case "object":
            return Object({name: _property(name, p) for name, p in item["properties"].items()})
        case "map":
            return Map(_value_type(item["values"]))
        case "any":
            return AnyValue()
        case name:
            return _SCALARS[name]


def _property(name: str, item: dict[str, Any]) -> Property:
    return Property(name, _value_type(item), bool(item.get("required", True)))


def _param(item: dict[str, Any]) -> Param:
    # MLflow before 2.6 wrote `dtype`.
    value_type = _value_type({**item, "type": item.get("type") or item.get("dtype")})
    if not isinstance(value_type, Scalar | Object):
        raise ValueError(f"param {item['name']!r} has type {value_type}")
    return Param(str(item["name"]), value_type, item["default"], item.get("shape") is not None)
