"""A flavor of another package: one file, one row, registered by an entry point."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml

from packager.aws.http_events import SampleRequest, http_api_event
from tests.support.commands import packager
from tests.support.wheels import make_wheel

pytestmark = pytest.mark.runtime

LOADER = '''\
"""Loads lines: a slope for each column, and what is added."""

import json


class LinePredictor:
    def __init__(self, line):
        self.model = line

    def predict(self, data, params):
        return data[self.model["columns"]].to_numpy() @ self.model["slopes"] + self.model["start"]


def load(folder, info):
    return LinePredictor(json.loads((folder / info.data_path).read_bytes()))
'''
ROW = '''\
"""The flavor's row in packager's table."""

from handler.manifest import ModelInfo
from packager.model.flavors.flavor import Flavor, Format


def _read(sections):
    data = sections.path(sections.flavor.get("data"), "flavor 'line' names no data")
    return ModelInfo("line", data, "json")


FLAVOR = Flavor(
    name="line",
    loader_module="lines.mlflow",
    formats=(Format("json", False, "numbers"),),
    read=_read,
    loader="lines.loader",
)
'''
SLOPES = [0.5, -0.25]


def install(folder: Path, row: str = ROW) -> dict[str, str]:
    """Lay the package out as an installation does; return the variable that makes it known."""
    files = {
        "lines/__init__.py": "",
        "lines/loader.py": LOADER,
        "lines/row.py": row,
        "lines-1.0.dist-info/entry_points.txt": "[packager.flavors]\nline = lines.row:FLAVOR\n",
    }
    with zipfile.ZipFile(make_wheel(folder / "wheels", "lines", "1.0", files=files)) as wheel:
        wheel.extractall(folder / "installed")
    return {"PYTHONPATH": str(folder / "installed")}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    columns = [{"type": "double", "name": name, "required": True} for name in ("x", "y")]
    document = {
        "flavors": {
            "line": {"data": "line.json"},
            "python_function": {"loader_module": "lines.mlflow", "data": "line.json"},
        },
        "signature": {"inputs": json.dumps(columns), "outputs": None, "params": None},
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(document))
    (folder / "line.json").write_text(
        json.dumps({"columns": ["x", "y"], "slopes": SLOPES, "start": 1.0})
    )
    (folder / "requirements.txt").write_text("numpy==2.2.6\npandas==2.3.2\n")
    (folder / "python_env.yaml").write_text("python: 3.11.7\n")
    return folder


def test_a_model_of_another_packages_flavor_is_built_checked_and_answers(
    model: Path, tmp_path: Path
) -> None:
    known = install(tmp_path)
    values = np.random.default_rng(3).normal(size=(200, 2))
    table = {"columns": ["x", "y"], "data": values.tolist()}
    body = json.dumps({"dataframe_split": table})
    event = tmp_path / "event.json"
    request = SampleRequest("POST", "/invocations", "application/json", body)
    event.write_text(json.dumps(http_api_event(request)))

    built = packager("build", model, "-o", tmp_path / "dist", "--safe-only", "--json", env=known)
    # Without that package: the bundle has all that it needs of it.
    invoked = packager("invoke", tmp_path / "dist", "--event", event, "--json")

    assert built.returncode == 0, built.stderr
    report = json.loads(built.stdout)
    assert report["plan"]["flavor"] == "line"
    assert {item["status"] for item in report["check"]["checks"]} == {"passed"}
    assert invoked.returncode == 0, invoked.stderr
    document = json.loads(invoked.stdout)
    assert document["statusCode"] == 200, document
    assert document["body"] == {"predictions": (values @ SLOPES + 1.0).tolist()}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("import not_there", "'line' of lines cannot be loaded: ModuleNotFoundError"),
        ("FLAVOR = 'line'", "'line' of lines is a str"),
        (ROW.replace("lines.loader", "lines.missing"), "the source of lines.missing"),
    ],
)
def test_a_broken_flavor_of_another_package_is_named(
    model: Path, tmp_path: Path, row: str, said: str
) -> None:
    known = install(tmp_path, row)

    done = packager("build", model, "-o", tmp_path / "dist", "--no-check", env=known)

    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
