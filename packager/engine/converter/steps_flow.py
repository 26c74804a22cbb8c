"""Conversion of what puts transformers and a model together: pipelines and their kin."""

import warnings
from typing import Any

import numpy as np

from .builder import Builder, Convert, Recurse, Seen, Step
from .steps_common import check, make, on_tables, only, refuse

_KEEPS_COLUMNS = frozenset(
    {
        "Binarizer",
        "MaxAbsScaler",
        "MinMaxScaler",
        "PowerTransformer",
        "QuantileTransformer",
        "RobustScaler",
        "StandardScaler",
    }
)
_FUNCTIONS = frozenset(
    {"abs", "absolute", "cbrt", "exp", "expm1", "log", "log10", "log1p", "log2", "sqrt", "square"}
)
"""numpy's, by name: what FunctionTransformer and TransformedTargetRegressor may call."""


def _pipeline(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    *before, (_, last) = model.steps
    steps: list[Step] = []
    columns: list[Seen] | None = None
    is_sparse = False
    for _, part in before:
        if part in (None, "passthrough"):
            continue
        steps += _converted(part, "transform", builder, recurse, columns)
        columns = _columns_after(part, columns)
        is_sparse = _gives_sparse(part, is_sparse)
    if last in (None, "passthrough"):
        only(model, method, "transform")
        return steps
    if is_sparse and type(last).__module__.startswith("xgboost."):
        steps.append(make("absent"))
    return steps + _converted(last, method, builder, recurse, columns)


def _converted(
    part: Any, method: str, builder: Builder, recurse: Recurse, columns: list[Seen] | None
) -> list[Step]:
    if columns is None:
        return recurse(part, method)
    with builder.part(columns):
        return recurse(part, method)


def _columns_after(part: Any, columns: list[Seen] | None) -> list[Seen]:
    """Return what the columns are that a fitted transformer gives, for the edges behind it."""
    given = columns
    if given is None:
        given = [(index, ()) for index in range(int(getattr(part, "n_features_in_", 0)))]
    name = type(part).__name__
    if name in _KEEPS_COLUMNS:
        return [_behind(part, index, one) for index, one in enumerate(given)]
    if name == "SimpleImputer" and not part.add_indicator:
        return given if part.statistics_.shape[0] == len(given) else []
    if name == "ColumnTransformer":
        return _columns_joined(part, given)
    if hasattr(part, "get_support"):
        support = np.flatnonzero(part.get_support()).tolist()
        return [given[index] for index in support if index < len(given)]
    return []


def _columns_joined(part: Any, given: list[Seen]) -> list[Seen]:
    places = part.output_indices_
    joined: list[Seen] = [None] * max((place.stop for place in places.values()), default=0)
    for name, one, _ in part.transformers_:
        inputs = list(part._transformer_to_input_indices[name])
        if (isinstance(one, str) and one == "drop") or not inputs or max(inputs) >= len(given):
            continue
        seen = [given[index] for index in inputs]
        found = seen if isinstance(one, str) else _columns_after(one, seen)
        place = places[name]
        if len(found) == place.stop - place.start:
            joined[place] = found
    return joined


def _behind(part: Any, index: int, seen: Seen) -> Seen:
    if seen is None or not hasattr(part, "inverse_transform"):
        return None

    def back(values: np.ndarray) -> np.ndarray:
        table = np.zeros((len(values), int(part.n_features_in_)))
        table[:, index] = values
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found: np.ndarray = np.asarray(part.inverse_transform(table))[:, index]
        return found

    return seen[0], (back, *seen[1])


def _gives_sparse(part: Any, is_sparse: bool) -> bool:
    """Return whether a transformer's output is a sparse matrix."""
    name = type(part).__name__
    if name == "ColumnTransformer":
        return bool(part.sparse_output_)
    if name == "OneHotEncoder":
        return bool(getattr(part, "sparse_output", getattr(part, "sparse", False)))
    if name == "KBinsDiscretizer":
        return bool(part.encode == "onehot")
    if name == "FeatureUnion":
        return any(_gives_sparse(one, is_sparse) for _, one in part.transformer_list)
    if name == "Pipeline":
        for _, one in part.steps:
            is_sparse = _gives_sparse(one, is_sparse)
        return is_sparse
    return is_sparse and name in _KEEPS_COLUMNS | {"VarianceThreshold", "SelectKBest"}


def _union(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform")
    weights = model.transformer_weights or {}
    chains, used = [], []
    for name, part in model.transformer_list:
        if part in (None, "drop"):
            continue
        chains.append(
            [make("matrix")] if part == "passthrough" else on_tables(recurse(part, "transform"))
        )
        used.append(weights.get(name))
    if not chains:
        raise refuse(model, "nothing in it")
    return [_join(builder, chains, used, is_numeric=False)]


def _join(
    builder: Builder, chains: list[list[Step]], weights: list[float | None], *, is_numeric: bool
) -> Step:
    arrays = {}
    if any(weight is not None for weight in weights):
        filled = [np.nan if weight is None else weight for weight in weights]
        arrays["weights"] = np.array(filled, dtype=float)
    return make("join", builder, arrays, chains, is_numeric=is_numeric)


def _column_transformer(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform")
    names = getattr(model, "feature_names_in_", None)
    weights = model.transformer_weights or {}
    chains, used = [], []
    for name, part, columns in model.transformers_:
        positions = list(model._transformer_to_input_indices[name])
        if part == "drop" or not positions:
            continue
        if isinstance(columns, (str, int)):
            raise refuse(model, f"the single column {columns!r}, not a list, for {name!r}")
        labels = None if names is None else [str(names[position]) for position in positions]
        picked = _positions(labels, positions, builder)
        with builder.part(picked):
            steps = [] if part == "passthrough" else recurse(part, "transform")
        pick = make("pick", names=labels, positions=picked)
        chains.append([pick, *on_tables(steps)])
        used.append(weights.get(name))
    if not chains:
        raise refuse(model, "no columns left")
    return [_join(builder, chains, used, is_numeric=bool(model.sparse_output_))]


def _positions(names: list[str] | None, positions: list[int], builder: Builder) -> list[int]:
    """Return where the columns are in the data: a DataFrame's may come in another order."""
    known = builder.columns
    if names is None or not builder.is_input or not set(names).issubset(known):
        return [int(position) for position in positions]
    return [known.index(name) for name in names]


def _function(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "transform", "inverse_transform")
    is_forward = method == "transform"
    steps = check(model) if model.validate else []
    function = model.func if is_forward else model.inverse_func
    arguments = model.kw_args if is_forward else model.inv_kw_args
    if function is None:
        return steps
    if arguments:
        raise refuse(model, "arguments for its function")
    return [*(steps or [make("matrix")]), known_function(model, function)]


def known_function(model: Any, function: Any) -> Step:
    """Return the step of one of numpy's own functions of one argument.

    :raises NotConvertible: it is none of those that are known.
    """
    name = getattr(function, "__name__", "")
    if name not in _FUNCTIONS or getattr(np, name) is not function:
        raise refuse(model, f"the function {name or function!r}")
    return make("elementwise", do=[name])


def _transformed_target(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    only(model, method, "predict")
    steps = recurse(model.regressor_, "predict")
    with builder.part([]):
        back = recurse(model.transformer_, "inverse_transform")
    if model._training_dim != 1:
        return steps + back
    return [*steps, make("reshape", shape=[-1, 1]), *back, make("reshape", shape=[-1])]


def _best(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    if not hasattr(model, "best_estimator_"):
        raise refuse(model, "no best estimator that was refitted")
    return recurse(model.best_estimator_, method)


def _frozen(model: Any, method: str, builder: Builder, recurse: Recurse) -> list[Step]:
    return recurse(model.estimator, method)


_SEARCH = "sklearn.model_selection."
CONVERTERS: dict[str, Convert] = {
    "sklearn.pipeline.Pipeline": _pipeline,
    "sklearn.pipeline.FeatureUnion": _union,
    "sklearn.compose._column_transformer.ColumnTransformer": _column_transformer,
    "sklearn.compose._target.TransformedTargetRegressor": _transformed_target,
    "sklearn.preprocessing._function_transformer.FunctionTransformer": _function,
    "sklearn.frozen._frozen.FrozenEstimator": _frozen,
    _SEARCH + "_search.GridSearchCV": _best,
    _SEARCH + "_search.RandomizedSearchCV": _best,
    _SEARCH + "_search_successive_halving.HalvingGridSearchCV": _best,
    _SEARCH + "_search_successive_halving.HalvingRandomSearchCV": _best,
}
