"""pmdarima's requests are read as MLflow reads them, with its words for what is wrong.

The library itself is in no environment of ours: what MLflow's own wrapper and ours make of a
request is asked of a model that says how it was called. `tests/parity/flavors` has the real ones.
"""

import json
import pickle
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException

from handler.errors import ModelRefusal
from handler.loaders.pmdarima import PmdarimaPredictor, load
from handler.manifest import ModelInfo


class Forecaster:
    """Answers as pmdarima's models do, with numbers that tell what it was asked."""

    def predict(self, n_periods: int, return_conf_int: bool, alpha: float, **more: Any) -> Any:
        assert more.keys() == {"X"}
        forecast = np.arange(n_periods) + (0 if more["X"] is None else np.sum(more["X"]))
        if not return_conf_int:
            return forecast
        return forecast, np.column_stack([forecast - alpha, forecast + alpha])


@pytest.fixture
def judge() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow will drop this flavor one day
        from mlflow.pmdarima import _PmdarimaModelWrapper
    # Its constructor asks the library for its version.
    wrapper = _PmdarimaModelWrapper.__new__(_PmdarimaModelWrapper)
    wrapper.pmdarima_model = Forecaster()
    wrapper._pmdarima_version = "2.1.1"
    return wrapper


@pytest.mark.parametrize(
    "row",
    [
        {"n_periods": 3},
        {"n_periods": 3, "return_conf_int": False},
        {"n_periods": 3, "return_conf_int": True},
        {"n_periods": 3, "return_conf_int": True, "alpha": 0.2},
        {"n_periods": 2, "X": [[1.0, 2.0], [3.0, 4.0]], "return_conf_int": True},
    ],
)
def test_a_row_asks_for_the_forecast_that_mlflow_asks_for(judge: Any, row: dict[str, Any]) -> None:
    frame = pd.DataFrame([row])

    expected = judge.predict(frame)

    ours = PmdarimaPredictor(Forecaster()).predict(frame, {"ignored": 1})
    pd.testing.assert_frame_equal(ours, expected, check_exact=True)


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame({"n_periods": [1, 2]}),
        pd.DataFrame({"periods": [1], "alpha": [0.1]}),
        pd.DataFrame({"n_periods": [0]}),
        pd.DataFrame({"n_periods": [1.5]}),
        pd.DataFrame({"n_periods": ["3"]}),
    ],
)
def test_what_mlflow_refuses_is_refused_in_its_words(judge: Any, frame: pd.DataFrame) -> None:
    with pytest.raises(MlflowException) as theirs:
        judge.predict(frame)
    with pytest.raises(ModelRefusal) as ours:
        PmdarimaPredictor(Forecaster()).predict(frame, None)

    assert json.loads(ours.value.to_json()) == json.loads(theirs.value.serialize_as_json())
    assert ours.value.status == theirs.value.get_http_status_code() == 400


@pytest.mark.parametrize("data", [pd.DataFrame({"n_periods": []}), np.asarray([3])])
def test_what_mlflow_stumbles_over_is_no_refusal(judge: Any, data: Any) -> None:
    with pytest.raises(AttributeError):
        judge.predict(data)
    with pytest.raises(AttributeError):
        PmdarimaPredictor(Forecaster()).predict(data, None)


def test_the_model_is_unpickled(tmp_path: Path) -> None:
    (tmp_path / "model.pmd").write_bytes(pickle.dumps(Forecaster()))

    predictor = load(tmp_path, ModelInfo("pmdarima", "model.pmd", "pickle"))

    assert isinstance(predictor.model, Forecaster)
    assert "pmdarima" not in sys.modules
