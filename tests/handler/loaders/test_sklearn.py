import logging
import pickle
import sys
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pytest
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from handler.errors import ModelLoadError
from handler.loaders.load import load_model
from handler.manifest import ModelInfo

X = np.array([[0.0], [1.0], [2.0], [3.0]])
Y = np.array([0, 0, 1, 1])
WRITERS = {
    "skops": skops.io.dump,
    "cloudpickle": lambda model, path: path.write_bytes(cloudpickle.dumps(model)),
    "pickle": lambda model, path: path.write_bytes(pickle.dumps(model)),
    "joblib": joblib.dump,
}


def info(serialization_format: str, **more: Any) -> ModelInfo:
    return ModelInfo("sklearn", "model.bin", serialization_format, **more)


@pytest.mark.parametrize("serialization_format", list(WRITERS))
def test_every_format_loads(tmp_path: Path, serialization_format: str) -> None:
    model = LogisticRegression().fit(X, Y)
    WRITERS[serialization_format](model, tmp_path / "model.bin")
    predictor = load_model(tmp_path, info(serialization_format))
    assert predictor.predict(X, None).tolist() == model.predict(X).tolist()


def test_method_of_the_manifest_predicts(tmp_path: Path) -> None:
    model = LogisticRegression().fit(X, Y)
    skops.io.dump(model, tmp_path / "model.bin")
    predictor = load_model(tmp_path, info("skops", predict_fn="predict_proba"))
    assert predictor.predict(X, {}).tolist() == model.predict_proba(X).tolist()


def test_untrusted_types_of_skops_are_named(tmp_path: Path) -> None:
    model = RandomForestClassifier(n_estimators=2).fit(X, Y)
    skops.io.dump(model, tmp_path / "model.bin")
    with pytest.raises(ModelLoadError, match=r"sklearn\.tree\._tree\.Tree.*skops_trusted_types"):
        load_model(tmp_path, info("skops"))
    trusted = info("skops", trusted_types=("sklearn.tree._tree.Tree",))
    assert load_model(tmp_path, trusted).predict(X, None).shape == (4,)


def test_missing_module_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"cnot_in_the_bundle.models\nModel\n.")
    with pytest.raises(ModelLoadError, match="needs the module 'not_in_the_bundle'"):
        load_model(tmp_path, info("pickle"))


def test_the_models_own_modules_are_importable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "brought_along.py").write_text(
        "class Model:\n    def predict(self, data): return data + 1\n"
    )
    (tmp_path / "model.bin").write_bytes(b"\x80\x02cbrought_along\nModel\n)\x81.")
    for _ in range(2):  # a load that failed is tried again
        predictor = load_model(tmp_path, info("pickle", code_path="code"))
    assert predictor.predict(1, None) == 2
    assert sys.path.count(str(tmp_path / "code")) == 1


@pytest.mark.parametrize("serialization_format", list(WRITERS))
def test_damaged_file_is_refused_and_logged(
    tmp_path: Path,
    serialization_format: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (tmp_path / "model.bin").write_bytes(b"no model")
    with pytest.raises(ModelLoadError, match=rf"cannot be read as {serialization_format}"):
        load_model(tmp_path, info(serialization_format))
    assert "Traceback" in caplog.text


def test_object_without_the_method_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(pickle.dumps(StandardScaler().fit(X)))
    with pytest.raises(ModelLoadError, match="a StandardScaler, which has no method 'predict'"):
        load_model(tmp_path, info("pickle"))


def test_other_flavors_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelLoadError, match="no loader for flavor 'unheard_of'"):
        load_model(tmp_path, ModelInfo("unheard_of", "model", "pickle"))


def test_model_of_another_version_loads_with_a_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("sklearn.base.__version__", "0.1")
        (tmp_path / "model.bin").write_bytes(pickle.dumps(LogisticRegression().fit(X, Y)))
    with caplog.at_level(logging.WARNING):
        load_model(tmp_path, info("pickle"))
    assert "version 0.1" in caplog.text


def test_params_reach_only_methods_that_name_them(tmp_path: Path) -> None:
    transformer = FunctionTransformer().fit(X)
    (tmp_path / "model.bin").write_bytes(pickle.dumps(transformer))
    predictor = load_model(tmp_path, info("pickle", predict_fn="transform"))
    assert predictor.predict(X, {"k": 1}).tolist() == X.tolist()
    (tmp_path / "model.bin").write_bytes(pickle.dumps(Scaled()))
    predictor = load_model(tmp_path, info("pickle", predict_fn="predict_scaled"))
    assert predictor.predict(2, {"factor": 3}) == 6


def test_method_without_a_python_signature_is_taken(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(pickle.dumps({}))
    predictor = load_model(tmp_path, info("pickle", predict_fn="update"))
    assert predictor.predict({"a": 1}, {}) is None


class Scaled:
    def predict_scaled(self, data: int, params: dict[str, int]) -> int:
        return data * params["factor"]
