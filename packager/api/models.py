"""A model from wherever it is, and a server for it on this machine."""

import contextlib
import os
import weakref
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from packager.errors import MLmodelNotFound
from packager.local.serve import ServeConfig, Served, serve as _serve
from packager.model.mlmodel import MLMODEL_NAME, ModelSpec, read_mlmodel
from packager.progress import LOGGED, Progress
from packager.sources import model_uri


class Model:
    """An MLflow model folder on this machine, until it is closed.

    What was downloaded or made for it is removed then: at the end of a `with` block, by `close`, or
    when nothing refers to it any more.
    """

    def __init__(self, name: str, folder: Path, close: Callable[[], None]) -> None:
        self.name = name
        """What it was opened as, for people."""
        self.folder = folder
        self._close = weakref.finalize(self, close)

    def __repr__(self) -> str:
        return f"Model({self.name!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove what was made to open it; more than once is no error."""
        self._close()

    @cached_property
    def spec(self) -> ModelSpec:
        """What the folder says: flavor, signature, requirements, files with their digests.

        :raises ModelError: it is not a model that can be served.
        """
        return read_mlmodel(self.folder)


def open_model(
    source: Any,
    *,
    flavor: str | None = None,
    input_example: Any = None,
    trusted_types: Sequence[str] = (),
    code_paths: Sequence[str | os.PathLike[str]] = (),
    progress: Progress = LOGGED,
) -> Model:
    """Open a model. Nothing of a file is loaded, and no code of it runs; an estimator is saved.

    :param source: an MLflow model folder, a `models:/`, `runs:/` or `s3://` URI, a bare model file
        or folder (`model.skops`, `model.ubj` ...), or a fitted estimator of scikit-learn, XGBoost,
        LightGBM or CatBoost.
    :param flavor: of a bare file that does not tell, as `sklearn`; else the one that the model is
        served by.
    :param input_example: rows that it takes, as a DataFrame, an ndarray, or the path of a csv or
        json file. The signature of a bare file or an estimator is inferred from it.
    :param trusted_types: what a bare skops file may construct besides skops' defaults.
    :param code_paths: modules and packages, as files and folders, that the model needs and does not
        bring: they become a part of its code, as MLflow's `code_paths`.
    :raises ModelError: there is no such model, or it cannot be read.
    :raises ConfigError: an option that does not go with this kind of model.
    :raises StorageError: S3 refused or cannot be reached.
    :raises ToolMissing: reading it needs an extra that is not installed.
    """
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(
            model_uri.open_model(
                source,
                flavor=flavor,
                input_example=input_example,
                trusted_types=trusted_types,
                code_paths=code_paths,
                progress=progress,
            )
        )
        if not (folder / MLMODEL_NAME).is_file():
            raise MLmodelNotFound(_name(source) or folder)
        return Model(_name(source), folder, stack.pop_all().close)


@contextlib.contextmanager
def opened(model: Any, progress: Progress) -> Iterator[Model]:
    """Yield the model, opened for as long as the block runs unless it is open already."""
    if isinstance(model, Model):
        yield model
    else:
        progress.step(f"Opening {_name(model)}")
        with open_model(model, progress=progress) as own:
            yield own


def _name(source: Any) -> str:
    is_named = isinstance(source, str | os.PathLike)
    return os.fspath(source) if is_named else type(source).__name__


def serve(
    model: Any,
    config: ServeConfig | None = None,
    *,
    on_ready: Callable[[Served], None] | None = None,
    progress: Progress = LOGGED,
) -> None:
    """Serve a model over HTTP on this machine until it is interrupted, as `mlflow models serve`.

    :param model: an open `Model`, or anything that :func:`open_model` takes.
    :param config: where and how; default: port 5000 of this machine alone.
    :param on_ready: called once, when the model is loaded and the server answers.
    :raises ConfigError: the address cannot be listened on.
    :raises ModelError: the model cannot be read or loaded.
    :raises ToolError: the server did not start, or ended by itself.
    :raises KeyboardInterrupt: the user ended it.
    """
    with opened(model, progress) as there:
        _serve(
            there.folder,
            config or ServeConfig(),
            on_ready=on_ready or (lambda served: progress.step(f"Listening on {served.url}")),
            progress=progress,
        )
