"""Which requirements a model's own files name, which they lack, and what can't be told."""

import bz2
import gzip
import pickle
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import lightgbm
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from packager.model.mlmodel import ModelSpec, read_mlmodel
from packager.requirements.overrides import Overrides, apply_overrides
from packager.requirements.select import Requirements, inference_requirements

SKLEARN = """\
flavors:
  python_function: {{loader_module: mlflow.sklearn, model_path: model.pkl{code}}}
  sklearn: {{pickled_model: model.pkl, serialization_format: {form}, sklearn_version: 1.5.2}}
"""
LINEAR = LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0])
# Pins that half of all public models have, and no prediction needs.
OLD_PINS = (
    *("psutil==5.7.2", "PyYAML==5.3.1", "cytoolz==0.11.0", "typing-extensions==4.4.0"),
    *("tornado>=6", "ipykernel", "matplotlib==3.5.0", "some-tool-of-ours==1.0"),
)
PYTHON = platform.python_version()


def save(folder: Path, content: bytes, *requirements: str, form: str = "pickle") -> ModelSpec:
    folder.mkdir(exist_ok=True)
    code = ", code: code" if (folder / "code").is_dir() else ""
    (folder / "MLmodel").write_text(SKLEARN.format(form=form, code=code))
    (folder / "python_env.yaml").write_text(f"python: {PYTHON}\n")
    (folder / "model.pkl").write_bytes(content)
    (folder / "requirements.txt").write_text("\n".join(requirements))
    return read_mlmodel(folder)


def sorted_out(folder: Path, content: bytes, *requirements: str, **how: str) -> Requirements:
    return inference_requirements(save(folder, content, *requirements, **how))


def by_value(function: Callable[[Any], Any]) -> bytes:
    function.__module__ = "__main__"
    return cloudpickle.dumps(make_pipeline(FunctionTransformer(function), LINEAR))


def dropped(requirements: Requirements) -> list[str]:
    return [drop.requirement for drop in requirements.dropped]


def test_pins_that_nothing_names_bind_nobody(tmp_path: Path) -> None:
    found = sorted_out(tmp_path, pickle.dumps(LINEAR), "scikit-learn==1.5.2", *OLD_PINS)

    assert found.kept == ("scikit-learn==1.5.2",)
    assert dropped(found) == list(OLD_PINS)
    # Where another package brings one of them, it comes in the version of the training.
    assert "PyYAML==5.3.1" in found.preferences
    assert "tornado>=6" not in found.preferences


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress])
def test_compressed_pickles_are_read_too(
    tmp_path: Path, compress: Callable[[bytes], bytes]
) -> None:
    found = sorted_out(tmp_path, compress(pickle.dumps(LINEAR)), "psutil==5.7.2", form="joblib")

    assert dropped(found) == ["psutil==5.7.2"]


@pytest.mark.parametrize("how", [0, 3, ("xz", 3)])
def test_joblibs_files_are_read_too(tmp_path: Path, how: Any) -> None:
    joblib.dump(LINEAR, tmp_path / "made", compress=how)
    content = (tmp_path / "made").read_bytes()

    found = sorted_out(tmp_path / "model", content, "psutil", "scikit-learn", form="joblib")

    assert dropped(found) == ["psutil"]


def test_a_line_that_nobody_can_read_is_ignored_where_no_prediction_needs_it(
    tmp_path: Path,
) -> None:
    found = sorted_out(tmp_path, pickle.dumps(LINEAR), "scikit-learn==1.5.2", "Matplotlib : 3.8.0")

    assert [item.line for item in found.ignored] == ["Matplotlib : 3.8.0"]
    assert not found.unreadable
    assert apply_overrides(Overrides(), found).kept == ("scikit-learn==1.5.2",)


def test_what_only_a_package_can_uncompress_keeps_all(tmp_path: Path) -> None:
    found = sorted_out(tmp_path, b"\x04\x22\x4d\x18 lz4", "lz4==4.0", "psutil", form="joblib")

    assert found.kept == ("lz4==4.0", "psutil")


def test_a_library_that_the_pickle_hides_is_added_in_the_logged_version(tmp_path: Path) -> None:
    found = sorted_out(tmp_path, pickle.dumps(LINEAR), "cloudpickle==3.1.1")

    assert [item.requirement for item in found.added] == ["scikit-learn==1.5.2"]
    assert found.added[0].reason == "model.pkl names sklearn.linear_model._base"


