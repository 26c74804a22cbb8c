"""A model and a package index, both tiny, and builds of the one with the other."""

import importlib
import os
import pickle
import subprocess
import sys
from pathlib import Path

from tests.support.wheels import make_wheel

MLMODEL = """\
flavors:
  python_function:
    loader_module: mlflow.sklearn
    model_path: model.pkl
    predict_fn: predict
  sklearn:
    pickled_model: model.pkl
    serialization_format: pickle
"""


class Workshop:
    """A model, and an index in which the handler's own requirements are empty wheels."""

    def __init__(self, folder: Path) -> None:
        self.index = folder / "index"
        self.model = folder / "model"
        self.output = folder / "dist"
        self.folder = folder
        self.cache = folder / "cache"
        for name in ("boto3", "fastapi", "mangum", "numpy", "orjson", "pandas"):
            make_wheel(self.index, name, "99.0")
        self.model.mkdir()
        (self.model / "MLmodel").write_text(MLMODEL)
        # It may import anything, so that all its requirements are kept.
        (self.model / "model.pkl").write_bytes(pickle.dumps(importlib.import_module))
        (self.model / "python_env.yaml").write_text("python: 3.12.1\n")
        self.output.mkdir()
        (self.output / "bundle.json").write_text("the bundle of last week")

    def require(self, *lines: str) -> None:
        (self.model / "requirements.txt").write_text("\n".join(lines))

    def build(
        self, *options: str, prefix: tuple[str, ...] = (), **others
    ) -> subprocess.CompletedProcess[str]:
        """Build for arm64, where nothing can run, so that only what is read decides."""
        argv = ["build", str(self.model), "-o", str(self.output), "--architecture", "arm64"]
        return subprocess.run(
            [*prefix, sys.executable, "-m", "packager", *argv, *options],
            env=os.environ
            | {
                "UV_NO_CONFIG": "1",
                "UV_HTTP_RETRIES": "0",
                "PACKAGER_CACHE": str(self.cache),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
            **others,
        )

    def refuses(self, *expected: str, exit_code: int = 1, options: tuple[str, ...] = ()) -> str:
        """Build, and return what was said; the old bundle is still there, and nothing else."""
        done = self.build("--no-index", "--find-links", str(self.index), *options)
        self.holds_the_old_bundle()
        assert done.returncode == exit_code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        for text in expected:
            assert text in done.stderr
        return done.stderr

    def holds_the_old_bundle(self) -> None:
        assert [path.name for path in self.output.iterdir()] == ["bundle.json"]
        assert (self.output / "bundle.json").read_text() == "the bundle of last week"
        drafts = {".dist.building", "cache/dependencies/."}
        found = [str(path) for path in self.folder.rglob("*")]
        assert not [path for path in found if any(draft in path for draft in drafts)]
