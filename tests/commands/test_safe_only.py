"""`--safe-only` for every format of every flavor: what is refused, and that nothing is loaded."""

import json
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from packager.model.flavors.table import OWN_FLAVORS
from scripts.security_page import PAGE, page_with_table
from tests.commands.workshop import Workshop
from tests.support.wheels import make_wheel

Content = Callable[[Path], bytes]
"""What a file holds, given the file that must not appear."""


class _Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._path,)


def trap(path: Path) -> bytes:
    return pickle.dumps(_Trap(path))


def module(path: Path) -> bytes:
    return f"open({str(path)!r}, 'w')\n".encode()


def torchscript(path: Path) -> bytes:
    archive = path.with_name("archive")
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("model/constants.pkl", trap(path))
    return archive.read_bytes()


def onnx(path: Path) -> bytes:
    return b"\x08\x07"  # a protocol buffer without fields but its version


@dataclass(frozen=True)
class Case:
    """A model folder of one format: what its MLmodel file says, and its files."""

    pyfunc: dict[str, Any] = field(default_factory=dict)
    section: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Content] = field(default_factory=lambda: {"model": trap})


def _object(name: str) -> Case:
    return Case({"model_path": "model"}, {"data": "model", "serialization_format": name})


def _lightgbm(name: str) -> Case:
    return Case(section=_object(name).section | {"model_class": "lightgbm.sklearn.LGBMClassifier"})


def _xgboost(file: str, model_class: str = "xgboost.core.Booster") -> Case:
    return Case(section={"data": file, "model_class": model_class}, files={file: trap})


def _catboost(name: str) -> Case:
    return Case(section={"data": "model", "model_type": "CatBoost", "save_format": name})


def _data(**files: Content) -> Case:
    return Case({"data": "model"}, {"data": "model"}, files or {"model": trap})


def _pytorch(name: str, content: Content) -> Case:
    files = {f"data/{name}": content, "data/pickle_module_info.txt": lambda path: b"pickle"}
    return Case({"data": "data"}, {"model_data": "data"}, files)


def _tensorflow(name: str, saved_as: str) -> Case:
    files = {f"data/{name}": trap, "data/save_format.txt": lambda path: saved_as.encode()}
    return Case({"data": "data"}, {"model_type": "keras"}, files)


def _keras(name: str, **section: Any) -> Case:
    return Case(section={"data": "data", "keras_backend": "jax"} | section, files={name: trap})


def _python(loader: str, **pyfunc: Any) -> Case:
    return Case({"loader_module": loader, **pyfunc})


CASES = {
    **{("sklearn", name): _object(name) for name in ("skops", "cloudpickle", "pickle", "joblib")},
    ("xgboost", "ubj"): _xgboost("model.ubj"),
    ("xgboost", "json"): _xgboost("model.json"),
    ("xgboost", "xgb"): _xgboost("model.xgb"),
    ("xgboost", "custom class"): _xgboost("model.ubj", "of_their_own.Classifier"),
    ("lightgbm", "lgb"): Case(section={"data": "model"}),
    **{("lightgbm", name): _lightgbm(name) for name in ("skops", "cloudpickle", "pickle")},
    ("lightgbm", "joblib"): _lightgbm("joblib"),
    ("onnx", "onnx"): _data(model=onnx),
    **{("catboost", name): _catboost(name) for name in ("cbm", "json", "onnx", "coreml")},
    ("statsmodels", "pickle"): _data(),
    ("prophet", "json"): _data(),
    ("spacy", "spacy"): _data(**{"model/config.cfg": trap}),
    ("pmdarima", "pickle"): _data(),
    ("pytorch", "pickle"): _pytorch("model.pth", trap),
    ("pytorch", "torchscript"): _pytorch("model.pth", torchscript),
    ("pytorch", "pt2"): _pytorch("model.pt2", trap),
    ("tensorflow", "saved_model"): _tensorflow("model/saved_model.pb", "tf"),
    ("tensorflow", "keras"): _tensorflow("model.keras", "keras"),
    ("tensorflow", "h5"): _tensorflow("model.h5", "h5"),
    ("keras", "keras"): _keras("data/model.keras"),
    ("keras", "saved_model"): _keras("data/model/saved_model.pb", save_exported_model=True),
    ("python_function", "cloudpickle"): _python("mlflow.pyfunc.model", python_model="model"),
    ("python_function", "code"): Case(
        {"loader_module": "mlflow.pyfunc.loaders.code_model", "model_code_path": "model.py"},
        files={"model.py": module},
    ),
    ("python_function", "loader_module"): Case(
        {"loader_module": "their_own", "code": "code", "data": "model"},
        files={"code/their_own.py": module, "model": trap},
    ),
    ("fallback", "mlflow"): _python("mlflow.something", data="model"),
}
FORMATS = [(flavor.name, item) for flavor in OWN_FLAVORS for item in flavor.formats]
SAFE = sorted({name for name, item in FORMATS if not item.executes_code})


@pytest.fixture
def loaded(tmp_path: Path) -> Path:
    """The file that appears when anything of the model is executed."""
    return tmp_path / "loaded"


