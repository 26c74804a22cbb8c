"""What a fitted model knows of its input: names, kinds, and values that it has seen."""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return"

import ast
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from .convert import edges_of
from .rows import Kind

_QUANTILES = (0.35, 0.65)
"""Of split thresholds: where two sample values are taken."""
_DIGITS = 6
"""Of a sample value made of thresholds."""


@dataclass(frozen=True)
class Feature:
    """One column, as the model knows it."""

    name: str | None
    kind: Kind = "float64"
    values: tuple[Any, ...] = ()
    """Some that it has seen, as JSON's types; empty: it kept none."""

    def sample(self, row: int) -> Any:
        """Return a value for a sample's row."""
        values = self.values or _PLAIN[self.kind]
        return values[row % len(values)]


_PLAIN: dict[Kind, tuple[Any, ...]] = {
    "float64": (0.5, 1.0),
    "float32": (0.5, 1.0),
    "int64": (1, 2),
    "int32": (1, 2),
    "bool": (False, True),
    "string": ("a", "b"),
}


@dataclass(frozen=True)
class Learned:
    """What a model takes."""

    features: tuple[Feature, ...]
    is_text: bool = False
    """It takes a list of texts, not a table; the one feature has some."""
    selects: tuple[str, ...] | None = None
    """The columns that it picks out of a table by name; None: it takes a table of just these."""
    as_arrays: Mapping[str, tuple[str, tuple[int, ...]]] | None = None
    """By input, numpy's dtype and the shape (-1: any length): it takes arrays, not a table."""

    @property
    def names(self) -> tuple[str, ...] | None:
        """The features' names; None where they have none."""
        names = tuple(one.name for one in self.features if one.name is not None)
        return names if len(names) == len(self.features) else None

    def with_edges(self, edges: Mapping[int, np.ndarray]) -> "Learned":
        """Return it with values between the thresholds, and with the categories, of a conversion.

        :param edges: values near which predictions may jump, by the column's position.
        """
        if self.is_text:
            return self
        features = (_with_edges(one, edges.get(at)) for at, one in enumerate(self.features))
        return replace(self, features=tuple(features))


def learned_by(model: Any, method: str = "predict") -> Learned | None:
    """Return what a loaded model knows of its input; None where it knows nothing.

    :param model: an estimator, Booster, session, results: what a flavor's loader has.
    :param method: which of its methods predicts.
    """
    with contextlib.suppress(Exception):  # of a release whose models are made differently
        library = type(model).__module__.partition(".")[0]
        found = _LIBRARIES.get(library, _estimator)(model)
        if found is not None and found.features:
            return found.with_edges(edges_of(model, method))
    return None


def _with_edges(feature: Feature, edges: "np.ndarray | None") -> Feature:
    if feature.values or edges is None or not len(edges):
        return feature
    texts = tuple(value for value in edges.tolist() if isinstance(value, str))
    if texts:
        return replace(feature, kind="string", values=texts)
    numbers = np.unique(edges[np.isfinite(edges.astype(float))].astype(float))
    return replace(feature, values=_between(numbers)) if len(numbers) else feature


def _between(numbers: np.ndarray) -> tuple[float, ...]:
    """Return values inside the range of sorted numbers, between two of them."""
    found = []
    for share in _QUANTILES:
        at = int(share * (len(numbers) - 1))
        middle = (numbers[at] + numbers[min(at + 1, len(numbers) - 1)]) / 2
        found.append(float(f"{middle:.{_DIGITS}g}"))
    return tuple(found)


