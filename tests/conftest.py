"""What the suites share: the example's model and its bundle, made once for all workers."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from packager.sources.model_uri import open_model
from tests.support.commands import ROOT, packager


@dataclass(frozen=True)
class Example:
    """The example's model in MLflow's registry."""

    tracking_uri: str
    training_python: Path
    folder: Path
    """The model as it was downloaded: to ask MLflow for it takes seconds."""
    uri: str = "models:/MyRandomForest/latest"

    @property
    def env(self) -> dict[str, str]:
        """The variables with which any MLflow client finds it."""
        return {"MLFLOW_TRACKING_URI": self.tracking_uri}


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test may depend on, or reach, the AWS and MLflow settings of who runs it."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "MLFLOW_", "MODEL_", "PACKAGER_")) and name not in _KEPT:
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


# Where caches are and which certificates are trusted is the machine's own affair.
_KEPT = ("PACKAGER_CACHE", "AWS_CA_BUNDLE")


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this run see."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base


@contextmanager
def only_one_worker(shared_folder: Path) -> Iterator[None]:
    """Let one worker make what the others then find."""
    with (shared_folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def example(shared_folder: Path) -> Example:
    """The random forest, trained and logged by real MLflow in its own environment."""
    with only_one_worker(shared_folder):
        script = ROOT / "examples" / "random_forest" / "prepare.py"
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, check=False
        )
    assert done.returncode == 0, done.stderr
    python = script.parent / ".work" / "env" / "bin" / "python"
    made = Example(done.stdout.strip().splitlines()[-1], python, shared_folder / "model")
    with only_one_worker(shared_folder), pytest.MonkeyPatch.context() as patch:
        if not made.folder.exists():
            patch.setenv("MLFLOW_TRACKING_URI", made.tracking_uri)
            with open_model(made.uri) as folder:
                shutil.copytree(folder, made.folder)
    return made


@pytest.fixture(scope="session")
def other_cache(shared_folder: Path) -> Path:
    """A cache for builds that are to take nothing from those of all other tests."""
    return shared_folder / "other-cache"


@pytest.fixture(scope="session")
def bundle_folder(example: Example, shared_folder: Path) -> Path:
    """The example's model as it was logged."""
    output = shared_folder / "dist"
    with only_one_worker(shared_folder):
        if not output.exists():
            argv = ("build", example.uri, "--output", output, "--optimize", "none")
            done = packager(*argv, env=example.env)
            assert done.returncode == 0, done.stderr
    return output
