"""Linear models, densities, networks and ensembles, compiled: the same predictions."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.cross_decomposition import PLSRegression
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.discriminant_analysis import (
    LinearDiscriminantAnalysis,
    QuadraticDiscriminantAnalysis,
)
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.linear_model import (
    ElasticNet,
    GammaRegressor,
    HuberRegressor,
    Lasso,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    PoissonRegressor,
    RANSACRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
    TweedieRegressor,
)
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier, MultiOutputRegressor
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from packager.engine.converter.builder import Builder, NotConvertible
from packager.engine.converter.convert import convert
from tests.support.compiled_twins import Twins

METHODS = ("predict", "predict_proba", "decision_function")
NAMES = [f"c{index}" for index in range(6)]


def scaled_logistic() -> Any:
    return make_pipeline(StandardScaler(), LogisticRegression())


def classifiers() -> list[tuple[str, Any]]:
    return [
        ("linear", scaled_logistic()),
        ("bayes", GaussianNB()),
        ("tree", DecisionTreeClassifier(max_depth=4, random_state=0)),
    ]


def regressors() -> list[tuple[str, Any]]:
    return [
        ("linear", make_pipeline(StandardScaler(), Ridge())),
        ("tree", DecisionTreeRegressor(max_depth=4, random_state=0)),
    ]


CLASSIFIERS: dict[str, Callable[[], Any]] = {
    "logistic": LogisticRegression,
    "logistic_cv": lambda: LogisticRegressionCV(Cs=2, cv=2),
    "scaled_logistic": scaled_logistic,
    "sgd_log_loss": lambda: SGDClassifier(loss="log_loss", random_state=0),
    "sgd_modified_huber": lambda: SGDClassifier(loss="modified_huber", random_state=0),
    "ridge": RidgeClassifier,
    "perceptron": lambda: Perceptron(random_state=0),
    "linear_svc": lambda: LinearSVC(random_state=0),
    "network": lambda: MLPClassifier((7, 5), max_iter=30, random_state=0),
    "network_tanh": lambda: MLPClassifier((7,), "tanh", max_iter=30, random_state=0),
    "lda": LinearDiscriminantAnalysis,
    "qda": lambda: QuadraticDiscriminantAnalysis(reg_param=0.1),
    "gaussian_bayes": GaussianNB,
    "bernoulli_bayes": BernoulliNB,
    "dummy": DummyClassifier,
    "hard_vote": lambda: VotingClassifier(classifiers(), weights=[2, 1, 1]),
    "soft_vote": lambda: VotingClassifier(classifiers(), voting="soft", weights=[1, 2, 3]),
    "stack": lambda: StackingClassifier(classifiers(), cv=2),
    "stack_passthrough": lambda: StackingClassifier(classifiers(), cv=2, passthrough=True),
    "ada_boost": lambda: AdaBoostClassifier(n_estimators=10, random_state=0),
    "bagging": lambda: BaggingClassifier(n_estimators=5, max_features=0.6, random_state=0),
    "bagging_linear": lambda: BaggingClassifier(scaled_logistic(), 3, random_state=0),
    "calibrated": lambda: CalibratedClassifierCV(LinearSVC(random_state=0), cv=3),
    "calibrated_isotonic": lambda: CalibratedClassifierCV(GaussianNB(), method="isotonic", cv=2),
    "grid_search": lambda: GridSearchCV(LogisticRegression(), {"C": [1, 2]}, cv=2),
}
MULTICLASS: dict[str, Callable[[], Any]] = {
    "one_vs_rest": lambda: OneVsRestClassifier(scaled_logistic()),
    "one_vs_rest_trees": lambda: OneVsRestClassifier(
        DecisionTreeClassifier(max_depth=3, random_state=0)
    ),
}
BINARY: dict[str, Callable[[], Any]] = {
    "liblinear": lambda: LogisticRegression(solver="liblinear"),
    "tuned_threshold": lambda: TunedThresholdClassifierCV(GaussianNB()),
    "fixed_threshold": lambda: FixedThresholdClassifier(scaled_logistic(), threshold=0.3),
}
REGRESSORS: dict[str, Callable[[], Any]] = {
    "least_squares": LinearRegression,
    "ridge": Ridge,
    "lasso": Lasso,
    "elastic_net": ElasticNet,
    "sgd": lambda: SGDRegressor(random_state=0),
    "huber": HuberRegressor,
    "ransac": lambda: RANSACRegressor(random_state=0),
    "linear_svr": lambda: LinearSVR(random_state=0),
    "network": lambda: MLPRegressor(
        hidden_layer_sizes=(6,), activation="logistic", max_iter=30, random_state=0
    ),
    "pls": PLSRegression,
    "dummy": DummyRegressor,
    "vote": lambda: VotingRegressor(regressors(), weights=[1, 2]),
    "stack": lambda: StackingRegressor(regressors(), cv=2),
    "ada_boost": lambda: AdaBoostRegressor(n_estimators=10, random_state=0),
    "bagging": lambda: BaggingRegressor(n_estimators=5, random_state=0),
}
POSITIVE: dict[str, Callable[[], Any]] = {
    "poisson": PoissonRegressor,
    "gamma": GammaRegressor,
    "tweedie": lambda: TweedieRegressor(power=1.5),
}
PROJECTIONS: dict[str, Callable[[], Any]] = {
    "pca": lambda: PCA(3),
    "pca_whitened": lambda: PCA(3, whiten=True),
    "svd": lambda: TruncatedSVD(3, random_state=0),
    "k_means": lambda: KMeans(4, random_state=0),
    "mini_batch_k_means": lambda: MiniBatchKMeans(4, random_state=0),
    "lda": LinearDiscriminantAnalysis,
}


def rows(classes: int) -> tuple[pd.DataFrame, np.ndarray]:
    values, numbers = make_classification(
        300, len(NAMES), n_informative=5, n_redundant=0, n_classes=classes, random_state=classes
    )
    labels = np.array(["no", "yes", "perhaps"], dtype=object)[numbers]
    return pd.DataFrame(values, columns=NAMES), labels


def fitted(model: Any, frame: pd.DataFrame, target: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return model.fit(frame, target)


def assert_equal(
    model: Any, frame: pd.DataFrame, folder: Path, methods: Any = METHODS
) -> dict[str, float]:
    largest = {}
    for method in [one for one in methods if hasattr(model, one)][:2]:
        count, refused, largest[method] = Twins.of(model, method, frame, folder).compare()
        assert count > 10_000
        assert refused < count / 2
    assert largest
    return largest


@pytest.mark.parametrize("name", CLASSIFIERS)
@pytest.mark.parametrize("classes", [2, 3])
def test_a_compiled_classifier_predicts_the_same(
    name: str, classes: int, tmp_path: Path, record_property: Any
) -> None:
    frame, labels = rows(classes)
    model = fitted(CLASSIFIERS[name](), frame, labels)
    record_property("largest", assert_equal(model, frame, tmp_path))


@pytest.mark.parametrize("name", MULTICLASS)
def test_a_compiled_classifier_of_many_classes_predicts_the_same(name: str, tmp_path: Path) -> None:
    frame, labels = rows(3)
    assert_equal(fitted(MULTICLASS[name](), frame, labels), frame, tmp_path)


@pytest.mark.parametrize("name", BINARY)
def test_a_compiled_classifier_of_two_classes_predicts_the_same(name: str, tmp_path: Path) -> None:
    frame, labels = rows(2)
    assert_equal(fitted(BINARY[name](), frame, (labels == "yes").astype(int)), frame, tmp_path)


@pytest.mark.parametrize("kind", [ComplementNB, MultinomialNB])
def test_a_compiled_model_of_counts_predicts_the_same(kind: Any, tmp_path: Path) -> None:
    frame, labels = rows(3)
    counts = frame.abs().round().astype("int64")
    assert_equal(fitted(kind(), counts, labels), counts, tmp_path)


@pytest.mark.parametrize("name", REGRESSORS)
def test_a_compiled_regressor_predicts_the_same(
    name: str, tmp_path: Path, record_property: Any
) -> None:
    frame, _ = rows(2)
    target = frame["c0"] * 2 + frame["c1"] - frame["c2"] ** 2
    model = fitted(REGRESSORS[name](), frame, target)
    record_property("largest", assert_equal(model, frame, tmp_path))


@pytest.mark.parametrize("name", POSITIVE)
def test_a_compiled_regressor_with_a_link_predicts_the_same(name: str, tmp_path: Path) -> None:
    frame, _ = rows(2)
    target = np.exp(frame["c0"] / 5) + 0.1
    assert_equal(fitted(POSITIVE[name](), frame, target), frame, tmp_path)


@pytest.mark.parametrize("name", PROJECTIONS)
def test_compiled_projections_and_clusters_are_the_same(name: str, tmp_path: Path) -> None:
    frame, labels = rows(3)
    model = fitted(PROJECTIONS[name](), frame, labels)
    assert_equal(model, frame, tmp_path, ("transform", "predict"))


def test_several_targets_are_predicted_the_same(tmp_path: Path) -> None:
    frame, labels = rows(2)
    numbers = np.column_stack([frame["c0"] * 2, frame["c1"] - 1])
    classes = np.column_stack([labels == "yes", frame["c0"] > 0]).astype(int)
    for model, target in (
        (LinearRegression(), numbers),
        (MultiOutputRegressor(Ridge()), numbers),
        (MultiOutputClassifier(LogisticRegression()), classes),
    ):
        assert_equal(fitted(model, frame, target), frame, tmp_path, ("predict",))


@pytest.mark.parametrize("dtype", ["float32", "int32", "int64"])
def test_rows_of_other_numbers_are_predicted_the_same(dtype: str, tmp_path: Path) -> None:
    frame, labels = rows(3)
    cast = (frame * 10).round().astype(dtype)
    model = make_pipeline(MinMaxScaler(), LogisticRegression())
    largest = Twins.of(fitted(model, cast, labels), "predict", cast, tmp_path).compare()[2]
    assert largest == 0


class Improved(LogisticRegression):
    """A class of somebody's own."""


@pytest.mark.parametrize(
    ("model", "named"),
    [
        (Improved(), "Improved"),
        (make_pipeline(StandardScaler(), Improved()), "Improved"),
        (VotingClassifier([("a", GaussianNB()), ("b", Improved())]), "Improved"),
        (DummyClassifier(strategy="stratified"), "stratified"),
    ],
)
def test_what_is_not_known_to_be_the_same_is_refused_by_name(model: Any, named: str) -> None:
    frame, labels = rows(2)
    fitted(model, frame, labels)
    with pytest.raises(NotConvertible, match=named):
        convert(model, "predict", Builder())
