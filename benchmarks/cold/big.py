"""Forests of a wanted size, made once."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cold.models import Models, training_python
from benchmarks.cold.work import WORK, run, say

_SCRIPT = Path(__file__).with_name("forests.py")


@dataclass(frozen=True)
class BigForest:
    """A forest as MLflow saved it."""

    folder: Path

    @property
    def model(self) -> Path:
        return self.folder / "model"

    @property
    def array_bytes(self) -> int:
        """What its trees' arrays have in memory."""
        return int(json.loads((self.folder / "facts.json").read_text())["array_bytes"])

    def rows(self, count: int) -> tuple[list[str], list[list[float]]]:
        """Return the columns and this many rows, at most 1,000."""
        data = json.loads((self.folder / "rows.json").read_text())
        return data["columns"], data["rows"][:count]


def make_forest(models: Models, trees: int, rows: int, serialization: str) -> BigForest:
    """Return a forest of this many trees, each trained on this many rows.

    :param serialization: as `models.Models.logged` takes it.
    """
    requirements = models.logged(serialization) / "requirements.txt"
    parts = [_SCRIPT.read_text(), requirements.read_text(), str(trees), str(rows), serialization]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]
    folder = WORK / "models" / f"forest-{digest}"
    if not (folder / "facts.json").is_file():  # it is written last
        say(f"making a forest of {trees:,} trees, {rows:,} rows each, as {serialization}")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        arguments = [str(folder), str(trees), str(rows), serialization, str(requirements)]
        run([str(training_python()), str(_SCRIPT), *arguments])
    return BigForest(folder)