def _estimator(model: Any) -> Learned | None:
    """Ask a scikit-learn estimator, or what imitates one."""
    if hasattr(model, "best_estimator_"):
        return _estimator(model.best_estimator_)
    if hasattr(model, "steps"):
        return _pipeline([step for _, step in model.steps])
    if hasattr(model, "transformers_") and hasattr(model, "n_features_in_"):
        return _column_transformer(model)
    if hasattr(model, "vocabulary_"):
        words = sorted(model.vocabulary_, key=len, reverse=True)
        return Learned((Feature(None, "string", tuple(words[:2])),), is_text=True)
    if hasattr(model, "transformer_list"):
        return _first(part for _, part in model.transformer_list)
    if hasattr(model, "decode") and hasattr(model, "build_analyzer"):  # a hashing vectorizer
        return Learned((Feature(None, "string"),), is_text=True)
    width = getattr(model, "n_features_in_", None)
    if width is None:
        return None
    names = getattr(model, "feature_names_in_", [None] * int(width))
    features = [Feature(None if name is None else str(name)) for name in names]
    return Learned(tuple(_with_values(model, features)))


def _first(parts: Any) -> Learned | None:
    return next((found for part in parts if (found := _estimator(part)) is not None), None)


def _pipeline(steps: Sequence[Any]) -> Learned | None:
    real = [step for step in steps if step is not None and not isinstance(step, str)]
    found = _estimator(real[0]) if real else None
    if found is None:
        # What transforms without having been asked for columns: its successor has.
        return _pipeline(real[1:]) if len(real) > 1 else None
    # What only fills gaps hands its columns on, and does not know their values.
    for before, step in pairwise(real):
        if not hasattr(before, "statistics_"):
            break
        after = _estimator(step)
        if after is not None and len(after.features) == len(found.features):
            pairs = zip(found.features, after.features, strict=True)
            found = replace(
                found,
                features=tuple(
                    replace(one, kind=other.kind, values=other.values) if other.values else one
                    for one, other in pairs
                ),
            )
    return found


def _column_transformer(model: Any) -> Learned:
    names = getattr(model, "feature_names_in_", None)
    width = int(model.n_features_in_)
    features = [Feature(None if names is None else str(names[at])) for at in range(width)]
    used: list[int] = []
    for name, part, _ in model.transformers_:
        positions = [int(at) for at in model._transformer_to_input_indices.get(name, ())]
        if isinstance(part, str) and part == "drop":
            continue
        used += positions
        inner = None if isinstance(part, str) else _estimator(part)
        if inner is not None and len(inner.features) == len(positions):
            for at, one in zip(positions, inner.features, strict=True):
                features[at] = replace(features[at], kind=one.kind, values=one.values)
    if names is None:
        return Learned(tuple(features))
    return Learned(tuple(features), selects=tuple(str(names[at]) for at in sorted(set(used))))


def _with_values(model: Any, features: list[Feature]) -> list[Feature]:
    """Return the features with what an encoder, imputer, scaler or clustering has kept."""
    columns: Sequence[Any] = [()] * len(features)
    if hasattr(model, "categories_"):
        columns = model.categories_
    elif getattr(model, "cluster_centers_", None) is not None:
        columns = np.asarray(model.cluster_centers_)[:2].T
    elif getattr(model, "data_min_", None) is not None:
        columns = np.column_stack([model.data_min_, model.data_max_])
    elif getattr(model, "mean_", None) is not None and np.ndim(model.mean_) == 1:
        columns = np.asarray(model.mean_)[:, np.newaxis]
    elif getattr(model, "statistics_", None) is not None:
        columns = np.asarray(model.statistics_)[:, np.newaxis]
    if len(columns) != len(features):
        return features
    return [_seen(feature, values) for feature, values in zip(features, columns, strict=True)]


def _seen(feature: Feature, values: Any) -> Feature:
    plain = [value for value in np.asarray(values).tolist() if value is not None]
    if plain and all(isinstance(value, str) for value in plain):
        return replace(feature, kind="string", values=tuple(plain))
    if plain and all(isinstance(value, bool) for value in plain):
        return replace(feature, kind="bool", values=tuple(plain))
    if plain and all(isinstance(value, int) for value in plain):
        return replace(feature, kind="int64", values=tuple(plain))
    numbers = [float(f"{value:.{_DIGITS}g}") for value in plain if isinstance(value, int | float)]
    return replace(feature, values=tuple(value for value in numbers if np.isfinite(value)))


