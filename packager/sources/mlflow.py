"""Models in MLflow's stores: `models:/` and `runs:/`, resolved by mlflow-skinny.

The only module that imports MLflow. It reads and never writes: MLflow would create an empty
database where there is none, so a store that does not exist is refused first.
"""

import logging
import os
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from packager.errors import ModelError, PackagerError, ToolMissing, install_hint
from packager.progress import Progress

_MODEL_URI = re.compile(r"models:/+([^/@]+)(?:/[^/]+|@.+)?")
_MAX_REASON_CHARS = 300

_MLFLOW_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # MLflow's default of 7 makes a mistyped address take minutes.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    # MLflow 3 refuses ./mlruns folders of earlier versions; reading one is harmless.
    "MLFLOW_ALLOW_FILE_STORE": "true",
}
"""Used where the user's environment does not say otherwise."""

_STORES_WITHOUT_PATH = ("databricks", "databricks-uc", "uc")
"""Addresses that MLflow takes without a scheme and that are no folders."""


def download_mlflow_model(uri: str, folder: Path, progress: Progress) -> Path:
    """Download the model behind a `models:/` or `runs:/` URI below `folder`; return its folder.

    The tracking store is MLflow's choice: `MLFLOW_TRACKING_URI`, else its default.

    :raises ModelError: no such model, version, alias or run, or the store cannot be read.
    :raises ToolMissing: MLflow, or a package that it needs for this store, is not installed.
    """
    progress.step(f"Asking MLflow for {uri}")
    with _quiet_mlflow():
        try:
            import mlflow  # seconds
            from mlflow.artifacts import download_artifacts
        except ImportError as error:
            raise ToolMissing(
                f"MLflow, which resolves {uri.partition(':')[0]}:/ addresses,",
                install_hint("mlflow"),
            ) from error
        stores = [str(mlflow.get_tracking_uri()), str(mlflow.get_registry_uri())]
        for store in stores:
            _require_store(store)
        progress.detail(f"Downloading from {_without_password(stores[-1])}")
        try:
            return Path(download_artifacts(artifact_uri=uri, dst_path=str(folder)))
        except ImportError as error:
            module = error.name or str(error)
            raise ToolMissing(
                f"{module}, which MLflow needs for this store,", f"pip install {module}"
            ) from error
        # Stores raise what their drivers raise: SQLAlchemy's, botocore's, requests' errors.
        except Exception as error:
            raise _translate(uri, stores[-1], error) from error


@contextmanager
def _quiet_mlflow() -> Iterator[None]:
    """Silence MLflow's and alembic's log and warnings, and keep our settings to ourselves."""
    added = {key: value for key, value in _MLFLOW_SETTINGS.items() if key not in os.environ}
    os.environ.update(added)
    previously_disabled = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(previously_disabled)
        for key in added:
            os.environ.pop(key, None)


def _require_store(store: str) -> None:
    """Refuse a local store that does not exist, which MLflow would create."""
    scheme, separator, rest = store.partition(":")
    if scheme == "sqlite":
        path = Path(unquote(rest.removeprefix("///").partition("?")[0]))
    elif scheme == "file":
        path = Path(unquote(urlsplit(store).path))
    elif not separator and store not in _STORES_WITHOUT_PATH:
        path = Path(store)
    else:
        return
    if not path.exists():
        raise ModelError(
            f"there is no MLflow tracking store at {path}",
            hint="Set MLFLOW_TRACKING_URI, or run this in the folder where the model was logged.",
        )


def _translate(uri: str, store: str, error: Exception) -> PackagerError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    shown = _without_password(store)
    if store.startswith("http") and "failed with exception" in reason:
        return ModelError(
            f"cannot read {uri}: no MLflow server answers at {shown}",
            hint="Check MLFLOW_TRACKING_URI and that the server runs.",
        )
    if "Not a proper" in reason:
        # MLflow's text names a part of the address that it could not split.
        reason = "not a complete address"
    hint = _suggest(uri) or f"Looked in {shown}; MLFLOW_TRACKING_URI chooses another store."
    reason = _without_password(reason[:_MAX_REASON_CHARS]).rstrip(".")
    return ModelError(f"cannot read {uri}: {reason}", hint=hint)


def _suggest(uri: str) -> str | None:
    """Say which models or versions the registry has, or None when it cannot be asked."""
    if uri.startswith("runs:"):
        return "Write it as runs:/RUN_ID/PATH." if uri.strip("/").count("/") < 2 else None
    match = _MODEL_URI.fullmatch(uri)
    if match is None:
        return "Write it as models:/NAME/VERSION, models:/NAME@ALIAS or models:/MODEL_ID."
    try:
        return _suggest_registered(match[1], has_version=match.end(1) < len(uri))
    # The failure that is being explained can fail the question for its explanation as well.
    except Exception:
        return None


def _suggest_registered(name: str, *, has_version: bool) -> str | None:
    from mlflow import MlflowClient

    client: Any = MlflowClient()
    names = [model.name for model in client.search_registered_models(max_results=100)]
    if name not in names:
        if name.startswith("m-"):  # a logged model's id, which is not in the registry
            return None
        close = get_close_matches(name, names, n=3)
        if close:
            return f"Did you mean {' or '.join(f'models:/{item}/latest' for item in close)}?"
        return f"Registered are: {', '.join(names[:10])}." if names else None
    if not has_version:
        return f"Say which version: models:/{name}/latest is the newest."
    found = client.search_model_versions(f"name = '{name}'", max_results=10)
    versions = ", ".join(str(version.version) for version in found)
    noun = "version" if len(found) == 1 else "versions"
    aliases = client.get_registered_model(name).aliases
    known = f" Aliases: {', '.join(f'@{alias}' for alias in sorted(aliases))}." if aliases else ""
    return f"{name} has {noun} {versions}.{known}" if versions else f"{name} has no version."


def _without_password(text: str) -> str:
    return re.sub(r"(://[^/@\s:]*):[^/@\s]*@", r"\1:***@", text)
