"""Bare files of scikit-learn, and of the wrappers in its style that LightGBM has."""

import re
from pathlib import Path

from packager.errors import ModelError
from packager.sources.bareformat import BareFormat, Found
from packager.sources.pickles import BareFile, search_pickle, sniff_bare_file

# What reads the format besides scikit-learn, which brings joblib along.
_FORMAT_REQUIREMENTS = {"skops": ("skops",), "cloudpickle": ("cloudpickle",)}
# As protocol 2 and later ones name a class: module and name, few bytes apart.
_LIGHTGBM_CLASS = re.compile(rb"lightgbm\.sklearn[^\w.]{1,4}(?:\w\W)?(LGBM\w+)")


def _data_name(path: Path, found: BareFile) -> str:
    return f"model{'.pkl' if 'pickle' in found.serialization_format else path.suffix}"


def _read_sklearn(path: Path) -> Found:
    found = sniff_bare_file(path)
    data = _data_name(path, found)
    return Found(
        data=data,
        section={
            "code": None,
            "pickled_model": data,
            "serialization_format": found.serialization_format,
            "skops_trusted_types": None,
        },
        pyfunc={"model_path": data, "predict_fn": "predict"},
        version=found.sklearn_version,
        requirements=_FORMAT_REQUIREMENTS.get(found.serialization_format, ()),
    )


def _read_lightgbm(path: Path) -> Found:
    found = sniff_bare_file(path)
    name = search_pickle(path, _LIGHTGBM_CLASS)
    if name is None:
        raise ModelError(
            f"{path} names no model of LightGBM in clear",
            hint="Save its booster instead: model.booster_.save_model('model.txt').",
        )
    return Found.plain(
        _data_name(path, found),
        {
            "model_class": f"lightgbm.sklearn.{name}",
            "serialization_format": found.serialization_format,
            "skops_trusted_types": None,
        },
        requirements=("scikit-learn", *_FORMAT_REQUIREMENTS.get(found.serialization_format, ())),
    )


_PICKLES = (".pkl", ".pickle", ".joblib")
FORMATS = (
    BareFormat("sklearn", (".skops",), _read_sklearn),
    BareFormat("sklearn", _PICKLES, _read_sklearn, is_told=True),
    BareFormat("lightgbm", _PICKLES, _read_lightgbm, is_told=True),
)
