"""Models of Pythons that Lambda no longer has, with the real interpreters: to the answer."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from packager.bundle.folder import Bundle, read_bundle
from packager.local.emulator import Emulator, runtime_python
from packager.local.envs import ensure_env
from packager.support.interpreters import find_python
from tests.support.commands import packager
from tests.support.dockerfile import build_image

pytestmark = pytest.mark.pythons
HERE = Path(__file__).parent
ROWS = {"columns": ["a", "b", "c"], "data": [[0.1, 0.2, 0.3], [0.9, 0.8, 0.7], [0.5, 0.5, 0.5]]}
TEXTS = {"columns": ["t"], "data": [["x"], ["ü"]]}


@dataclass(frozen=True)
class Age:
    """A Python, and what people had with it."""

    python: str
    requirements: tuple[str, ...]
    """As the model records them."""
    limits: tuple[str, ...] = ()
    """What else fitted them then."""


AGES = (
    Age(
        "3.7",
        ("mlflow==1.20.2", "cloudpickle==1.6.0", "scikit-learn==0.22.2"),
        ("protobuf<4", "pandas<1.3", "numpy<1.22"),
    ),
    Age(
        "3.8",
        ("mlflow==1.24.0", "cloudpickle==2.0.0", "scikit-learn==0.24.2"),
        ("protobuf<4", "pandas<1.5", "numpy<1.24"),
    ),
    Age(
        "3.9",
        ("mlflow==2.9.2", "cloudpickle==2.2.1", "scikit-learn==1.0.2", "numpy<1.24", "pandas<2"),
    ),
)


@dataclass(frozen=True)
class Made:
    age: Age
    folder: Path
    """Of the models."""
    python: Path
    """With the libraries that saved them, in an environment that nothing of ours made them run."""

    def ask(self, model: str, *documents: Any) -> list[Any]:
        argv = [self.python, HERE / "asked.py", self.folder / model, json.dumps(documents)]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture(scope="module", params=AGES, ids=lambda age: age.python)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    age: Age = request.param
    assert find_python(age.python), f"these tests need Python {age.python} on the PATH"
    assert find_python("3.12"), "the function's Python, 3.12, has to be on the PATH"
    lines = [line.replace("mlflow=", "mlflow-skinny=") for line in age.requirements]
    python = ensure_env("test", age.python, [*lines, *age.limits, "pandas", "setuptools<81"])
    folder = tmp_path_factory.mktemp("models")
    argv = [python, HERE / "made.py", folder, *age.requirements]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return Made(age, folder, python)


@pytest.fixture(scope="module")
def bundle(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The pipeline's, built and checked as users do."""
    output = tmp_path_factory.mktemp("bundle")
    done = packager("build", made.folder / "pipeline", "--output", output, "--json", timeout_s=900)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["plan"]["package_type"] == "image"
    assert report["plan"]["own_python"]["python"] == made.age.python
    return read_bundle(output)


def event(document: Any) -> dict[str, Any]:
    return {
        "version": "2.0",
        "rawPath": "/invocations",
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {
            "http": {"method": "POST", "path": "/invocations", "sourceIp": "127.0.0.1"},
            "stage": "$default",
        },
        "body": json.dumps(document),
        "isBase64Encoded": False,
    }


def test_the_build_proves_it_against_an_environment_of_the_models_own(bundle: Bundle) -> None:
    checks = {check.name: check for check in bundle.manifest.checks}
    assert {check.status for check in checks.values()} == {"passed"}
    assert "same predictions as the source model" in checks
    assert bundle.manifest.model.own_python
    own = {entry.name: entry.version for entry in bundle.manifest.own_packages}
    assert own["scikit-learn"] in ("0.22.2", "0.24.2", "1.0.2")
    assert "scikit-learn" not in {entry.name for entry in bundle.manifest.packages}


def test_what_the_dockerfile_makes_answers_as_mlflow_of_that_age(
    made: Made, bundle: Bundle, tmp_path: Path
) -> None:
    interpreter = find_python(made.age.python)
    assert interpreter is not None
    interpreter = interpreter.resolve()
    runtime = runtime_python("3.12")
    stands_for = {"model-python": interpreter.parents[1]}
    task_root = build_image(bundle.folder, tmp_path, runtime, stands_for)

    opt = task_root.parents[1] / "opt" / f"python{made.age.python}" / "bin"
    variables = {"PACKAGER_MODEL_PYTHON": str(opt / f"python{made.age.python}")}
    with Emulator(
        task_root, python=runtime, environment=variables, programs=(interpreter,), timeout_s=120
    ) as function:
        answer = function.invoke(event({"dataframe_split": ROWS})).payload
        lacking = function.invoke(event({"dataframe_records": [{"a": 1.0}]})).payload
    assert json.loads(answer["body"])["predictions"] == made.ask("pipeline", ROWS)[0]
    assert lacking["statusCode"] == 400
    modes = {path.stat().st_mode & 0o777 for path in task_root.rglob("*")}
    assert modes == {0o644, 0o755}, "Lambda's user is none of the image's"
    packages = task_root / "own_python" / "site-packages"
    assert list(packages.glob("sklearn/__pycache__/__init__.*.pyc")), "compiled for cold starts"


def test_a_python_model_answers_refuses_and_fails_as_it_should(made: Made, tmp_path: Path) -> None:
    output = tmp_path / "bundle"
    done = packager(
        "build", made.folder / "texts", "--output", output, "--no-check", "--json", timeout_s=900
    )
    assert done.returncode == 0, done.stderr
    request = tmp_path / "event.json"
    request.write_text(json.dumps(event({"dataframe_split": TEXTS})))

    asked = packager(
        "invoke", output, "--event", request, "--timeout", "120", "--json", timeout_s=900
    )

    assert asked.returncode == 0, asked.stderr
    assert json.loads(asked.stdout)["body"]["predictions"] == made.ask("texts", TEXTS)[0]


def test_a_zip_is_refused_with_the_way_out(made: Made, tmp_path: Path) -> None:
    model = made.folder / "pipeline"
    done = packager("build", model, "--output", tmp_path / "b", "--package", "zip", timeout_s=900)
    assert done.returncode == 1
    assert "--package image" in done.stderr
    assert not (tmp_path / "b").exists()
