"""Conversion of scikit-learn's encoders of categories."""

from typing import Any

import numpy as np

from .builder import Builder, Convert, Recurse, Step
from .steps_common import make, only, refuse

Spec = dict[str, Any]
"""How one column is encoded: see `handler/engines/steps_encoding.py`."""


def _one_hot(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform")
    handled = model.handle_unknown
    if handled not in ("error", "ignore", "infrequent_if_exist", "warn"):
        raise refuse(model, f"handle_unknown={handled!r}")
    is_grouping = handled in ("infrequent_if_exist", "warn")
    arrays: dict[str, Any] = {}
    specs = [
        _spec(model, index, builder, arrays, None if handled == "error" else -1)
        for index in range(len(model.categories_))
    ]
    for index, spec in enumerate(specs):
        infrequent = _mapping(model, index, "_infrequent_indices")
        if is_grouping and infrequent is not None:
            spec["unknown"] = int(spec["codes"][infrequent[0]])
    drop = _dropped(model, len(specs))
    widths = [_codes(model, index) - (drop[index] is not None) for index in range(len(specs))]
    return [
        make(
            "one_hot",
            builder,
            arrays,
            columns=specs,
            dropped=drop,
            widths=widths,
            dtype=np.dtype(model.dtype).name,
        )
    ]


def _dropped(model: Any, count: int) -> list[int | None]:
    """Return each column's code without a column, counted after rare ones are grouped."""
    dropped = getattr(model, "_drop_idx_after_grouping", getattr(model, "drop_idx_", None))
    if dropped is None:
        return [None] * count
    return [None if code is None else int(code) for code in dropped]


def _codes(model: Any, index: int) -> int:
    """Return how many different codes a column's categories become."""
    mapping = _mapping(model, index)
    return len(model.categories_[index]) if mapping is None else int(max(mapping)) + 1


def _mapping(model: Any, index: int, name: str = "_default_to_infrequent_mappings") -> Any:
    """Return what a column's rare categories become, or what else is known of them by name."""
    return getattr(model, name)[index] if getattr(model, "_infrequent_enabled", False) else None


def _spec(
    model: Any, index: int, builder: Builder, arrays: dict[str, Any], unknown: int | None
) -> Spec:
    categories = model.categories_[index]
    mapping = _mapping(model, index)
    spec: Spec = {
        "nan": None,
        "none": None,
        "unknown": unknown,
        "codes": None if mapping is None else [int(code) for code in mapping],
    }
    if categories.dtype.kind in "biuf":
        numbers = categories
        if categories.dtype.kind == "f" and np.isnan(categories[-1:]).any():
            spec["nan"], numbers = len(categories) - 1, categories[:-1]
        if not len(numbers):
            raise refuse(model, "a column without categories")
        arrays[str(index)] = numbers
        builder.edge(index, numbers.astype(float))
        return {**spec, "values": str(index)}
    return {**spec, **_strings(model, categories, builder, index)}


def _strings(model: Any, categories: Any, builder: Builder, index: int) -> Spec:
    spec: Spec = {"values": []}
    for number, value in enumerate(categories.tolist()):
        if value is None:
            spec["none"] = number
        elif isinstance(value, float) and value != value:
            spec["nan"] = number
        elif type(value) in (str, int, float, bool):
            spec["values"].append(value)
            continue
        else:
            raise refuse(model, f"categories of {type(value).__name__}")
    # Missing ones are the last, in scikit-learn's order.
    builder.edge(index, np.array([one for one in spec["values"] if type(one) is str], object))
    return spec


def _ordinal(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform")
    is_error = model.handle_unknown == "error"
    dtype = np.dtype(model.dtype)
    arrays: dict[str, Any] = {
        "unknown": np.array(0 if is_error else model.unknown_value, dtype),
        "missing_value": np.array(getattr(model, "encoded_missing_value", np.nan)),
    }
    specs = [
        _spec(model, index, builder, arrays, None if is_error else -1)
        for index in range(len(model.categories_))
    ]
    missing = getattr(model, "_missing_indices", {})
    codes = [missing.get(index) for index in range(len(specs))]
    for spec, code in zip(specs, codes, strict=True):
        if code is not None and spec["codes"] is not None:
            spec["codes"] = [
                number if number == code else other for number, other in enumerate(spec["codes"])
            ]
    return [
        make(
            "ordinal",
            builder,
            arrays,
            columns=specs,
            missing=[None if code is None else int(code) for code in codes],
            dtype=dtype.name,
        )
    ]


def _target(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform")
    arrays: dict[str, Any] = {}
    specs = [_spec(model, index, builder, arrays, -1) for index in range(len(model.categories_))]
    is_multiclass = model.target_type_ == "multiclass"
    each = len(model.classes_) if is_multiclass else 1
    for index, encoding in enumerate(model.encodings_):
        mean = model.target_mean_[index % each] if is_multiclass else model.target_mean_
        arrays[f"means_{index}"] = np.append(encoding, mean).astype(np.float64)
    outputs = [index // each for index in range(len(model.encodings_))]
    return [make("target", builder, arrays, columns=specs, outputs=outputs)]


_ENCODERS = "sklearn.preprocessing._encoders."
CONVERTERS: dict[str, Convert] = {
    _ENCODERS + "OneHotEncoder": _one_hot,
    _ENCODERS + "OrdinalEncoder": _ordinal,
    "sklearn.preprocessing._target_encoder.TargetEncoder": _target,
}
