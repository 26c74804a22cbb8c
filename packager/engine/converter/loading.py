"""Load the logged model, or tell what its own code or libraries raised."""

import traceback
from pathlib import Path
from typing import Any

from handler.errors import HandlerError
from handler.loaders.load import load_model
from handler.manifest import ModelInfo
from handler.predictor import Predictor

NOT_LOADABLE_STATUS = 4
"""Of the process: no status that Python itself ends with."""
_FRAMES = 3
"""Shown of a traceback: the last ones, where it was raised."""


class NotLoadable(Exception):
    """The model cannot be loaded here.

    :param facts: what `packager.errors.ModelNotLoadable` takes.
    """

    def __init__(self, facts: dict[str, Any]) -> None:
        super().__init__(facts["reason"])
        self.facts = facts


def load(folder: Path, info: ModelInfo) -> Predictor:
    """Return the model in a folder, ready to predict.

    :raises NotLoadable: with the user's view of what was raised, and where.
    """
    try:
        return load_model(folder, info)
    # SystemExit too: a model's own code may call sys.exit.
    except (Exception, SystemExit) as error:
        raise NotLoadable(_facts(error, folder)) from error


def _facts(error: BaseException, folder: Path) -> dict[str, Any]:
    # The handler says what it makes of an error; what raised it is behind.
    cause = error.__cause__ if isinstance(error, HandlerError) and error.__cause__ else error
    is_ours = isinstance(cause, HandlerError)
    ours = str(folder.parent / "handler")
    frames = [
        frame
        for frame in traceback.extract_tb(cause.__traceback__)
        if not frame.filename.startswith((ours, str(Path(__file__).parent), "<frozen "))
    ]
    # And where the model's own code was left, if that is further up.
    own = [frame for frame in frames[:-_FRAMES] if frame.filename.startswith(str(folder))]
    shown = [] if is_ours else [*own[-1:], *frames[-_FRAMES:]]
    trace = "".join(traceback.format_list(shown)).splitlines()
    text = str(cause) if is_ours else "".join(traceback.format_exception_only(cause)).strip()
    return {
        "reason": text,
        # As the user knows them: the folder that they lie in here is a temporary one.
        "trace": [line.replace(f"{folder}/", "").rstrip() for line in trace],
        "module": cause.name if isinstance(cause, ModuleNotFoundError) else None,
    }
