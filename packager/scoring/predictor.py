"""A bundle as a predictor in this process: the model, loaded and called by the handler's code."""

import importlib
import shutil
import sys
import tempfile
import weakref
import zipfile
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from handler.errors import HandlerError, PredictionError
from handler.loaders.load import load_model
from handler.manifest import MODEL_FOLDER, BundleManifest
from handler.requests.scorer import Scorer
from packager.bundle.folder import Bundle, read_bundle
from packager.errors import BundleInvalid, ModelError
from packager.model.flavors.table import flavor_named


class Predictor:
    """The model of a bundle, ready to predict here, as it does on Lambda.

    It needs no AWS, and of the packages in the bundle those that the model uses: for a compiled one
    numpy and pandas. It can be pickled: what is pickled is where the bundle is.

    :param bundle: its files have been compared with their digests. Loading a model can run code
        that came with it.
    :raises ModelError: it cannot be loaded here, above all without its packages.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.manifest = bundle.manifest
        self._bundle = bundle.folder.resolve()
        folder = Path(tempfile.mkdtemp(prefix="packager-predictor-"))
        # Some libraries read on from the files of a model that is loaded.
        self._remove = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        _unpack(bundle, folder)
        info = bundle.manifest.model
        if loader := flavor_named(info.flavor).loader:
            # Another package's: in a bundle it lies beside ours.
            sys.modules[f"handler.loaders.{info.flavor}"] = importlib.import_module(loader)
        try:
            self._scorer = Scorer(load_model(folder, info), info)
        except HandlerError as error:
            self._remove()
            what = f"the model cannot be loaded in this process: {error.__cause__ or error.message}"
            raise ModelError(what, hint=_lacking(bundle.manifest)) from error

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Return the predictions, in whatever type the model gives, as MLflow's `predict` does.

        :param data: a DataFrame, an ndarray, or a dict or list of them, of one or more rows. It is
            held against the model's signature, as a request is.
        :param params: the signature's, by name.
        :raises ModelError: the data does not fit the signature, or the model raised.
        """
        try:
            return self._scorer.predict(data, params)
        except PredictionError as error:
            cause = error.__cause__
            raise ModelError(f"the model raised {type(cause).__name__}: {cause}") from cause
        except HandlerError as error:
            raise ModelError(error.message) from error

    def __reduce__(self) -> tuple[Any, ...]:
        return _load_again, (self._bundle, self.manifest.model.files)


def _load_again(folder: Path, files: object) -> Predictor:
    bundle = read_bundle(folder)
    if bundle.manifest.model.files != files:
        raise BundleInvalid(
            f"{folder} holds another model now than when the predictor was pickled",
            hint="Load it again: packager.load.",
        )
    return Predictor(bundle)


def _unpack(bundle: Bundle, folder: Path) -> None:
    prefix = "" if bundle.model_zip else f"{MODEL_FOLDER}/"
    with zipfile.ZipFile(bundle.model_zip or bundle.function_zip) as archive:
        for entry in bundle.manifest.model.files:
            path = folder / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with archive.open(prefix + entry.path) as source, path.open("wb") as target:
                    shutil.copyfileobj(source, target)
            except KeyError as error:
                raise BundleInvalid(f"{archive.filename} lacks {entry.path}") from error


def _lacking(manifest: BundleManifest) -> str:
    """Return which of the bundle's packages are not here."""
    here = {canonicalize_name(item.name) for item in metadata.distributions()}
    lacking = [item.name for item in manifest.packages if item.name not in here]
    if not lacking:
        return "All packages of the bundle are here: `packager check` runs it as Lambda does."
    return f"Of the bundle's packages this process lacks: {', '.join(lacking)}."
