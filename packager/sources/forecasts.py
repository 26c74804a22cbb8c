"""Bare files of Prophet, statsmodels and pmdarima."""

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from packager.errors import ModelError
from packager.sources.bareformat import BareFormat, Found
from packager.sources.pickles import search_pickle, sniff_pickle

_PROPHET = "__prophet_version"
_START_BYTES = 1 << 16
# pmdarima's estimators keep the version that wrote them (pmdarima/arima/arima.py).
_PMDARIMA = re.compile(rb"pkg_version_.{1,12}?(\d+\.\d+\.\d+)", re.DOTALL)


def _is_prophet(path: Path) -> bool:
    # Prophet writes the version after the model's history, which may be long.
    with path.open("rb") as file:
        start = file.read(_START_BYTES)
        file.seek(max(0, path.stat().st_size - _START_BYTES))
        end = file.read()
    return start.lstrip()[:1] in (b"{", b'"') and _PROPHET.encode() in start + end


def _read_prophet(path: Path) -> Found:
    try:
        text = path.read_text(encoding="utf-8")
        document = json.loads(text)
        if isinstance(document, str):  # as MLflow writes it: JSON in a string of JSON
            text, document = document, json.loads(document)
        version = str(document[_PROPHET])
    except (ValueError, TypeError, KeyError) as error:
        raise ModelError(f"{path} is no model of Prophet, or is damaged: {error}") from error
    return Found(
        data="model.pr",
        section={"code": None, "data": "model.pr", "model_type": "Prophet"},
        pyfunc={"data": "model.pr"},
        version=version,
        content=json.dumps(text),
    )


def _is_any(path: Path) -> bool:
    return True


def _read_pickle(
    path: Path,
    data: str,
    more: dict[str, Any],
    version: Callable[[Path], str | None] = lambda path: None,
) -> Found:
    found = sniff_pickle(path)
    if found.serialization_format == "joblib":
        raise ModelError(
            f"{path} was written by joblib, which this flavor does not read",
            hint="Load it, and save it with pickle.",
        )
    return Found(
        data=data,
        section={"code": None, "data": data, **more},
        pyfunc={"data": data},
        version=version(path),
        requirements=("cloudpickle",) if found.serialization_format == "cloudpickle" else (),
    )


def _pmdarima_version(path: Path) -> str | None:
    return search_pickle(path, _PMDARIMA)


_PICKLES = (".pkl", ".pickle")
FORMATS = (
    BareFormat("prophet", (".json",), "prophet", "prophet_version", _is_prophet, _read_prophet),
    BareFormat(
        "statsmodels",
        _PICKLES,
        "statsmodels",
        "statsmodels_version",
        _is_any,
        partial(_read_pickle, data="model.statsmodels", more={}),
        is_told=True,
    ),
    BareFormat(
        "pmdarima",
        _PICKLES,
        "pmdarima",
        "pmdarima_version",
        _is_any,
        partial(
            _read_pickle,
            data="model.pmd",
            more={"model_type": "AutoARIMA"},
            version=_pmdarima_version,
        ),
        is_told=True,
    ),
)
