"""What a model's own files import, compared with the bundle that has them."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from handler.manifest import FileEntry, PackedEntry
from packager.bundle.folder import Bundle
from packager.checking.imports import IMPORTS, check_imports
from packager.checking.report import Check
from packager.checking.zipped import read_zip
from packager.requirements.select import UNWANTED, Drop
from tests.support.checked import write_bundle

HERE = f"python{sys.version_info.major}.{sys.version_info.minor}"


def check(
    folder: Path,
    predict: Callable[[Any], Any],
    *there: str,
    dropped: tuple[Drop, ...] = (),
    is_proven: bool = False,
    packed: tuple[PackedEntry, ...] = (),
) -> Check:
    predict.__module__ = "__main__"
    files: dict[Any, bytes] = {f"{name}/__init__.pyc": b"" for name in (*there, "cloudpickle")}
    files["model/m"] = cloudpickle.dumps(predict)
    bundle = write_bundle(folder, files, runtime=HERE, packages=())
    info = replace(
        bundle.manifest.model,
        serialization_format="cloudpickle",
        logged_executes_code=True,
        files=(FileEntry("m", 1, ""),),
    )
    manifest = replace(bundle.manifest, model=info, packed=packed)
    contents = read_zip(bundle.function_zip)
    return check_imports(Bundle(folder, manifest), contents, dropped, is_proven=is_proven)


def predict(rows: Any) -> Any:
    import json

    import cv2  # type: ignore[import-not-found]

    return cv2, json


def test_a_module_that_nothing_in_the_bundle_has_is_refused_with_who_imports_it(
    tmp_path: Path,
) -> None:
    (problem,) = check(tmp_path, predict).problems

    assert "predict in m imports cv2" in problem.message
    assert "--with opencv-python-headless" in problem.hint


@pytest.mark.parametrize("packed", [(), (PackedEntry("x.zip", ("cv2",)),)])
def test_what_is_in_the_bundle_or_in_an_archive_of_its_is_there(
    tmp_path: Path, packed: tuple[PackedEntry, ...]
) -> None:
    there = () if packed else ("cv2",)

    assert check(tmp_path, predict, *there, packed=packed).entry.status == "passed"


def test_what_no_prediction_needed_is_said_and_not_refused(tmp_path: Path) -> None:
    made = check(tmp_path, predict, is_proven=True)

    assert (made.entry.name, made.entry.status) == (IMPORTS, "passed")
    assert "cv2" in made.entry.detail


def test_an_import_that_may_fail_is_not_refused(tmp_path: Path) -> None:
    def careful(rows: Any) -> Any:
        try:
            import cv2
        except ImportError:
            return rows
        return cv2

    assert not check(tmp_path, careful).problems


def test_a_method_that_predicting_does_not_reach_may_import_anything(tmp_path: Path) -> None:
    class Model:
        def predict(self, rows: Any) -> Any:
            return self.double(rows)

        def double(self, rows: Any) -> Any:
            import numpy as np

            return np.multiply(rows, 2)

        def plot(self) -> Any:
            import matplotlib.pyplot as plt

            return plt.figure()

    made = check(tmp_path, Model)  # type: ignore[arg-type]

    assert ["numpy" in problem.message for problem in made.problems] == [True]


@pytest.mark.parametrize(
    ("reason", "way"),
    [("nobody needs it", "--keep opencv-python"), (UNWANTED, "a --drop that does not leave out")],
)
def test_the_hint_names_what_left_the_package_out(tmp_path: Path, reason: str, way: str) -> None:
    dropped = (Drop("opencv-python==4.10", reason),)
    (problem,) = check(tmp_path, predict, dropped=dropped).problems

    assert way in problem.hint
