"""Transformers and pipelines of them, compiled: the same numbers, codes and refusals."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import (
    ColumnTransformer,
    TransformedTargetRegressor,
    make_column_selector,
    make_column_transformer,
)
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.feature_selection import SelectFromModel, SelectKBest, VarianceThreshold
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)
from sklearn.tree import DecisionTreeRegressor

from packager.engine.converter.builder import Builder, NotConvertible
from packager.engine.converter.convert import convert
from tests.support.compiled_twins import Twins

SCALERS: dict[str, Callable[[], Any]] = {
    "standard": StandardScaler,
    "standard_without_mean": lambda: StandardScaler(with_mean=False),
    "min_max_clipped": lambda: MinMaxScaler(clip=True),
    "min_max": lambda: MinMaxScaler((-1, 2)),
    "max_abs": MaxAbsScaler,
    "robust": RobustScaler,
    "l1": lambda: Normalizer("l1"),
    "l2": Normalizer,
    "largest": lambda: Normalizer("max"),
    "binarizer": lambda: Binarizer(threshold=0.3),
    "yeo_johnson": PowerTransformer,
    "quantiles": lambda: QuantileTransformer(n_quantiles=50),
    "normal_quantiles": lambda: QuantileTransformer(n_quantiles=50, output_distribution="normal"),
    "bins": lambda: KBinsDiscretizer(4, encode="ordinal"),
    "bins_one_hot": lambda: KBinsDiscretizer(4, encode="onehot-dense"),
    "polynomial": PolynomialFeatures,
    "interactions": lambda: PolynomialFeatures(3, interaction_only=True, include_bias=False),
    "high_degrees": lambda: PolynomialFeatures((2, 3)),
    "variance": lambda: VarianceThreshold(0.5),
    "mean": lambda: SimpleImputer(add_indicator=True),
    "median": lambda: SimpleImputer(strategy="median"),
    "most_frequent": lambda: SimpleImputer(strategy="most_frequent"),
    "constant": lambda: SimpleImputer(strategy="constant", fill_value=-1),
    "indicator": lambda: MissingIndicator(features="all"),
    "logarithm": lambda: FunctionTransformer(np.log1p, validate=True),
}
SCALED = ["x", "y", "k"]
CATEGORIES = ["city", "color"]


def table() -> tuple[pd.DataFrame, np.ndarray]:
    random = np.random.default_rng(0)
    rows = 500
    cities = ["Rome", "Oslo", "Bern", "Lima", "Kyiv"]
    frame = pd.DataFrame(
        {
            "x": random.normal(size=rows),
            "k": random.integers(0, 6, rows),
            "city": random.choice(cities, rows, p=[0.4, 0.3, 0.2, 0.07, 0.03]),
            "flag": random.random(rows) > 0.5,
            "y": random.normal(size=rows) * 50,
            "color": random.choice(["red", "blue"], rows),
        }
    )
    wins = (frame["x"] > 0) ^ (frame["city"] == "Rome") ^ frame["flag"]
    return frame, np.array(["no", "yes"], object)[wins.astype(int)]


def encoded(*encoders: Any, model: Any = None, **options: Any) -> Any:
    """Return a pipeline of scaled numbers, encoded strings and a model."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    categories = encoders[0] if len(encoders) == 1 else make_pipeline(*encoders)
    columns = make_column_transformer((numbers, SCALED), (categories, CATEGORIES), **options)
    return make_pipeline(columns, LogisticRegression() if model is None else model)


def one_hot(**options: Any) -> OneHotEncoder:
    return OneHotEncoder(**{"handle_unknown": "ignore", **options})


def ordinal(unknown: float) -> OrdinalEncoder:
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=unknown)