def test_a_library_without_a_logged_version_is_left_open(tmp_path: Path) -> None:
    table = pd.DataFrame({"x": np.arange(50.0)})
    booster = lightgbm.LGBMRegressor(n_estimators=1, verbose=-1).fit(table, table["x"])
    found = sorted_out(tmp_path, pickle.dumps(make_pipeline(booster)), "scikit-learn==1.5.2")

    assert [item.requirement for item in found.added] == ["lightgbm"]
    assert found.kept == ("scikit-learn==1.5.2",)


def test_what_a_function_imports_when_it_is_called_is_kept(tmp_path: Path) -> None:
    def double(rows: Any) -> Any:
        import yaml

        return yaml and rows * 2

    found = sorted_out(tmp_path, by_value(double), "pyyaml==5.3.1", "psutil", "scikit-learn==1.5.2")

    assert found.kept == ("pyyaml==5.3.1", "scikit-learn==1.5.2")


def test_what_a_function_asks_pandas_for_is_kept(tmp_path: Path) -> None:
    def read(rows: Any) -> Any:
        return pd.read_parquet(rows)

    found = sorted_out(
        tmp_path, by_value(read), "pyarrow==25.0.1", "openpyxl", "scikit-learn==1.5.2"
    )

    assert found.kept == ("pyarrow==25.0.1", "scikit-learn==1.5.2")


def test_accelerators_of_pandas_stay_with_it(tmp_path: Path) -> None:
    """With them means and variances differ in the last bit."""
    model = make_pipeline(FunctionTransformer(pd.get_dummies), LINEAR)
    found = sorted_out(tmp_path, pickle.dumps(model), "bottleneck", "numba", "scikit-learn==1.5.2")

    assert found.kept == ("bottleneck", "scikit-learn==1.5.2")

    found = sorted_out(
        tmp_path, pickle.dumps(LINEAR), "bottleneck", "pandas", "scikit-learn==1.5.2"
    )

    assert found.kept == ("pandas", "scikit-learn==1.5.2")


def test_names_that_are_computed_keep_all(tmp_path: Path) -> None:
    def load(rows: Any) -> Any:
        import importlib

        return importlib.import_module("ya" + "ml") and rows

    found = sorted_out(tmp_path, by_value(load), "pyyaml", "psutil", "scikit-learn==1.5.2")

    assert found.kept == ("pyyaml", "psutil", "scikit-learn==1.5.2")


def test_a_module_that_no_known_package_has_keeps_the_packages_that_may_have_it(
    tmp_path: Path,
) -> None:
    """`our-models` may have the module `secret`; psutil is known not to."""
    content = b"csecret.models\nModel\n."

    found = sorted_out(tmp_path, content, "our-models==1", "psutil", "scikit-learn==1.5.2")

    assert found.kept == ("our-models==1",)
    assert dropped(found) == ["psutil", "scikit-learn==1.5.2"]


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("import yaml", ["pyyaml"]),
        ("def later():\n    from yaml import safe_load", ["pyyaml"]),
        ("from . import nothing\nfrom inner import deep", ["psutil"]),
        ("from pkg_resources import parse_version", ["setuptools"]),
        ("if TYPE_CHECKING:\n    import yaml", []),
        ("if __name__ == '__main__':\n    import yaml", []),
        ("NAME = 'yaml'", ["pyyaml"]),
        ("import colours", []),
    ],
)
def test_sources_that_the_pickle_leads_to_are_read(
    tmp_path: Path, source: str, kept: list[str]
) -> None:
    code = tmp_path / "code" / "inner"
    code.mkdir(parents=True)
    (tmp_path / "code" / "colours.py").write_text(source)
    (code / "__init__.py").write_text("")
    (code / "deep.py").write_text("import psutil")
    (tmp_path / "code" / "training.py").write_text("import optuna")  # which nothing imports
    content = b"ccolours\nModel\n."

    found = sorted_out(tmp_path, content, "pyyaml", "psutil", "setuptools", "optuna")

    assert list(found.kept) == kept


def test_a_pin_below_what_fastapi_takes_gives_way(tmp_path: Path) -> None:
    """The model names typing_extensions: its version is kept to where that can be."""

    def double(rows: Any) -> Any:
        import typing_extensions

        return typing_extensions and rows * 2

    lines = ("typing-extensions==4.4.0", "scikit-learn==1.5.2")
    found = sorted_out(tmp_path, by_value(double), *lines)

    assert found.lines[0] == "typing-extensions>=4.4.0"
    assert found.preferences == ("typing-extensions==4.4.0",)