def _xgboost(model: Any) -> Learned | None:
    booster = model if hasattr(model, "num_features") else model.get_booster()
    width = int(booster.num_features())
    names = booster.feature_names or [None] * width
    kinds = booster.feature_types or ["float"] * width
    features = [
        Feature(name, _OF_XGBOOST.get(kind, "float64"))
        for name, kind in zip(names, kinds, strict=True)
    ]
    if "c" in kinds and hasattr(booster, "get_categories"):
        with contextlib.suppress(Exception):
            found = dict(booster.get_categories(export_to_arrow=True).to_arrow())
            features = [
                _seen(one, found[one.name].to_pylist()) if found.get(one.name) is not None else one
                for one in features
            ]
    return Learned(tuple(features))


_OF_XGBOOST: dict[str, Kind] = {"int": "int64", "i": "bool", "c": "string"}


def _lightgbm(model: Any) -> Learned | None:
    booster = getattr(model, "booster_", model)
    # A model that was fitted on an array names its columns so itself.
    names = booster.feature_name()
    is_named = names != [f"Column_{at}" for at in range(len(names))]
    features = [Feature(name if is_named else None) for name in names]
    categories = list(booster.pandas_categorical or ())
    infos = booster.dump_model(num_iteration=1)["feature_infos"]
    for at, name in enumerate(names):
        info = infos.get(name, {})
        if info.get("values") and categories:
            features[at] = _seen(features[at], categories.pop(0))
        elif np.isfinite([info.get("min_value", np.inf), info.get("max_value", np.inf)]).all():
            low, high = info["min_value"], info["max_value"]
            features[at] = replace(features[at], values=_between(np.linspace(low, high, 4)))
    return Learned(tuple(features))


def _catboost(model: Any) -> Learned | None:
    texts = {*model.get_cat_feature_indices(), *model.get_text_feature_indices()}
    # Categories are hashed when it is fitted, so none is known; one it has not seen is taken.
    names = model.feature_names_
    is_named = list(names) != [str(at) for at in range(len(names))]
    return Learned(
        tuple(
            Feature(str(name) if is_named else None, "string" if at in texts else "float64")
            for at, name in enumerate(names)
        )
    )


def _statsmodels(results: Any) -> Learned | None:
    data = results.model.data
    # Releases before 0.15 call it so.
    spec = getattr(data, "model_spec", None) or getattr(data, "design_info", None)
    if spec is None:
        names = results.model.exog_names
        means = np.asarray(results.model.exog).mean(axis=0)
        features = (_seen(Feature(name), [mean]) for name, mean in zip(names, means, strict=True))
        return Learned(tuple(features))
    found: dict[str, Feature] = {}
    for factor, info in spec.factor_infos.items():  # patsy's
        names = _variables(factor.code)
        for name in names:
            feature = found.get(name, Feature(name))
            is_category = info.type == "categorical" and len(names) == 1
            found[name] = _seen(feature, info.categories) if is_category else feature
    return Learned(tuple(found.values()))


def _variables(code: str) -> list[str]:
    """Return the names in a formula's factor that are columns: what is called is none."""
    tree = ast.parse(code.strip(), mode="eval")
    called = {
        ast.unparse(node.func).partition(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    return [
        node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id not in called
    ]


def _onnx(session: Any) -> Learned | None:
    arrays, features = {}, []
    for item in session.get_inputs():
        kind = _OF_ONNX[item.type]
        shape = tuple(length if isinstance(length, int) else -1 for length in item.shape)
        arrays[item.name] = (kind, shape)
        features.append(Feature(item.name, kind))
    return Learned(tuple(features), as_arrays=arrays)


_OF_ONNX: dict[str, Kind] = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(bool)": "bool",
    "tensor(string)": "string",
}

_LIBRARIES: dict[str, Callable[[Any], Learned | None]] = {
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
    "catboost": _catboost,
    "statsmodels": _statsmodels,
    "onnxruntime": _onnx,
}
"""By the package of a model's class; any other is asked as an estimator."""
