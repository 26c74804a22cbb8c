"""Versions of libraries that the MLmodel file itself records, beside the requirements."""

from pathlib import Path
from typing import Any

import yaml

from packager.support.malformed import YAML_ERRORS

_KEYS = {
    "sklearn_version": "scikit-learn",
    "lgb_version": "lightgbm",
    "xgb_version": "xgboost",
    "catboost_version": "catboost",
    "statsmodels_version": "statsmodels",
    "pmdarima_version": "pmdarima",
    "prophet_version": "prophet",
    "cloudpickle_version": "cloudpickle",
    "pytorch_version": "torch",
    "keras_version": "keras",
    "spacy_version": "spacy",
    "onnx_version": "onnx",
}
"""What the flavors' `save_model` (MLflow 1.0 to 3.18) call them, and the distributions."""


def read_logged_versions(folder: Path) -> dict[str, str]:
    """Return versions by the canonical names of the distributions."""
    try:
        document: Any = yaml.safe_load((folder / "MLmodel").read_text(encoding="utf-8"))
        sections = [*document["flavors"].values()]
    except (OSError, KeyError, *YAML_ERRORS):
        return {}
    return {
        _KEYS[key]: value
        for section in sections
        if isinstance(section, dict)
        for key, value in section.items()
        if key in _KEYS and isinstance(value, str)
    }
