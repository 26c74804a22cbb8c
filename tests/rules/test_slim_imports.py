import ast
import json
import os
import pickle
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from packager.bundle.skeleton import write_skeleton
from packager.model.mlmodel import read_mlmodel
from tests.support.commands import ROOT

MLMODEL = """\
flavors:
  python_function: {loader_module: mlflow.sklearn, model_path: model.pkl}
  sklearn: {pickled_model: model.pkl, serialization_format: pickle, sklearn_version: "1.7"}
signature:
  inputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 1]}}]'
  outputs: null
  params: null
"""
# The zip has none of these, so here they are hidden from the init, which must not miss them.
ABSENT = (
    *("mlflow", "yaml", "click", "rich", "jinja2", "uv", "platformdirs", "moto"),
    *("packager", "uvicorn", "hypothesis"),
)
ONLY_WHEN_NEEDED = (
    *("boto3", "botocore", "skops", "fastapi", "starlette", "pydantic"),
    *("handler.web.openapi", "handler.web.json_schema"),
)
RUN_INIT = """
import json, sys

absent, asked = set(sys.argv[1:]), []

class Hide:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] in absent:
            frame = sys._getframe(1)
            while "importlib" in frame.f_code.co_filename:
                frame = frame.f_back
            asked.append([name, frame.f_globals["__name__"]])
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hide)
import handler.main
print(json.dumps({"file": handler.__file__, "modules": sorted(sys.modules), "asked": asked}))
"""


pytestmark = pytest.mark.xdist_group("slim imports")  # one init for all of them


@dataclass(frozen=True)
class Init:
    """What is known of an init that ran from a bundle's layout."""

    outcome: str
    file: str
    """Of the handler package."""
    modules: tuple[str, ...]
    """All of `sys.modules`."""
    asked: tuple[tuple[str, str], ...]
    """Imports of absent packages: the module asked for, and who asked."""


@pytest.fixture(scope="module")
def task_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("slim")
    model = root / "mlflow_model"
    model.mkdir()
    (model / "MLmodel").write_text(MLMODEL)
    fitted = LinearRegression().fit(np.array([[1.0], [2.0]]), [1.0, 2.0])
    (model / "model.pkl").write_bytes(pickle.dumps(fitted))
    (root / "task").mkdir()
    write_skeleton(read_mlmodel(model), root / "task")
    return root / "task"


@pytest.fixture(scope="module")
def init(task_root: Path) -> Init:
    done = subprocess.run(
        [sys.executable, "-c", RUN_INIT, *ABSENT],
        cwd=task_root,  # comes first on the path, as /var/task does
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    log_line, found = map(json.loads, done.stdout.splitlines())
    asked = tuple((name, importer) for name, importer in found["asked"])
    return Init(log_line["outcome"], found["file"], tuple(found["modules"]), asked)


def test_the_init_loads_the_model_without_what_builds_bundles(init: Init, task_root: Path) -> None:
    assert Path(init.file).parent == task_root / "handler"
    assert init.outcome == "ready"
    assert {"handler.main", "handler.loaders.sklearn", "mangum"} <= set(init.modules)


def test_only_the_models_own_library_looks_for_more_than_the_zip_has(init: Init) -> None:
    # scikit-learn shows progress with rich, if it is there.
    assert [(n, who) for n, who in init.asked if not who.startswith("sklearn.")] == []
    assert [name for name in init.modules if name.partition(".")[0] in ABSENT] == []


@pytest.mark.parametrize("name", ONLY_WHEN_NEEDED)
def test_the_init_imports_nothing_before_it_is_needed(init: Init, name: str) -> None:
    assert name not in init.modules


@pytest.mark.parametrize(
    "file",
    [*(ROOT / "handler").rglob("__init__.py"), *(ROOT / "packager").glob("*/__init__.py")],
    ids=lambda file: file.relative_to(ROOT).parent.as_posix(),
)
def test_a_room_opens_with_words_and_no_code(file: Path) -> None:
    # On Lambda each line of them runs at every cold start; and no room hides another's names.
    module = ast.parse(file.read_text())
    assert ast.get_docstring(module)
    assert module.body[1:] == []
