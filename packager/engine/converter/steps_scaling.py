"""Conversion of scikit-learn's transformers of numbers, of selectors and of imputers."""

from typing import Any

import numpy as np

from .builder import Builder, Convert, NotConvertible, Recurse, Step
from .steps_common import FLOATS, check, library_version, make, only, refuse


def _standard(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform", "inverse_transform")
    mean = model.mean_ if model.with_mean else None
    scale = model.scale_ if model.with_std else None
    steps = check(model, FLOATS, allow_nan=True)
    # Since 1.8 the statistics are cast to float32 first, for data of that type.
    is_cast = library_version() >= (1, 8)
    if method == "transform":
        return [*steps, *_arithmetic(builder, is_cast, ("subtract", mean), ("divide", scale))]
    return [*steps, *_arithmetic(builder, is_cast, ("multiply", scale), ("add", mean))]


def _min_max(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform", "inverse_transform")
    steps = check(model, FLOATS, allow_nan=True)
    if method == "inverse_transform":
        pairs = (("subtract", model.min_), ("divide", model.scale_))
        return [*steps, *_arithmetic(builder, False, *pairs)]
    steps += _arithmetic(builder, False, ("multiply", model.scale_), ("add", model.min_))
    if getattr(model, "clip", False):
        low, high = model.feature_range
        steps.append(make("clip", low=float(low), high=float(high)))
    return steps


def _max_abs(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform", "inverse_transform")
    name = "divide" if method == "transform" else "multiply"
    steps = [
        *check(model, FLOATS, allow_nan=True),
        *_arithmetic(builder, False, (name, model.scale_)),
    ]
    if method == "transform" and getattr(model, "clip", False):
        steps.append(make("clip", low=-1.0, high=1.0))
    return steps


def _robust(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform", "inverse_transform")
    center = model.center_ if model.with_centering else None
    scale = model.scale_ if model.with_scaling else None
    pairs: tuple[tuple[str, Any], ...] = (("subtract", center), ("divide", scale))
    if method == "inverse_transform":
        pairs = (("multiply", scale), ("add", center))
    return [*check(model, FLOATS, allow_nan=True), *_arithmetic(builder, False, *pairs)]


def _arithmetic(builder: Builder, is_cast: bool, *pairs: tuple[str, Any]) -> list[Step]:
    used = [(name, operand) for name, operand in pairs if operand is not None]
    if not used:
        return []
    arrays = {str(index): operand for index, (_, operand) in enumerate(used)}
    return [make("arithmetic", builder, arrays, do=[name for name, _ in used], is_cast=is_cast)]


def _normalizer(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform")
    return [*check(model, FLOATS), make("normalize", norm=model.norm)]


def _binarizer(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform")
    return [*check(model), make("binarize", threshold=float(model.threshold))]


def _polynomial(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform")
    degree = model.degree
    least, largest = (0, degree) if isinstance(degree, int) else degree
    return [
        *check(model, FLOATS),
        make(
            "polynomial",
            degrees=[int(least), int(largest)],
            has_bias=bool(model.include_bias),
            is_interaction=bool(model.interaction_only),
        ),
    ]


def _power(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform")
    steps = [
        *check(model, FLOATS, allow_nan=True),
        make("power", builder, {"lambdas": model.lambdas_}, method=model.method),
    ]
    if not model.standardize:
        return steps
    with builder.part([]):
        return steps + recurse(model._scaler, "transform")


def _quantile(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform")
    arrays = {"quantiles": model.quantiles_, "references": model.references_}
    is_normal = model.output_distribution == "normal"
    quantile = make("quantile", builder, arrays, is_normal=is_normal)
    return [*check(model, FLOATS, allow_nan=True), quantile]


def _bins(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform")
    dtype: Any = FLOATS if model.dtype is None else np.dtype(model.dtype).name
    for column, edges in enumerate(model.bin_edges_):
        builder.edge(column, edges)
    edges_by_column = {str(index): edges[1:-1] for index, edges in enumerate(model.bin_edges_)}
    steps = [*check(model, dtype), make("bins", builder, edges_by_column)]
    if model.encode == "ordinal":
        return steps
    with builder.part([]):
        encoded = recurse(model._encoder, "transform")
    encoded[-1]["dtype"] = None  # that of the data
    return steps + encoded


def _selector(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform")
    support = np.flatnonzero(model.get_support())
    allows = _allows_nan(model)  # and then infinities too
    return [
        *check(model, allow_nan=allows, allow_infinity=allows),
        make("pick", names=None, positions=support.tolist()),
    ]


def _allows_nan(model: Any) -> bool:
    try:
        from sklearn.utils import get_tags  # since 1.6
    except ImportError:
        return bool(model._get_tags()["allow_nan"])
    return bool(get_tags(model).input_tags.allow_nan)


def _imputer(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform")
    statistics = model.statistics_
    is_object = model._fit_dtype.kind == "O"
    if getattr(model, "keep_empty_features", False):
        kept = np.arange(len(statistics))
    else:
        kept = np.flatnonzero([value == value for value in statistics])
    indicator = getattr(model, "indicator_", None)
    fill_dtype = model._fit_dtype if is_object else getattr(model, "_fill_dtype", model._fit_dtype)
    fill = statistics[kept].astype(fill_dtype)
    if not all(isinstance(value, (str, int, float, bool)) for value in fill.tolist()):
        raise refuse(model, "values other than strings and numbers")
    is_numeric = model.strategy not in ("most_frequent", "constant")
    return [
        make(
            "objects",
            is_object=is_object,
            is_numeric=is_numeric,
            allow_nan=_is_nan(model.missing_values),
        ),
        make(
            "impute",
            missing=_missing(model),
            kept=kept.tolist(),
            indicated=None if indicator is None else indicator.features_.tolist(),
            fill=fill.tolist(),
            fill_dtype=fill.dtype.str,
        ),
    ]


def _indicator(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform")
    if model.sparse is True or model._precomputed:
        raise refuse(model, "a sparse or a precomputed mask")
    columns = model.features_.tolist()
    is_strict = model.features == "missing-only" and model.error_on_new
    others = sorted(set(range(model.n_features_in_)) - set(columns))
    return [
        make("objects", is_object=False, is_numeric=False, allow_nan=_is_nan(model.missing_values)),
        make(
            "indicate",
            missing=_missing(model),
            columns=columns,
            refused=others if is_strict else [],
        ),
    ]


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value


def _missing(model: Any) -> Any:
    value = model.missing_values
    if _is_nan(value):
        return None
    if value is None:
        return "None"
    if isinstance(value, (str, int, float)):
        return {"value": value}
    raise NotConvertible(f"{type(model).__name__} takes {value!r} for a missing value")


_DATA = "sklearn.preprocessing._data."
_SELECTION = "sklearn.feature_selection."
_SELECTORS = (
    "_from_model.SelectFromModel",
    "_rfe.RFE",
    "_rfe.RFECV",
    "_sequential.SequentialFeatureSelector",
    "_univariate_selection.GenericUnivariateSelect",
    "_univariate_selection.SelectFdr",
    "_univariate_selection.SelectFpr",
    "_univariate_selection.SelectFwe",
    "_univariate_selection.SelectKBest",
    "_univariate_selection.SelectPercentile",
    "_variance_threshold.VarianceThreshold",
)
CONVERTERS: dict[str, Convert] = {
    _DATA + "StandardScaler": _standard,
    _DATA + "MinMaxScaler": _min_max,
    _DATA + "MaxAbsScaler": _max_abs,
    _DATA + "RobustScaler": _robust,
    _DATA + "Normalizer": _normalizer,
    _DATA + "Binarizer": _binarizer,
    _DATA + "PowerTransformer": _power,
    _DATA + "QuantileTransformer": _quantile,
    "sklearn.preprocessing._polynomial.PolynomialFeatures": _polynomial,
    "sklearn.preprocessing._discretization.KBinsDiscretizer": _bins,
    "sklearn.impute._base.SimpleImputer": _imputer,
    "sklearn.impute._base.MissingIndicator": _indicator,
    **{_SELECTION + name: _selector for name in _SELECTORS},
}
