"""Run `converter/` in a model's own environment, in the sandbox, and take what it made."""

import shutil
import subprocess
from importlib import resources
from pathlib import Path

from handler.manifest import MODEL_FOLDER
from packager.errors import ToolError
from packager.local.prepared import PreparedModel
from packager.local.sandbox import run_sandboxed

_TIMEOUT_S = 900
_ERROR_CHARS = 600


def run_converter(
    model: PreparedModel, module: str, *arguments: str, known_status: int = 0
) -> subprocess.CompletedProcess[bytes]:
    """Run a module of the converter's beside the model, and return its output.

    :param module: as `converter`.
    :param known_status: one with which it may end too.
    :raises ToolError: it was not done in time, or ended with another status.
    """
    with resources.as_file(resources.files("packager.engine.converter")) as source:
        shutil.copytree(
            source, model.skeleton / "converter", ignore=shutil.ignore_patterns("__pycache__")
        )
    done = run_sandboxed(
        [str(model.python), "-m", module, *arguments],
        cwd=model.skeleton,
        env=model.environment,
        timeout_s=_TIMEOUT_S,
        writable=[model.skeleton],
        pythons=model.other_pythons,
    )
    if done.returncode not in (0, known_status):
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise ToolError(f"{last[:_ERROR_CHARS]} (exit status {done.returncode})")
    return done


def take_made(model: PreparedModel, name: str, folder: Path) -> None:
    """Copy a file of the model's folder, as it is after the converter ran, into another folder.

    :raises ToolError: the model's code put something else in its place.
    """
    made = model.skeleton / MODEL_FOLDER
    # The model's code was at work there: a link or a path of its own leads to our files.
    if (made / name).resolve() != made.resolve() / name:
        raise ToolError(f"the model's code put {name} outside of its folder")
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(made / name, folder / name)
