"""Python objects in a file: the formats that several flavors share."""

import logging
import pickle
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from handler.errors import ModelLoadError
from handler.manifest import ModelInfo

_logger = logging.getLogger(__name__)


def read_object(path: Path, info: ModelInfo) -> Any:
    """Return the object in a pickle, cloudpickle, joblib or skops file.

    :raises ModelLoadError: a skops file holds types that the model does not trust.
    """
    if info.serialization_format == "skops":
        return _read_skops(path, info.trusted_types)
    if info.serialization_format == "joblib":
        # Imported here: only this format needs it.
        import joblib

        return joblib.load(path)
    with path.open("rb") as file:
        if info.serialization_format == "cloudpickle":
            import cloudpickle

            return cloudpickle.load(file)
        return pickle.load(file)


@contextmanager
def warnings_in_the_log(what: str) -> Iterator[None]:
    """Write the warnings raised inside to the log, each once.

    Libraries warn when the model comes from another version of them; that belongs in the log
    and must not end the load where warnings are errors.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        _logger.warning("loading %s: %s", what, message)


def _read_skops(path: Path, trusted: tuple[str, ...]) -> Any:
    # Imported here: it costs a second on top of scikit-learn, and only this format needs it.
    import skops.io
    from skops.io.exceptions import UntrustedTypesFoundException

    try:
        return skops.io.load(path, trusted=list(trusted))
    except UntrustedTypesFoundException as error:
        untrusted = sorted(set(skops.io.get_untrusted_types(file=path)) - set(trusted))
        raise ModelLoadError(
            f"{path.name} holds types that the model does not trust: {', '.join(untrusted)}."
            " If they are safe, log the model with them in skops_trusted_types"
        ) from error
