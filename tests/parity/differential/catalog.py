"""The models of this suite: their names, and the signatures of those that echo.

Needs neither MLflow nor what the models are made of: both sides read it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .echo import echo, mirror

Item = dict[str, Any]


@dataclass(frozen=True)
class Echoing:
    """A custom Python model, which MLflow calls `pyfunc`."""

    predict: Callable[[Any, dict[str, Any] | None], Any]
    inputs: tuple[Item, ...] = ()
    """MLflow's signature items; empty for no signature."""
    params: tuple[Item, ...] = ()


def _column(name: str | None, kind: str, required: bool = True, **more: Any) -> Item:
    named = {} if name is None else {"name": name}
    return {"type": kind, **named, "required": required, **more}


def _tensor(name: str | None, dtype: str, *shape: int) -> Item:
    named = {} if name is None else {"name": name}
    return {"type": "tensor", **named, "tensor-spec": {"dtype": dtype, "shape": list(shape)}}


def _param(name: str, kind: str, default: Any, shape: list[int] | None = None) -> Item:
    return {"name": name, "type": kind, "default": default, "shape": shape}


_SCALARS = ("boolean", "integer", "long", "float", "double", "string", "binary", "datetime")
_REQUIRED = tuple(_column(kind[:3], kind) for kind in _SCALARS)
_OPTIONAL = (
    *(_column(kind[:3], kind, required=False) for kind in _SCALARS),
    _column("any", "any", required=False),
)
_PLAIN = tuple(_column(kind[:3], kind) for kind in _SCALARS[:6])
_POINT = {
    "p": {"type": "string", "required": True},
    "q": {"type": "double", "required": False},
    "r": {"type": "array", "items": {"type": "long"}, "required": False},
}
_NESTED = (
    _column("list", "array", items={"type": "double"}),
    _column("grid", "array", False, items={"type": "array", "items": {"type": "long"}}),
    _column("words", "array", False, items={"type": "string"}),
    _column("days", "array", False, items={"type": "datetime"}),
    _column("flags", "array", False, items={"type": "boolean"}),
    _column("blobs", "array", False, items={"type": "binary"}),
    _column("point", "object", False, properties=_POINT),
    _column("points", "array", False, items={"type": "object", "properties": _POINT}),
    _column("counts", "map", False, values={"type": "long"}),
    _column("lists", "map", False, values={"type": "array", "items": {"type": "float"}}),
    _column("free", "any", False),
    _column("text", "string", False),
)
_MESSAGE = {
    "role": {"type": "string", "required": True},
    "content": {"type": "string", "required": False},
}
_PARAMS = (
    _param("flag", "boolean", False),
    _param("small", "integer", 1),
    _param("big", "long", 2),
    _param("single", "float", 0.1),
    _param("k", "double", 1.5),
    _param("text", "string", "é"),
    _param("day", "datetime", "2024-01-02T03:04:05"),
    _param("words", "string", ["a"], [-1]),
    _param("numbers", "double", [1.0, 2.0], [-1]),
    _param("days", "datetime", ["2024-01-02"], [-1]),
    _param("point", "object", {"p": "x"}) | {"properties": _POINT},
)

ECHOING = {
    "echo_scalars": Echoing(echo, _REQUIRED),
    "echo_plain": Echoing(echo, _PLAIN),
    "echo_optional": Echoing(echo, _OPTIONAL),
    "echo_doubles": Echoing(echo, tuple(_column(name, "double") for name in "abc")),
    "echo_nested": Echoing(echo, _NESTED),
    "echo_list": Echoing(echo, _NESTED[:1]),
    "echo_unnamed": Echoing(echo, tuple(_column(None, kind) for kind in _SCALARS[:6])),
    "echo_text": Echoing(echo, (_column("text", "string"),)),
    "echo_days": Echoing(echo, (_column("day", "datetime"), _column("n", "long", False))),
    "echo_blob": Echoing(echo, (_column("blob", "binary"),)),
    "echo_tensor": Echoing(echo, (_tensor(None, "float32", -1, 4),)),
    "echo_tensors": Echoing(
        echo,
        (
            _tensor("a", "float32", -1, 2),
            _tensor("b", "int64", -1),
            _tensor("c", "object", -1),
            _tensor("d", "str", -1),
        ),
    ),
    "echo_cube": Echoing(echo, (_tensor("cube", "uint8", -1, 2, -1),)),
    "echo_bare": Echoing(echo),
    "echo_params": Echoing(echo, (_column("x", "double"),), _PARAMS),
    "echo_chat": Echoing(
        echo,
        (_column("messages", "array", items={"type": "object", "properties": _MESSAGE}),),
        (_param("temperature", "double", 1.0), _param("stop", "string", [], [-1])),
    ),
    "mirror_optional": Echoing(mirror, _OPTIONAL),
    "mirror_nested": Echoing(mirror, _NESTED),
    "mirror_tensor": Echoing(mirror, (_tensor(None, "float32", -1, 4),)),
    "mirror_bare": Echoing(mirror),
}

SKLEARN = (
    "classifier",
    "forest",
    "regressor",
    "wide",
    "pipeline",
    "labels",
    "probabilities",
    "unnamed",
    "tensor",
    "bare",
    "categories",
    "outputs",
)

COMPILED = "compiled_"
"""Before the name of a model that our side has compiled."""
EXACT_ONLY = ("unnamed",)
"""With columns that have no names: not compiled."""
UNSIGNED = (
    "unsigned_forest",
    "unsigned_named",
    "unsigned_cities",
    "unsigned_clusters",
    "unsigned_outputs",
    "unsigned_xgboost",
    "unsigned_xgboost_rows",
    "unsigned_lightgbm",
    "unsigned_lightgbm_rows",
)
"""Logged without a signature: compiled from what they know of their input."""

MODELS = (
    *SKLEARN,
    *(COMPILED + name for name in (*SKLEARN, *UNSIGNED) if name not in EXACT_ONLY),
    *ECHOING,
)
