"""What a build says at once, as a user sees it: code that is not there, a model that fails."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.packager.building.test_missing_module import pickled
from tests.support.commands import THIS_PYTHON, packager

pytestmark = pytest.mark.runtime

GOOD = "class Ratio:\n    def predict(self, data):\n        return [1.0] * len(data)\n"
# What was to be loaded works; what it is asked does not.
NO_PREDICTION = GOOD.replace("[1.0]", "[1.0 / 0]")
NO_LOAD = GOOD + "\n    def __setstate__(self, state):\n        raise OSError('no table here')\n"
EXAMPLE = {"dataframe_split": {"columns": ["x"], "data": [[1.5]]}}
INPUTS = [{"type": "double", "name": "x", "required": True}]


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str | None], Path]:
    """Write a model of the user's own class `mymod.Ratio`, with this code or without."""

    def written(code: str | None) -> Path:
        pyfunc = {
            "loader_module": "mlflow.sklearn",
            "model_path": "model.pkl",
            "predict_fn": "predict",
            "python_version": f"{THIS_PYTHON}.0",
        }
        folder = tmp_path / "model"
        (folder / "code").mkdir(parents=True)
        if code is not None:
            pyfunc["code"] = "code"
            (folder / "code" / "mymod.py").write_text(code)
        sklearn = {"pickled_model": "model.pkl", "serialization_format": "pickle"}
        document = {
            "flavors": {"python_function": pyfunc, "sklearn": sklearn},
            "signature": {"inputs": json.dumps(INPUTS)},
            "saved_input_example_info": {"serving_input_path": "example.json"},
        }
        (folder / "MLmodel").write_text(yaml.safe_dump(document))
        (folder / "example.json").write_text(json.dumps(EXAMPLE))
        (folder / "model.pkl").write_bytes(pickled("mymod", "Ratio"))
        (folder / "requirements.txt").write_text("pandas\n")
        return folder

    return written


def test_a_missing_module_ends_the_build_and_given_its_path_the_model_is_proven(
    write: Callable[[str | None], Path], tmp_path: Path
) -> None:
    folder = write(None)
    (tmp_path / "mymod.py").write_text(GOOD)
    options = ("build", folder, "-o", tmp_path / "dist", "--json")

    refused = packager(*options, cwd=tmp_path)

    assert refused.returncode == 1
    error = json.loads(refused.stdout)["error"]
    assert (error["code"], error["module"]) == ("pkg.model.module", "mymod")
    assert error["needed_by"] == ["mymod.Ratio"]
    assert error["hint"] == "Build again with --code-path ./mymod.py."
    assert "error: the model needs the module mymod" in refused.stderr
    assert "Resolving" not in refused.stderr
    assert not (tmp_path / "dist").exists()

    built = packager(*options, "--code-path", "./mymod.py", cwd=tmp_path)

    assert built.returncode == 0, built.stderr
    report = json.loads(built.stdout)
    checks = {check["name"]: check["status"] for check in report["check"]["checks"]}
    assert checks["same predictions as the source model"] == "passed"


def test_a_model_that_raises_when_it_is_loaded_ends_the_build_with_the_place(
    write: Callable[[str | None], Path], tmp_path: Path
) -> None:
    folder = write(NO_LOAD)

    done = packager("build", folder, "-o", tmp_path / "dist")

    assert done.returncode == 1
    assert "cannot be loaded in its own environment: OSError: no table here" in done.stderr
    assert '    File "code/mymod.py", line 6, in __setstate__' in done.stderr
    assert "Traceback" not in done.stderr
    assert "Resolving" not in done.stderr
    assert not (tmp_path / "dist").exists()


def test_a_model_that_is_not_converted_is_loaded_once_all_the_same(
    write: Callable[[str | None], Path], tmp_path: Path
) -> None:
    folder = write(None)
    pyfunc = {"loader_module": "mlflow.pyfunc.model", "python_model": "model.pkl"}
    document = {"flavors": {"python_function": pyfunc | {"python_version": f"{THIS_PYTHON}.0"}}}
    (folder / "MLmodel").write_text(yaml.safe_dump(document))

    done = packager("build", folder, "-o", tmp_path / "dist", "--json", cwd=tmp_path)

    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["needed_by"] == ["mymod.Ratio"]
    assert "Resolving" not in done.stderr


@pytest.mark.parametrize(
    ("code", "line"),
    [
        (NO_LOAD, 'File "code/mymod.py", line 6, in __setstate__'),
        (NO_PREDICTION, 'File "code/mymod.py", line 3, in predict'),
    ],
)
def test_a_failed_check_shows_the_functions_own_traceback(
    write: Callable[[str | None], Path], tmp_path: Path, code: str, line: str
) -> None:
    folder = write(code)

    # Without a trial in the model's own environment: so it is the function that fails.
    done = packager("build", folder, "-o", tmp_path / "dist", "--optimize", "none")

    assert done.returncode == 3
    assert line in done.stderr
    assert ("no table here" if code is NO_LOAD else "division by zero") in done.stderr
    assert "packager invoke" not in done.stderr
    assert not (tmp_path / "dist").exists()


def test_a_missing_interpreter_is_not_the_models_fault(
    write: Callable[[str | None], Path], tmp_path: Path
) -> None:
    folder = write(NO_LOAD)
    document = (folder / "MLmodel").read_text()
    (folder / "MLmodel").write_text(document.replace(f"{THIS_PYTHON}.0", "3.14.0"))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    env = {"PATH": str(tmp_path / "bin"), "UV_PYTHON_INSTALL_DIR": str(tmp_path)}

    done = packager("build", folder, "-o", tmp_path / "dist", "--dry-run", env=env)

    assert done.returncode == 0, done.stderr
    assert "compiling could not be tried" in done.stderr
