"""The models of the benchmark: trained in the example's environment, by real MLflow."""

import hashlib
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cold.work import ROOT, WORK, run, say

_EXAMPLE = ROOT / "examples" / "random_forest"
_SCRIPTS = Path(__file__).parent


@dataclass(frozen=True)
class Models:
    """One forest, in the ways in which it is deployed."""

    folder: Path

    def logged(self, serialization: str) -> Path:
        """Return MLflow's model folder; `skops` is its default format."""
        return self.folder / serialization

    @property
    def pins(self) -> dict[str, str]:
        """Versions of the libraries that the forest was trained with, as MLflow logged them."""
        files = [self.logged(name) / "requirements.txt" for name in ("skops", "cloudpickle")]
        lines = [line for file in files for line in file.read_text().split()]
        return dict(line.split("==") for line in lines)

    @property
    def joblib_file(self) -> Path:
        return self.folder / "forest.joblib"

    def rows(self, count: int) -> tuple[list[str], list[list[float]]]:
        """Return the columns and this many rows, repeated where there are not enough."""
        data = json.loads((self.folder / "rows.json").read_text())
        rows = data["rows"]
        return data["columns"], (rows * (count // len(rows) + 1))[:count]


def make_models() -> Models:
    """Return the models; trained again only when the training has changed."""
    script, python = _SCRIPTS / "training.py", training_python()
    folder = WORK / "models" / _digest(script)
    if not (folder / "rows.json").is_file():  # it is written last
        say("training the forest")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        run([str(python), str(script), str(folder)])
    return Models(folder)


def training_python() -> Path:
    """Return the Python of the example's environment: MLflow, scikit-learn, pandas."""
    code = "from prepare import *; WORK.mkdir(exist_ok=True); print(make_training_environment())"
    return Path(
        run([sys.executable, "-c", code], environment={"PYTHONPATH": str(_EXAMPLE)}).strip()
    )


def _digest(script: Path) -> str:
    lock = (_EXAMPLE / "requirements.txt").read_bytes()
    return hashlib.sha256(script.read_bytes() + lock).hexdigest()[:12]