def write(workshop: Workshop, flavor: str, case: Case, loaded: Path) -> None:
    pyfunc = {"loader_module": f"mlflow.{flavor}"} | case.pyfunc
    flavors = {flavor: case.section, "python_function": pyfunc}
    for library in ("lightgbm", "scikit-learn", "xgboost-cpu"):
        make_wheel(workshop.index, library, "99.0")
    (workshop.model / "MLmodel").write_text(yaml.safe_dump({"flavors": flavors}))
    for name, content in case.files.items():
        path = workshop.model / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(loaded))


def plan(workshop: Workshop, *options: str) -> Any:
    """Return what `packager build --dry-run` ends with; nothing is to be converted."""
    places = ("--find-links", str(workshop.index), "--no-index")
    return workshop.build("--dry-run", "--json", "--optimize", "none", *places, *options)


@pytest.mark.parametrize(
    ("flavor", "name", "executes_code"),
    [
        pytest.param(name, item.name, item.executes_code, id=f"{name}-{item.name}")
        for name, item in FORMATS
    ],
)
def test_what_executes_code_is_refused_and_everything_else_is_not(
    flavor: str, name: str, executes_code: bool, workshop: Workshop, loaded: Path
) -> None:
    write(workshop, flavor, CASES[flavor, name], loaded)

    done = plan(workshop, "--safe-only")

    assert not loaded.exists()
    if executes_code:
        assert done.returncode == 3, done.stderr
        assert "refused by --safe-only" in done.stderr
        said = "code of its own" if "code" in CASES[flavor, name].pyfunc else f"is in {name} format"
        assert said in done.stderr
        assert "hint: " in done.stderr
    else:
        assert done.returncode == 0, done.stderr
        planned = json.loads(done.stdout)
        assert planned["serialization_format"] == name
        assert planned["executes_code"] is False


@pytest.mark.parametrize("flavor", SAFE)
def test_a_safe_format_with_modules_of_its_own_is_refused(
    flavor: str, workshop: Workshop, loaded: Path
) -> None:
    name = next(item.name for owner, item in FORMATS if owner == flavor and not item.executes_code)
    case = CASES[flavor, name]
    files = {**case.files, "code/their_own.py": module}
    write(workshop, flavor, Case(case.pyfunc | {"code": "code"}, case.section, files), loaded)

    done = plan(workshop, "--safe-only")

    assert done.returncode == 3, done.stderr
    assert "code of its own" in done.stderr
    assert not loaded.exists()


def test_the_security_page_has_the_formats_as_they_are() -> None:
    assert PAGE.read_text() == page_with_table(PAGE.read_text()), "python -m scripts.security_page"


def _skops(trusted: list[str]) -> Case:
    case = _object("skops")
    return Case(case.pyfunc, case.section | {"skops_trusted_types": trusted}, case.files)


@pytest.mark.parametrize("trusted", ["posix.system", "numpy.testing._private.utils.runstring"])
def test_a_skops_file_that_wants_functions_trusted_is_refused(
    trusted: str, workshop: Workshop, loaded: Path
) -> None:
    write(workshop, "sklearn", _skops(["sklearn.tree._tree.Tree", trusted]), loaded)

    done = plan(workshop, "--safe-only")

    assert done.returncode == 3, done.stderr
    assert f"wants skops to construct {trusted}," in done.stderr


def test_a_skops_file_that_wants_its_librarys_classes_trusted_is_not_refused(
    workshop: Workshop, loaded: Path
) -> None:
    types = ["sklearn.tree._tree.Tree", "numpy.dtype", "lightgbm.sklearn.LGBMClassifier"]
    write(workshop, "sklearn", _skops(types), loaded)

    assert plan(workshop, "--safe-only").returncode == 0


@pytest.mark.parametrize("line", ["skops @ https://somewhere.test/skops-9.whl", "w/skops-9.whl"])
def test_a_model_with_packages_of_its_own_is_refused(
    line: str, workshop: Workshop, loaded: Path
) -> None:
    write(workshop, "sklearn", CASES["sklearn", "skops"], loaded)
    workshop.require(line)

    done = plan(workshop, "--safe-only")

    assert done.returncode == 3, done.stderr
    assert f"a package of its own is ({line})" in done.stderr


def test_a_safe_model_is_not_read_by_a_skops_that_is_known_to_be_unsafe(
    workshop: Workshop, loaded: Path
) -> None:
    make_wheel(workshop.index, "skops", "0.11.0")
    write(workshop, "sklearn", CASES["sklearn", "skops"], loaded)
    workshop.require("skops==0.11.0")

    assert plan(workshop).returncode == 0
    done = plan(workshop, "--safe-only")

    assert done.returncode == 1, done.stderr
    assert "skops>=0.12" in done.stderr


def test_a_requirement_in_a_folder_is_not_built_to_explain_why_it_cannot_be_had(
    workshop: Workshop, loaded: Path
) -> None:
    write(workshop, "sklearn", CASES["sklearn", "skops"], loaded)
    (workshop.model / "setup.py").write_bytes(module(loaded))
    workshop.require(f"skops @ {workshop.model.as_uri()}")

    done = plan(workshop)

    assert done.returncode == 1, done.stderr
    assert "ask for what cannot be installed" in done.stderr
    assert not loaded.exists()
