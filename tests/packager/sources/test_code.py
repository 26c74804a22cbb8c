"""Modules of the user's own, added to a model's code."""

import sys
from pathlib import Path

import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

import packager
from packager.api.settings import SOURCE_SETTINGS, source_options
from packager.engine.choose import Optimization, _key
from packager.errors import ConfigError, ModelError
from packager.local.prepared import ModelSurroundings
from packager.model.mlmodel import read_mlmodel
from packager.support.setting import read_settings
from tests.packager.model.test_mlmodel import changed, write_model

SHOP = "class Scale:\n    pass\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A package of two modules, with what no model needs of it."""
    folder = tmp_path / "src" / "shop"
    (folder / "__pycache__").mkdir(parents=True)
    (folder / "__pycache__" / "core.cpython-311.pyc").write_bytes(b"x")
    (folder / ".hidden").write_text("")
    (folder / "__init__.py").write_text("")
    (folder / "core.py").write_text(SHOP)
    return folder


def paths_of(model: packager.Model) -> list[str]:
    return [entry.path for entry in model.spec.info.files]


def test_modules_and_packages_become_the_code_of_a_model_that_stays_as_it_is(
    tmp_path: Path, shop: Path
) -> None:
    folder = write_model(tmp_path / "model")
    (tmp_path / "util.py").write_text("x = 1\n")
    before = {path: path.read_bytes() for path in folder.iterdir()}

    with packager.open_model(folder, code_paths=[shop, tmp_path / "util.py"]) as model:
        assert paths_of(model) == [
            "MLmodel",
            "code/shop/__init__.py",
            "code/shop/core.py",
            "code/util.py",
            "model.skops",
        ]
        assert model.spec.info.code_path == "code"
        assert model.spec.info.executes_code
        assert model.spec.info.predict_fn == "predict_proba"

    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("code", ["code", "lib/own", "."])
def test_they_join_the_code_that_the_model_has_and_replace_what_has_their_name(
    tmp_path: Path, shop: Path, code: str
) -> None:
    folder = write_model(tmp_path / "model", changed(pyfunc={"code": code}))
    (folder / code / "shop").mkdir(parents=True)
    (folder / code / "shop" / "old.py").write_text("")
    (folder / code / "other.py").write_text("")
    (tmp_path / "other.py").write_text("x = 2\n")

    with packager.open_model(folder, code_paths=[shop, tmp_path / "other.py"]) as model:
        prefix = "" if code == "." else f"{code}/"
        own = {path for path in paths_of(model) if path.endswith(".py")}
        assert own == {
            f"{prefix}{name}" for name in ("shop/__init__.py", "shop/core.py", "other.py")
        }
        assert (model.folder / code / "other.py").read_text() == "x = 2\n"

    assert (folder / code / "other.py").read_text() == ""


def test_code_that_the_model_names_and_lost_can_be_given_back(tmp_path: Path, shop: Path) -> None:
    folder = write_model(tmp_path / "model", changed(pyfunc={"code": "code"}))

    with packager.open_model(folder, code_paths=[shop]) as model:
        assert "code/shop/core.py" in paths_of(model)


def test_other_code_is_another_model_and_is_converted_again(tmp_path: Path, shop: Path) -> None:
    folder = write_model(tmp_path / "model")
    keys, digests = set(), set()
    for text in (SHOP, SHOP + "# changed\n"):
        (shop / "core.py").write_text(text)
        with packager.open_model(folder, code_paths=[shop]) as model:
            keys.add(_key(model.spec, Optimization(), ModelSurroundings()))
            digests.add(model.spec.info.logged_sha256)

    digests.add(read_mlmodel(folder).info.logged_sha256)
    assert (len(keys), len(digests)) == (2, 3)


def test_the_working_folder_is_taken_by_its_own_name(
    tmp_path: Path, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_model(tmp_path / "model")
    monkeypatch.chdir(shop)

    with packager.open_model(folder, code_paths=["."]) as model:
        assert "code/shop/core.py" in paths_of(model)


def test_an_estimator_takes_its_modules_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ownsteps.py").write_text(
        "from sklearn.base import BaseEstimator\n\n\nclass Same(BaseEstimator):\n"
        "    def fit(self, x, y=None):\n        return self\n\n"
        "    def transform(self, x):\n        return x\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import ownsteps

    estimator = make_pipeline(ownsteps.Same(), LinearRegression()).fit([[1.0], [2.0]], [1.0, 2.0])

    with pytest.raises(ModelError, match="the module ownsteps") as raised:
        packager.open_model(estimator)
    assert "code_paths" in str(raised.value.hint)
    with packager.open_model(estimator, code_paths=[tmp_path / "ownsteps.py"]) as model:
        assert "code/ownsteps.py" in paths_of(model)
        assert not any("ownsteps" in line for line in model.spec.requirements)
    del sys.modules["ownsteps"]


def test_the_setting_takes_files_and_folders_by_its_name(shop: Path) -> None:
    core = shop / "core.py"
    given = {"code-path": f'["{shop}", "{core}"]'}

    values = read_settings(given, SOURCE_SETTINGS)

    assert source_options(values)["code_paths"] == (shop, core)
    with pytest.raises(ConfigError, match=r"code-path=gone\.py: there is no such file"):
        read_settings({"code-path": "gone.py"}, SOURCE_SETTINGS)


def test_a_wheel_or_nothing_is_no_code(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model")
    (tmp_path / "a-1-py3-none-any.whl").write_bytes(b"")
    for name, problem in {"a-1-py3-none-any.whl": "a wheel", "gone.py": "no such file"}.items():
        with pytest.raises(ConfigError, match=problem):
            packager.open_model(folder, code_paths=[tmp_path / name])