PIPELINES: dict[str, Callable[[], Any]] = {
    "unknown_refused": lambda: encoded(OneHotEncoder()),
    "unknown_ignored": lambda: encoded(one_hot()),
    "unknown_infrequent": lambda: encoded(
        one_hot(handle_unknown="infrequent_if_exist", min_frequency=30)
    ),
    "infrequent_and_dropped": lambda: encoded(one_hot(min_frequency=30, drop="first")),
    "binary_dropped": lambda: encoded(one_hot(drop="if_binary")),
    "remainder": lambda: encoded(one_hot(sparse_output=False), remainder="passthrough"),
    "sparse": lambda: encoded(one_hot(), sparse_threshold=1.0),
    "ordinal": lambda: encoded(ordinal(-1)),
    "ordinal_nan": lambda: encoded(ordinal(np.nan), SimpleImputer()),
    "target": lambda: encoded(TargetEncoder(random_state=0)),
    "imputed": lambda: encoded(SimpleImputer(strategy="most_frequent"), one_hot()),
    "imputed_constant": lambda: encoded(
        SimpleImputer(strategy="constant", fill_value="?"), one_hot()
    ),
    "numbers_as_categories": lambda: make_pipeline(
        make_column_transformer((one_hot(), ["k", "flag", "city"]), ("passthrough", ["x"])),
        LogisticRegression(),
    ),
    "positions": lambda: make_pipeline(
        ColumnTransformer([("a", StandardScaler(), [0, 4]), ("b", one_hot(), [2])]),
        LogisticRegression(),
    ),
    "mask_slice_and_weights": lambda: make_pipeline(
        ColumnTransformer(
            [
                ("a", StandardScaler(), [True, False, False, False, True, False]),
                ("b", one_hot(), slice("city", "flag")),
            ],
            transformer_weights={"a": 2.0},
        ),
        LogisticRegression(),
    ),
    "selected": lambda: make_pipeline(
        make_column_transformer(
            (one_hot(sparse_output=False), make_column_selector(dtype_exclude="number")),
            (StandardScaler(), make_column_selector(dtype_include="number")),
        ),
        SelectKBest(k=3),
        LogisticRegression(),
    ),
    "union": lambda: make_pipeline(
        make_column_transformer(
            (
                make_union(StandardScaler(), make_pipeline(MinMaxScaler(), PolynomialFeatures())),
                SCALED,
            )
        ),
        LogisticRegression(),
    ),
    "forest": lambda: encoded(one_hot(), model=RandomForestClassifier(10, random_state=0)),
}


