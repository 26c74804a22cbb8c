"""What pickles name, and that nothing of them is run."""

import io
import os
import pickle
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from packager.model.inert_pickle import read_pickles

PYTHON = ".".join(platform.python_version_tuple()[:2])


def fitted() -> RandomForestClassifier:
    return RandomForestClassifier(n_estimators=2).fit(np.eye(4), [0, 1, 0, 1])


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_the_classes_in_a_model_are_named_in_every_protocol(protocol: int) -> None:
    names = read_pickles(io.BytesIO(pickle.dumps(fitted(), protocol)))

    assert "sklearn.tree._tree.Tree" in names.members
    assert {"numpy", "sklearn.ensemble._forest"} <= names.modules.keys()


def test_arrays_that_joblib_writes_in_between_are_passed_over(tmp_path: Path) -> None:
    parts = [np.ones((3, 4), "f4"), np.array(["é", "b"]), np.array([fitted(), None], object)]
    joblib.dump([*parts, np.zeros(0), fitted()], tmp_path / "model.joblib")

    with (tmp_path / "model.joblib").open("rb") as file:
        names = read_pickles(file)

    assert "sklearn.tree._tree.Tree" in names.members


def test_a_function_that_is_pickled_by_value_tells_what_it_imports() -> None:
    def predict(rows: Any) -> Any:
        import yaml

        def inside() -> None:
            import psutil.tests  # noqa: F401

        return [yaml, inside, np.sum(rows)]

    predict.__module__ = "__main__"
    names = read_pickles(io.BytesIO(cloudpickle.dumps(predict)))

    imports = {code.name: list(code.imports(PYTHON)) for code in names.codes}
    assert imports == {"predict": ["yaml"], "inside": ["psutil.tests"]}
    assert "numpy" in names.modules  # the module that the function calls np


class _Harmful:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[[str], Any], tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_nothing_in_a_pickle_is_run(tmp_path: Path) -> None:
    pickled = pickle.dumps(_Harmful(tmp_path / "made"))

    assert list(read_pickles(io.BytesIO(pickled)).members) == [f"{os.mkdir.__module__}.mkdir"]
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("damage", [b"", b"\x80", b"no pickle", b"\x80\x05\x95\xff"])
def test_what_is_no_pickle_is_a_value_error(damage: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_pickles(io.BytesIO(damage))
