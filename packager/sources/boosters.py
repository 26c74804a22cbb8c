"""Bare files of XGBoost, LightGBM and CatBoost."""

import json
import mmap
import re
from pathlib import Path

from packager.errors import ModelError
from packager.sources.bareformat import BareFormat, Found
from packager.support.filebytes import first_bytes, mapped

# The first bytes of UBJSON as XGBoost writes it: an object whose first key has a 64-bit length.
_UBJSON = b"{L"
_UBJSON_VERSION = re.compile(rb"L\0{7}\x07version\[#L\0{7}\x03i(.)i(.)i(.)", re.DOTALL)
_JSON_VERSION = re.compile(rb'"version"\s*:\s*\[\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\]')
_ESTIMATOR = re.compile(rb'_estimator_type\\*"\s*:\s*\\*"(\w+)')
_ESTIMATORS = {
    b"classifier": "xgboost.sklearn.XGBClassifier",
    b"regressor": "xgboost.sklearn.XGBRegressor",
    b"ranker": "xgboost.sklearn.XGBRanker",
}
_BOOSTER = "xgboost.core.Booster"

_CBM = b"CBM1"
_LOSS = re.compile(rb'\\?"loss_function\\?"\s*:\s*\{.{0,2000}?\\?"type\\?"\s*:\s*\\?"(\w+)', re.S)
_CATBOOST_VERSION = re.compile(rb"Branch: tags/v(\d+\.\d+(?:\.\d+)?)")
# CatBoost's own division of its loss functions (catboost/core.py).
_CLASSIFIERS = (b"Logloss", b"CrossEntropy", b"MultiClass", b"MultiClassOneVsAll")
_RANKERS = (b"YetiRank", b"PairLogit", b"QueryRMSE", b"QuerySoftMax", b"StochasticRank")
_REGRESSORS = (
    *(b"RMSE", b"MAE", b"Quantile", b"LogLinQuantile", b"Poisson", b"MAPE", b"Lq"),
    *(b"SurvivalAft", b"RMSEWithUncertainty", b"MultiRMSE", b"Tweedie", b"Huber", b"Expectile"),
)


def _is_xgboost(path: Path) -> bool:
    start = first_bytes(path, 512)
    if start.startswith(_UBJSON):
        return True
    return start.lstrip().startswith(b"{") and b'"learner"' in start


def _read_xgboost(path: Path) -> Found:
    is_binary_json = first_bytes(path, 2) == _UBJSON
    with mapped(path) as data:
        if data[-64:].rstrip()[-1:] != b"}":
            raise ModelError(f"{path} is cut short: a model of XGBoost ends in a brace")
        version = _xgboost_version(data, is_binary_json=is_binary_json)
        # XGBoost notes which of its scikit-learn classes wrote the file.
        estimator = _ESTIMATOR.search(data)
        model_class = _ESTIMATORS.get(estimator[1], _BOOSTER) if estimator else _BOOSTER
    saved_as = "ubj" if is_binary_json else "json"
    return Found.plain(
        f"model.{saved_as}",
        {"model_class": model_class, "model_format": saved_as},
        version=version,
        requirements=() if model_class == _BOOSTER else ("scikit-learn",),
        notes=(f"Class: {model_class}",),
    )


def _xgboost_version(data: mmap.mmap, *, is_binary_json: bool) -> str | None:
    # XGBoost writes it last; trees can be megabytes.
    end = data[-4096:]
    found = (_UBJSON_VERSION if is_binary_json else _JSON_VERSION).search(end)
    if found is None:
        return None
    numbers = [part[0] if is_binary_json else int(part) for part in found.groups()]
    return ".".join(map(str, numbers))


def _is_old_xgboost(path: Path) -> bool:
    return path.suffix in _OLD_XGBOOST and first_bytes(path, 1) not in (b"", b"{")


def _refuse_old_xgboost(path: Path) -> Found:
    raise ModelError(
        f"{path} is no model of XGBoost, or one in the binary format that XGBoost 3.1 dropped",
        hint="Load it with the XGBoost that wrote it, and save it again as .ubj.",
    )


def _is_lightgbm(path: Path) -> bool:
    lines = first_bytes(path, 64).splitlines()
    return len(lines) > 1 and lines[0] == b"tree" and lines[1].startswith(b"version=")


def _read_lightgbm(path: Path) -> Found:
    with mapped(path) as data:
        if data.find(b"\nend of trees") < 0:
            raise ModelError(f"{path} is cut short: the line 'end of trees' is missing")
    return Found.plain(
        "model.lgb",
        {
            "model_class": "lightgbm.basic.Booster",
            "serialization_format": "cloudpickle",
            "skops_trusted_types": None,
        },
    )


def _is_catboost(path: Path) -> bool:
    return first_bytes(path, 4) == _CBM


def _is_catboost_json(path: Path) -> bool:
    start = first_bytes(path, 4096)
    keys = (b'"features_info"', b'"model_info"', b'"oblivious_trees"', b'"ctr_data"')
    return start.lstrip().startswith(b"{") and any(key in start for key in keys)


def _read_catboost(path: Path) -> Found:
    is_binary = _is_catboost(path)
    with mapped(path) as data:
        if is_binary and len(data) < int.from_bytes(data[4:8], "little") + 8:
            raise ModelError(f"{path} is cut short")
        loss = _LOSS.search(data)
        model_type = _catboost_type(loss[1] if loss else b"")
        version = _CATBOOST_VERSION.search(data)
        wrote = version[1].decode() if version else None
    return Found.plain(
        "model.cb",
        {"model_type": model_type, "save_format": "cbm" if is_binary else "json"},
        version=wrote,
        notes=(f"Class: {model_type}, by the model's loss function",),
    )


def _read_catboost_json(path: Path) -> Found:
    try:
        json.loads(path.read_bytes())
    except ValueError as error:
        raise ModelError(f"{path} is damaged: {error}") from error
    return _read_catboost(path)


def _catboost_type(loss: bytes) -> str:
    if loss in _CLASSIFIERS:
        return "CatBoostClassifier"
    if loss in _REGRESSORS:
        return "CatBoostRegressor"
    return "CatBoostRanker" if loss.startswith(_RANKERS) else "CatBoost"


_OLD_XGBOOST = (".xgb", ".bin", ".model")
FORMATS = (
    BareFormat("xgboost", (".ubj", ".json", *_OLD_XGBOOST), _read_xgboost, _is_xgboost),
    BareFormat("xgboost", _OLD_XGBOOST, _refuse_old_xgboost, _is_old_xgboost),
    BareFormat("lightgbm", (".txt", ".lgb"), _read_lightgbm, _is_lightgbm),
    BareFormat("catboost", (".cbm", ".cb"), _read_catboost, _is_catboost),
    BareFormat("catboost", (".json",), _read_catboost_json, _is_catboost_json),
)