def fitted(model: Any, frame: pd.DataFrame, target: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(frame, target)


@pytest.mark.parametrize(
    ("name", "dtype"),
    [(name, dtype) for name in SCALERS for dtype in ("float64", "float32")]
    + [(name, "int64") for name in ("standard", "bins", "polynomial", "most_frequent", "variance")],
)
def test_a_compiled_transformer_of_numbers_gives_the_same(
    name: str, dtype: str, tmp_path: Path, record_property: Any
) -> None:
    random = np.random.default_rng(1)
    frame = pd.DataFrame(random.normal(size=(300, 4)) * 10, columns=list("abcd")).astype(dtype)
    if dtype != "int64":
        frame.iloc[::7, 1] = np.nan
        frame = frame if "Imputer" in repr(SCALERS[name]()) else frame.fillna(1)
    model = fitted(SCALERS[name](), frame, None)
    count, _, largest = Twins.of(model, "transform", frame, tmp_path).compare()
    assert count > 10_000
    record_property("largest", largest)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_a_compiled_box_cox_transform_gives_the_same(dtype: str, tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    frame = pd.DataFrame(random.lognormal(1, 1, (300, 2)) + 1, columns=["a", "b"]).astype(dtype)
    twins = Twins.of(PowerTransformer("box-cox").fit(frame), "transform", frame, tmp_path)
    assert twins.compare()[0] > 10_000
    positive = {name: np.repeat(values, 35) for name, values in twins.example.items()}
    expected, actual = twins.outcomes(positive)
    assert actual.predictions == pytest.approx(expected.predictions, rel=1e-12)


@pytest.mark.parametrize("name", PIPELINES)
def test_a_compiled_pipeline_of_mixed_columns_predicts_the_same(
    name: str, tmp_path: Path, record_property: Any
) -> None:
    frame, labels = table()
    model = fitted(PIPELINES[name](), frame, labels)
    twins = Twins.of(model, "predict_proba", frame, tmp_path)
    count, refused, largest = twins.compare()
    assert count - refused >= 10_000
    record_property("largest", largest)
    labels_only = Twins.of(model, "predict", frame, tmp_path)
    expected, actual = labels_only.outcomes(twins.example)
    assert (expected.predictions == actual.predictions).all()


@pytest.mark.parametrize("encoders", [[one_hot()], [ordinal(-1), SimpleImputer()]])
def test_missing_strings_are_encoded_the_same(encoders: list[Any], tmp_path: Path) -> None:
    frame, labels = table()
    frame.loc[::9, "city"] = None
    model = fitted(encoded(*encoders), frame, labels)
    twins = Twins.of(model, "predict_proba", frame, tmp_path)
    assert twins.compare()[0] > 10_000
    for city in (None, np.nan, "Rome", "nowhere"):
        block = {**{name: values[:1] for name, values in twins.example.items()}}
        block["city"] = np.array([city], dtype=object)
        expected, actual = twins.outcomes(block)
        assert actual.predictions == pytest.approx(expected.predictions, abs=1e-12)


@pytest.mark.parametrize("rows", [1, 2])
def test_an_unknown_category_is_refused_as_the_model_refuses_it(rows: int, tmp_path: Path) -> None:
    frame, labels = table()
    twins = Twins.of(fitted(encoded(OneHotEncoder()), frame, labels), "predict", frame, tmp_path)
    block = {name: values[:rows].copy() for name, values in twins.example.items()}
    block["city"] = np.array(["nowhere"] * rows, dtype=object)
    expected, actual = twins.outcomes(block)
    assert isinstance(expected.error, ValueError)
    assert isinstance(actual.error, ValueError)


def test_a_data_frame_gives_what_columns_give(tmp_path: Path) -> None:
    frame, labels = table()
    twins = Twins.of(fitted(encoded(one_hot()), frame, labels), "predict", frame, tmp_path)
    from_frame = twins.program.predict(frame, None)
    assert (from_frame == twins.program.predict(twins.data(frame), None)).all()
    assert (from_frame == twins.model.predict(frame)).all()


def test_columns_by_name_are_found_in_another_order(tmp_path: Path) -> None:
    frame, labels = table()
    numbers = frame[SCALED]
    model = make_pipeline(
        make_column_transformer((StandardScaler(), ["x"]), (MinMaxScaler(), ["y", "k"])),
        LogisticRegression(),
    )
    fitted(model, numbers, labels)
    shuffled = numbers[["k", "y", "x"]]
    assert Twins.of(model, "predict", shuffled, tmp_path).compare()[2] == 0


@pytest.mark.parametrize(
    "target",
    [
        {"func": np.log1p, "inverse_func": np.expm1},
        {"transformer": StandardScaler()},
        {"transformer": MinMaxScaler()},
        {},
    ],
)
def test_a_transformed_target_is_transformed_back(target: Any, tmp_path: Path) -> None:
    frame, _ = table()
    numbers = frame[SCALED]
    wanted = np.exp(numbers["x"])
    for regressor in (Ridge(), DecisionTreeRegressor(max_depth=3)):
        model = fitted(TransformedTargetRegressor(regressor, **target), numbers, wanted)
        assert Twins.of(model, "predict", numbers, tmp_path).compare()[2] <= 1e-12


def test_selected_and_united_columns_are_the_same(tmp_path: Path) -> None:
    frame, labels = table()
    union = FeatureUnion(
        [("a", StandardScaler()), ("b", "passthrough"), ("c", SelectKBest(k=2))],
        transformer_weights={"a": 0.5},
    )
    trees = SelectFromModel(ExtraTreesClassifier(5, random_state=0))
    model = fitted(make_pipeline(union, trees, LogisticRegression()), frame[SCALED], labels)
    Twins.of(model, "predict", frame[SCALED], tmp_path).compare()


@pytest.mark.parametrize(
    ("part", "named"),
    [
        (FunctionTransformer(lambda rows: rows), "lambda"),
        (FunctionTransformer(np.nan_to_num, kw_args={"nan": 0.0}), "arguments"),
    ],
)
def test_a_transformer_that_is_not_known_is_refused_by_name(part: Any, named: str) -> None:
    frame, labels = table()
    model = fitted(make_pipeline(part, LogisticRegression()), frame[SCALED], labels)
    with pytest.raises(NotConvertible, match=named):
        convert(model, "predict", Builder())
