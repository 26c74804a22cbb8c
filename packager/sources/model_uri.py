"""Models in: a local MLflow model folder for whatever the user names."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from packager.errors import ConfigError, ModelError
from packager.model.mlmodel import MLMODEL_NAME, read_document, served_flavor
from packager.progress import LOGGED, Progress
from packager.sources.bare import write_bare_model
from packager.sources.barefiles import is_bare_folder
from packager.sources.code import add_code, check_code_paths, link_or_copy
from packager.sources.examples import read_scoring_request
from packager.sources.fitted import save_estimator

SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
"""How a URI begins, and a path does not."""


@contextmanager
def open_model(
    source: Any,
    *,
    flavor: str | None = None,
    input_example: Any = None,
    trusted_types: Sequence[str] = (),
    code_paths: Sequence[str | os.PathLike[str]] = (),
    progress: Progress = LOGGED,
) -> Iterator[Path]:
    """Yield a local MLflow model folder; what was downloaded or made is removed afterwards.

    :param source: a folder, `file://`, `models:/`, `runs:/`, `s3://`, a bare model file or folder,
        or a fitted estimator.
    :param flavor: of a bare file that does not tell, as `sklearn`; else the one that
        the model is served by.
    :param input_example: rows that the model takes, as a csv or json file, or data
        (`read_input_example`); a bare file's or estimator's signature is inferred from them.
    :param trusted_types: what a bare skops file may construct besides skops' defaults.
    :param code_paths: modules and packages that become a part of the model's code.
    :raises ModelError: there is no such model, or it cannot be read.
    :raises ConfigError: an option that does not go with this kind of model.
    :raises StorageError: S3 refused or cannot be reached.
    :raises ToolMissing: reading it needs an extra that is not installed.
    """
    code = check_code_paths(code_paths)
    with ExitStack() as made:

        def new_folder(prefix: str) -> Path:
            return Path(made.enter_context(tempfile.TemporaryDirectory(prefix=prefix)))

        if not isinstance(source, str | os.PathLike):
            own_modules = [path.stem for path in code]
            source, own, types = save_estimator(
                source, new_folder("packager-estimator-"), own_modules
            )
            flavor, trusted_types = flavor or own, (*trusted_types, *types)
        uri = os.fspath(source)
        local = _local_path(uri)
        if local is not None and _is_bare(local):
            folder = new_folder("packager-model-")
            write_bare_model(
                local,
                folder,
                flavor=flavor,
                input_example=input_example,
                trusted_types=trusted_types,
                progress=progress,
            )
        else:
            if trusted_types:
                raise ConfigError(
                    f"--trust describes a bare model file; {uri} is none",
                    hint="An MLflow model folder already says what may be trusted: leave it out.",
                )
            if local is not None:
                folder = _existing_folder(local)
            else:
                folder = _download(uri, new_folder("packager-model-"), progress)
            if flavor:
                _check_flavor(folder, flavor)
            if input_example is not None:
                folder = _with_example(folder, new_folder("packager-model-"), input_example)
        if code:
            logged, folder = folder, new_folder("packager-code-")
            add_code(logged, code, folder, progress)
        yield folder


def _with_example(model: Path, folder: Path, input_example: Any) -> Path:
    """Return a model folder with the same files, but for its input example.

    A registered model can't be edited.

    :param folder: an empty one, which becomes it.
    """
    request = read_scoring_request(input_example)
    document = read_document(_existing_folder(model) / MLMODEL_NAME)
    document["saved_input_example_info"] = {
        "artifact_path": _EXAMPLE,
        "serving_input_path": _EXAMPLE,
        "type": "json_object",
    }
    shutil.copytree(model, folder, symlinks=True, copy_function=link_or_copy, dirs_exist_ok=True)
    folder.chmod(0o700)
    for name in (MLMODEL_NAME, _EXAMPLE):
        (folder / name).unlink(missing_ok=True)
    (folder / _EXAMPLE).write_text(json.dumps(request), encoding="utf-8")
    (folder / MLMODEL_NAME).write_text(yaml.safe_dump(document), encoding="utf-8")
    return folder


_EXAMPLE = "serving_input_example.json"


def _check_flavor(model: Path, flavor: str) -> None:
    served = served_flavor(model)
    # All of them are python_function too.
    if flavor not in (served, "python_function"):
        raise ConfigError(
            f"the model is served as {served}, not as {flavor}",
            hint="An MLflow model says its flavor itself: leave it out.",
        )


def _local_path(uri: str) -> Path | None:
    """Return the path that `uri` names on this machine, or None when it is elsewhere."""
    scheme = SCHEME.match(uri)
    if scheme is None or (scheme[1] not in _REMOTE_SCHEMES and Path(uri).exists()):
        return Path(uri).expanduser()
    if scheme[1] != "file":
        return None
    parts = urlsplit(uri)
    if parts.netloc not in ("", "localhost"):
        raise ModelError(f"{uri} is on another machine", hint="Write it as file:///path.")
    return Path(unquote(parts.path))


_REMOTE_SCHEMES = ("models", "runs", "s3")


def _download(uri: str, folder: Path, progress: Progress) -> Path:
    # Each needs a large library: loaded for those who use it.
    if uri.startswith("s3://"):
        from packager.sources.s3_models import download_s3_model

        return download_s3_model(uri, folder, progress)
    if uri.startswith(("models:", "runs:")):
        from packager.sources.mlflow import download_mlflow_model

        return download_mlflow_model(uri, folder, progress)
    raise ModelError(
        f"{uri} is neither a path nor an address that can be read",
        hint="Give a folder, models:/NAME/VERSION, models:/NAME@ALIAS, runs:/RUN_ID/PATH or"
        " s3://BUCKET/PREFIX.",
    )


def _is_bare(path: Path) -> bool:
    if path.is_dir():
        return not (path / MLMODEL_NAME).exists() and is_bare_folder(path)
    return path.is_file() and path.name != MLMODEL_NAME


def _existing_folder(path: Path) -> Path:
    if path.is_dir():
        return path
    if path.name == MLMODEL_NAME and path.is_file():
        return path.parent
    raise ModelError(f"{path} does not exist", hint=_nearest_hint(path))


def _nearest_hint(path: Path) -> str:
    """Name what is there instead: the closest sibling, or how far the path exists."""
    parent = path.parent
    if not parent.is_dir():
        existing = next(folder for folder in path.absolute().parents if folder.is_dir())
        return f"The path exists as far as {existing}."
    close = get_close_matches(path.name, [child.name for child in parent.iterdir()], n=1)
    if close:
        return f"Did you mean {parent / close[0]}?"
    if re.fullmatch(r"m-[0-9a-f]{32}", path.name):
        return f"A logged model's id is written models:/{path.name}."
    return "Give a folder, models:/NAME/VERSION, runs:/RUN_ID/PATH or s3://BUCKET/PREFIX."
