"""What older releases of the libraries name or hold otherwise than today's (scikit-learn 0.19 on).

`ABSENT` tells what an attribute of today is where the logged release has none of its name,
`CHANGED` what it is where it has one of another meaning. Each gets the stand-in. A rule that fits
only by its name costs nothing: predictions are compared.
"""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return"

from collections.abc import Callable
from typing import Any

import numpy as np

_MODULES = {
    "cluster.k_means_": "_kmeans",
    "cross_decomposition.pls_": "_pls",
    "ensemble.gradient_boosting": "_gb",
    "ensemble.voting_classifier": "_voting",
    "svm.classes": "_classes",
    "tree.tree": "_classes",
}
"""Modules of scikit-learn before 0.22 that got another name than theirs with an underscore."""
_PACKAGES = frozenset(
    {
        *("cluster", "compose", "cross_decomposition", "decomposition", "ensemble"),
        *("feature_selection", "linear_model", "neural_network", "preprocessing", "svm", "tree"),
    }
)
_CLASSES = {
    ("sklearn.impute", "SimpleImputer"): ("sklearn.impute._base", "SimpleImputer"),
    ("sklearn.preprocessing._data", "PolynomialFeatures"): (
        "sklearn.preprocessing._polynomial",
        "PolynomialFeatures",
    ),
    # What gradient boosting began with before 0.21.
    **{
        ("sklearn.ensemble._gb", name): ("sklearn.dummy", "DummyRegressor")
        for name in (
            *("MeanEstimator", "QuantileEstimator", "LogOddsEstimator"),
            *("ScaledLogOddsEstimator", "PriorProbabilityEstimator", "ZeroEstimator"),
        )
    },
}


def current_name(module: str, name: str) -> tuple[str, str]:
    """Return the module and name that a class has today."""
    library, _, inner = module.partition(".")
    package, _, last = inner.partition(".")
    if library == "sklearn" and package in _PACKAGES and last and "." not in last:
        moved = _MODULES.get(inner, last if last.startswith("_") else f"_{last}")
        module = f"sklearn.{package}.{moved}"
    return _CLASSES.get((module, name), (module, name))


_WIDTHS: tuple[Callable[[Any], int], ...] = (
    lambda model: model.logged("n_features_"),
    lambda model: model.logged("_n_features"),
    lambda model: model.logged("n_input_features_"),
    lambda model: model.logged("steps")[0][1].n_features_in_,
    lambda model: np.shape(model.logged("cluster_centers_"))[1],
    lambda model: np.shape(model.logged("components_"))[1],
    lambda model: np.shape(model.logged("theta_"))[1],
    lambda model: np.shape(model.logged("feature_log_prob_"))[1],
    lambda model: np.shape(model.logged("means_"))[1],
    lambda model: np.shape(model.logged("quantiles_"))[1],
    lambda model: np.shape(model.logged("coefs_")[0])[0],
    lambda model: model.logged("coef_").shape[-1],
    *(
        (lambda model, name=name: len(model.logged(name)))
        for name in (
            *("scale_", "mean_", "center_", "data_min_", "statistics_", "categories_"),
            *("bin_edges_", "lambdas_", "variances_", "scores_", "support_"),
        )
    ),
    lambda model: model.logged("best_estimator_").n_features_in_,
    lambda model: model.logged("estimators_")[0].n_features_in_,
    lambda model: model.logged("estimator_").n_features_in_,
)
"""Where a fitted model shows how many columns it takes, before 0.24."""


def _n_features_in(model: Any) -> int:
    for width in _WIDTHS:
        try:
            return int(width(model))
        except (AttributeError, LookupError, TypeError, ValueError):
            continue
    raise AttributeError("n_features_in_")


def _feature_names(model: Any) -> Any:
    """Return the names of the columns that a ColumnTransformer before 1.0 was fitted with."""
    for name in ("_feature_names_in", "_df_columns"):
        try:
            names = model.logged(name)
        except AttributeError:
            continue
        if names is not None:
            return np.asarray(names.tolist(), dtype=object)
    raise AttributeError("feature_names_in_")


def _input_positions(model: Any) -> dict[str, list[int]]:
    """Return which columns each part of a ColumnTransformer before 1.0 gets."""
    return {name: _positions(model, columns) for name, _, columns in model.transformers_}


def _positions(model: Any, columns: Any) -> list[int]:
    count = model.n_features_in_
    if isinstance(columns, (str, int)):
        columns = [columns]
    if isinstance(columns, slice):
        columns = range(count)[columns]
    columns = list(columns)
    if any(isinstance(one, (bool, np.bool_)) for one in columns):
        columns = [index for index, one in enumerate(columns) if one]
    if any(isinstance(one, str) for one in columns):
        return [_feature_names(model).tolist().index(one) for one in columns]
    return [int(one) % count for one in columns]


