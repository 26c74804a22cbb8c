"""What an MLmodel file knows of the day that it was logged: versions, and the date."""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any

from packaging.version import InvalidVersion, Version

# Keys that flavors write beside those that are called `NAME_version` after the distribution.
_DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "xgb": "xgboost",
    "lgb": "lightgbm",
    "pytorch": "torch",
    "sentence_transformers": "sentence-transformers",
    "langchain": "langchain",
    "paddle": "paddlepaddle",
    "fastai": "fastai",
    "tf": "tensorflow",
}
_NOT_OF_PACKAGES = frozenset({"python", "archive", "model", "opset", "ir"})
_KEY = re.compile(r"_?([a-z0-9_]+)_version")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def read_logged_versions(document: dict[str, Any]) -> dict[str, str]:
    """Return the version of each distribution, by its canonical name, that the file has one of."""
    return dict(_versions(document))


def read_logged_day(document: dict[str, Any]) -> str | None:
    """Return the day (UTC) on which the model was logged, as `2023-05-31`; None: it is not said."""
    match = _DAY.match(str(document.get("utc_time_created") or ""))
    try:
        return date.fromisoformat(match[0]).isoformat() if match else None
    except ValueError:
        return None


def _versions(document: dict[str, Any]) -> Iterator[tuple[str, str]]:
    flavors = document.get("flavors")
    sections = flavors.values() if isinstance(flavors, dict) else ()
    for section in (document, *(item for item in sections if isinstance(item, dict))):
        for key, value in section.items():
            match = _KEY.fullmatch(key) if isinstance(key, str) else None
            if match is None or match[1] in _NOT_OF_PACKAGES or not isinstance(value, str):
                continue
            try:
                # Without what a build of one machine adds, as `+cu118`.
                public = Version(value).public
            except InvalidVersion:
                continue
            yield _DISTRIBUTIONS.get(match[1], match[1].replace("_", "-")), public
