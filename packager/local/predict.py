"""Score one input with a model on this machine, as `mlflow models predict` does."""

import subprocess
from pathlib import Path
from typing import Literal

from packager.errors import ModelError, ToolError
from packager.local.prepared import EnvManager, ModelSurroundings, prepared_model
from packager.local.sandbox import run_sandboxed
from packager.progress import LOGGED, Progress
from packager.scoring import one_request

ContentType = Literal["json", "csv"]

_MEDIA_TYPES: dict[ContentType, str] = {"json": "application/json", "csv": "text/csv"}
_RUNNER = Path(one_request.__file__)
_REFUSED_STATUS = 2


def predict(
    folder: Path,
    data: bytes,
    *,
    content_type: ContentType = "json",
    env_manager: EnvManager = "uv",
    surroundings: ModelSurroundings | None = None,
    is_sandboxed: bool = False,
    progress: Progress = LOGGED,
) -> bytes:
    """Return the body with which the server would answer: `{"predictions": ...}`.

    :param folder: an MLflow model folder.
    :param data: a scoring request.
    :param is_sandboxed: run it where a model that is not to be trusted can do no harm.
    :raises ModelError: the model cannot be loaded, or refuses the data; says why.
    :raises ToolError: the process that ran the model died.
    """
    with prepared_model(folder, env_manager, surroundings=surroundings, progress=progress) as model:
        progress.step("Predicting")
        argv = [str(model.python), "-P", str(_RUNNER), _MEDIA_TYPES[content_type]]
        # What the libraries warn of on stderr is the user's to see.
        if is_sandboxed:
            done = run_sandboxed(
                argv,
                cwd=model.skeleton,
                env=model.environment,
                input=data,
                writable=[model.skeleton],
                readable=[_RUNNER],
                pythons=model.other_pythons,
                has_stderr=False,
            )
        else:
            done = subprocess.run(
                argv,
                input=data,
                cwd=model.skeleton,
                env=model.environment,
                stdout=subprocess.PIPE,
                check=False,
            )
    if done.returncode == _REFUSED_STATUS:
        raise ModelError(done.stdout.decode(errors="replace"))
    if done.returncode:
        raise ToolError(
            f"the process with the model ended with status {done.returncode};"
            " its messages are above"
        )
    return done.stdout
