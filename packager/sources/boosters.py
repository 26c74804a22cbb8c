"""Bare files of XGBoost, LightGBM and CatBoost."""

import json
import mmap
import re
from pathlib import Path

from packager.errors import ModelError
from packager.sources.bareformat import BareFormat, Found

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
    start = _start(path, 512)
    if start.startswith(_UBJSON):
        return True
    return start.lstrip().startswith(b"{") and b'"learner"' in start


def _read_xgboost(path: Path) -> Found:
    is_binary_json = _start(path, 2) == _UBJSON
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        _check_end(path, data)
        version = _xgboost_version(data, is_binary_json=is_binary_json)
        # XGBoost notes which of its scikit-learn classes wrote the file.
        estimator = _ESTIMATOR.search(data)
        model_class = _ESTIMATORS.get(estimator[1], _BOOSTER) if estimator else _BOOSTER
    saved_as = "ubj" if is_binary_json else "json"
    is_wrapped = model_class != _BOOSTER
    return Found(
        data=f"model.{saved_as}",
        section={
            "code": None,
            "data": f"model.{saved_as}",
            "model_class": model_class,
            "model_format": saved_as,
        },
        pyfunc={"data": f"model.{saved_as}"},
        version=version,
        requirements=("scikit-learn",) if is_wrapped else (),
        notes=(f"Class: {model_class}",),
    )


def _check_end(path: Path, data: mmap.mmap) -> None:
    if data[-64:].rstrip()[-1:] != b"}":
        raise ModelError(f"{path} is cut short: a model of XGBoost ends in a brace")


def _xgboost_version(data: mmap.mmap, *, is_binary_json: bool) -> str | None:
    # XGBoost writes it last; trees can be megabytes.
    end = data[-4096:]
    found = (_UBJSON_VERSION if is_binary_json else _JSON_VERSION).search(end)
    if found is None:
        return None
    numbers = [part[0] if is_binary_json else int(part) for part in found.groups()]
    return ".".join(map(str, numbers))


def _is_old_xgboost(path: Path) -> bool:
    start = _start(path, 4)
    return path.suffix in (".xgb", ".bin", ".model") and bool(start) and start[:1] != b"{"


def _refuse_old_xgboost(path: Path) -> Found:
    raise ModelError(
        f"{path} is no model of XGBoost, or one in the binary format that XGBoost 3.1 dropped",
        hint="Load it with the XGBoost that wrote it, and save it again as .ubj.",
    )


def _is_lightgbm(path: Path) -> bool:
    lines = _start(path, 64).splitlines()
    return len(lines) > 1 and lines[0] == b"tree" and lines[1].startswith(b"version=")


def _read_lightgbm(path: Path) -> Found:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data.find(b"\nend of trees") < 0:
            raise ModelError(f"{path} is cut short: the line 'end of trees' is missing")
    return Found(
        data="model.lgb",
        section={
            "code": None,
            "data": "model.lgb",
            "model_class": "lightgbm.basic.Booster",
            "serialization_format": "cloudpickle",
            "skops_trusted_types": None,
        },
        pyfunc={"data": "model.lgb"},
    )


def _is_catboost(path: Path) -> bool:
    return _start(path, 4) == _CBM


def _is_catboost_json(path: Path) -> bool:
    start = _start(path, 4096)
    keys = (b'"features_info"', b'"model_info"', b'"oblivious_trees"', b'"ctr_data"')
    return start.lstrip().startswith(b"{") and any(key in start for key in keys)


def _read_catboost(path: Path) -> Found:
    return _catboost(path, "cbm")


def _read_catboost_json(path: Path) -> Found:
    try:
        json.loads(path.read_bytes())
    except ValueError as error:
        raise ModelError(f"{path} is damaged: {error}") from error
    return _catboost(path, "json")


def _catboost(path: Path, save_format: str) -> Found:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if save_format == "cbm" and len(data) < int.from_bytes(data[4:8], "little") + 8:
            raise ModelError(f"{path} is cut short")
        loss = _LOSS.search(data)
        model_type = _catboost_type(loss[1] if loss else b"")
        version = _CATBOOST_VERSION.search(data)
        wrote = version[1].decode() if version else None
    return Found(
        data="model.cb",
        section={
            "code": None,
            "data": "model.cb",
            "model_type": model_type,
            "save_format": save_format,
        },
        pyfunc={"data": "model.cb"},
        version=wrote,
        notes=(f"Class: {model_type}, by the model's loss function",),
    )


def _catboost_type(loss: bytes) -> str:
    if loss in _CLASSIFIERS:
        return "CatBoostClassifier"
    if loss in _REGRESSORS:
        return "CatBoostRegressor"
    return "CatBoostRanker" if loss.startswith(_RANKERS) else "CatBoost"


def _start(path: Path, size_bytes: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size_bytes)


FORMATS = (
    BareFormat(
        "xgboost",
        (".ubj", ".json", ".xgb", ".bin", ".model"),
        "xgboost",
        "xgb_version",
        _is_xgboost,
        _read_xgboost,
    ),
    BareFormat(
        "xgboost",
        (".xgb", ".bin", ".model"),
        "xgboost",
        "xgb_version",
        _is_old_xgboost,
        _refuse_old_xgboost,
    ),
    BareFormat(
        "lightgbm", (".txt", ".lgb"), "lightgbm", "lgb_version", _is_lightgbm, _read_lightgbm
    ),
    BareFormat(
        "catboost", (".cbm", ".cb"), "catboost", "catboost_version", _is_catboost, _read_catboost
    ),
    BareFormat(
        "catboost",
        (".json",),
        "catboost",
        "catboost_version",
        _is_catboost_json,
        _read_catboost_json,
    ),
)
