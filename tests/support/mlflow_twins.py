"""One model in two servers: saved by real MLflow, then loaded by MLflow and by us."""

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from handler.loaders.load import load_model
from handler.manifest import BundleManifest, ModelInfo, TargetInfo
from handler.predictor import Predictor
from handler.requests.scorer import Scorer
from packager.model.mlmodel import read_mlmodel

COLUMNS = list("abcd")
ROWS = 250


def table(seed: int = 0, rows: int = ROWS) -> pd.DataFrame:
    """Return a table of random numbers."""
    return pd.DataFrame(np.random.default_rng(seed).normal(size=(rows, 4)), columns=COLUMNS)


def labels(frame: pd.DataFrame, classes: int = 2) -> np.ndarray:
    """Return a class for each row, which its values decide."""
    return np.digitize(frame["a"] + frame["b"] ** 2, [0.4, 1.4][: classes - 1])


@dataclass(frozen=True)
class Twins:
    """A saved model, as MLflow has it and as the function would."""

    info: ModelInfo
    judge: Any
    """MLflow's PyFuncModel."""
    ours: Predictor
    scorer: Scorer

    def assert_alike(self, data: Any, params: dict[str, Any] | None = None) -> None:
        """Check that both predict the same, bit for bit."""
        expected = self.judge.predict(data, params)
        answer = self.ours.predict(data, params)
        assert type(answer) is type(expected)
        if isinstance(expected, dict):
            assert list(answer) == list(expected)
            for name, values in expected.items():
                np.testing.assert_array_equal(answer[name], values, strict=True)
        elif isinstance(expected, pd.DataFrame):
            pd.testing.assert_frame_equal(answer, expected, check_exact=True)
        else:
            np.testing.assert_array_equal(answer, expected, strict=True)

    def assert_answers_alike(
        self, frame: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> None:
        """Check that a request with this table gets the answer that MLflow's server writes."""
        # Imported here: it takes a second, and brings the whole of MLflow.
        import orjson
        from mlflow.pyfunc.scoring_server import predictions_to_json

        body = {"dataframe_split": frame.to_dict(orient="split"), "params": params or {}}
        expected = io.StringIO()
        predictions_to_json(self.judge.predict(frame, params), expected)
        answer = self.scorer.score(orjson.dumps(body), "application/json")
        assert answer.body.decode() == expected.getvalue()
        assert answer.rows == len(frame)


def save_and_load(save: Callable[[Path], None], folder: Path) -> Twins:
    """Save a model with MLflow, and load it twice.

    Ours goes through the manifest's JSON, as it does in a bundle.
    """
    with warnings.catch_warnings():
        # MLflow and the libraries have much to say of each other's versions.
        warnings.simplefilter("ignore")
        import mlflow.pyfunc

        save(folder)
        judge = mlflow.pyfunc.load_model(str(folder))
    manifest = BundleManifest(
        packager_version="1",
        target=TargetInfo("python3.11", "x86_64"),
        model=read_mlmodel(folder).info,
        model_source="embedded",
        model_archive=None,
    )
    info = BundleManifest.from_json(manifest.to_json()).model
    assert info == manifest.model
    ours = load_model(folder, info)
    return Twins(info, judge, ours, Scorer(ours, info))
