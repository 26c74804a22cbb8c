"""Bare files of Prophet, statsmodels and pmdarima."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from packager.errors import ModelError
from packager.sources.bareformat import BareFormat, Found
from packager.sources.pickles import search_pickle, sniff_bare_file

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
    return Found.plain(
        "model.pr", {"model_type": "Prophet"}, version=version, content=json.dumps(text)
    )


def _read_pickle(path: Path, data: str, more: Mapping[str, str] | None = None) -> Found:
    found = sniff_bare_file(path)
    if found.serialization_format == "joblib":
        raise ModelError(
            f"{path} was written by joblib, which this flavor does not read",
            hint="Load it, and save it with pickle.",
        )
    is_cloudpickle = found.serialization_format == "cloudpickle"
    return Found.plain(data, more, requirements=("cloudpickle",) if is_cloudpickle else ())


def _read_statsmodels(path: Path) -> Found:
    return _read_pickle(path, "model.statsmodels")


def _read_pmdarima(path: Path) -> Found:
    found = _read_pickle(path, "model.pmd", {"model_type": "AutoARIMA"})
    return replace(found, version=search_pickle(path, _PMDARIMA))


_PICKLES = (".pkl", ".pickle")
FORMATS = (
    BareFormat("prophet", (".json",), _read_prophet, _is_prophet),
    BareFormat("statsmodels", _PICKLES, _read_statsmodels, is_told=True),
    BareFormat("pmdarima", _PICKLES, _read_pmdarima, is_told=True),
)