def _output_slices(model: Any) -> dict[str, slice]:
    """Return where the columns of each part of a ColumnTransformer before 1.0 come out."""
    places, start = {}, 0
    for name, part, _ in model.transformers_:
        inputs = model._transformer_to_input_indices[name]
        width = 0 if part == "drop" else _width(part, len(inputs))
        places[name] = slice(start, start + width)
        start += width
    return places


def _width(part: Any, width: int) -> int:
    if isinstance(part, str) or part is None:
        return width
    if hasattr(part, "steps"):
        for _, one in part.steps:
            width = _width(one, width)
        return width
    if hasattr(part, "get_feature_names"):
        return len(part.get_feature_names())
    return int(part.get_support().sum()) if hasattr(part, "get_support") else width


def _depths(forest: Any) -> list[np.ndarray]:
    """Return of each tree of an IsolationForest how deep its nodes lie, the root being 1."""
    return [_depths_of(tree.tree_) for tree in forest.estimators_]


def _depths_of(tree: Any) -> np.ndarray:
    depths = np.ones(len(tree.children_left))
    for node, children in enumerate(zip(tree.children_left, tree.children_right, strict=True)):
        if children[0] >= 0:  # children come after their parent
            depths[list(children)] = depths[node] + 1
    return depths


def _average_path_lengths(forest: Any) -> list[np.ndarray]:
    from sklearn.ensemble._iforest import _average_path_length  # the logged release's

    return [_average_path_length(tree.tree_.n_node_samples) for tree in forest.estimators_]


def _iteration_range(model: Any) -> Callable[[Any], tuple[int, int]]:
    """Return what tells which rounds an XGBoost estimator before 1.4 asks: up to the best."""
    last = int(model.best_iteration) + 1 if hasattr(model, "best_iteration") else 0
    return lambda _: (0, last)


def _as(name: str) -> Callable[[Any], Any]:
    return lambda model: model.logged(name)


ABSENT: dict[str, Callable[[Any], Any]] = {
    "n_features_in_": _n_features_in,
    "feature_names_in_": _feature_names,
    "_transformer_to_input_indices": _input_positions,
    "output_indices_": _output_slices,
    "_fit_dtype": lambda imputer: imputer.statistics_.dtype,
    "_loss": _as("loss_"),
    "_raw_predict_init": _as("_init_decision_function"),
    "var_": _as("sigma_"),
    "calibrators": _as("calibrators_"),
    "X_thresholds_": _as("_necessary_X_"),
    "y_thresholds_": _as("_necessary_y_"),
    "_max_samples": _as("max_samples_"),
    "_decision_path_lengths": _depths,
    "_average_path_length_per_tree": _average_path_lengths,
    "_get_iteration_range": _iteration_range,
}
"""By attribute, what it is in releases that have none of that name."""


def _nodes(_: Any, nodes: Any) -> Any:
    """Return the nodes of a HistGradientBoosting's tree by field."""
    fields = nodes.dtype.names
    if "num_threshold" in fields:
        return nodes
    nothing: np.ndarray = np.zeros(len(nodes), np.uint8)
    added = {"num_threshold": nodes["threshold"], "is_categorical": nothing}
    if "missing_go_to_left" not in fields:
        added["missing_go_to_left"] = nothing
    return {**{name: nodes[name] for name in fields}, **added}


def _save_raw(booster: Any, save_raw: Callable[..., Any]) -> Callable[[str], Any]:
    def as_json(raw_format: str) -> Any:
        try:
            return save_raw(raw_format)
        except TypeError:  # before 1.6
            return booster.as_json()

    return as_json


def _instead(**others: str) -> Callable[[Any, Any], Any]:
    return lambda _, value: others.get(value, value) if isinstance(value, str) else value


def _classes(_: Any, classes: Any) -> Any:
    if classes is None or (len(classes) and classes[0] is None):  # a regressor's, before 0.24
        raise AttributeError("classes_")
    return classes


CHANGED: dict[str, Callable[[Any, Any], Any]] = {
    "classes_": _classes,
    "loss": _instead(log="log_loss"),
    "multi_class": _instead(warn="ovr"),
    "solver": _instead(warn="liblinear"),
    "nodes": _nodes,
    "save_raw": _save_raw,
}
"""By attribute, what today's release would have for the value of the logged one."""
