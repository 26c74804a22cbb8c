"""Models of many kinds, fitted in the interpreter that this runs in."""

from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.impute import KNNImputer, SimpleImputer
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    OneHotEncoder,
    PowerTransformer,
    QuantileTransformer,
    SplineTransformer,
    StandardScaler,
)
from sklearn.svm import SVC


def fitted_models() -> dict[str, tuple[Any, Any]]:
    """Return models with rows to predict."""
    rows, labels = make_classification(300, 8, random_state=0)
    numbers = rows @ np.arange(8.0)
    numeric = make_pipeline(SimpleImputer(), StandardScaler())
    mixed = np.column_stack([rows[:, :2], rows[:, 2] > 0])
    columns = ColumnTransformer([("one", OneHotEncoder(), [2]), ("rest", numeric, [0, 1])])
    normal = QuantileTransformer(n_quantiles=20, output_distribution="normal")
    classifiers = {
        "forest": RandomForestClassifier(20, random_state=0),
        "extra": ExtraTreesClassifier(20, random_state=0),
        "isolation": IsolationForest(n_estimators=20, random_state=0),
        "histogram": HistGradientBoostingClassifier(max_iter=10),
        "logistic": make_pipeline(StandardScaler(), LogisticRegression()),
        "neighbours": KNeighborsClassifier(weights="distance"),
        "svc": SVC(),
        "calibrated": CalibratedClassifierCV(GaussianNB(), method="isotonic"),
        "network": MLPClassifier(max_iter=20, random_state=0),
        "stacked": StackingClassifier([("a", GaussianNB()), ("b", SVC())]),
    }
    regressors = {
        "boosting": GradientBoostingRegressor(n_estimators=10, random_state=0),
        "gaussian": GaussianProcessRegressor(),
        "components": make_pipeline(PCA(3), Ridge()),
        "quantiles": make_pipeline(normal, PowerTransformer(), Ridge()),
        "splines": make_pipeline(KNNImputer(), SplineTransformer(), Ridge()),
    }
    models = {name: (model.fit(rows, labels), rows) for name, model in classifiers.items()}
    models |= {name: (model.fit(rows, numbers), rows) for name, model in regressors.items()}
    models["poisson"] = (PoissonRegressor().fit(rows, labels), rows)
    pipeline = make_pipeline(columns, LogisticRegression())
    models["columns"] = (pipeline.fit(mixed, labels), mixed)
    return models
