"""A scoring request of values that a model has seen, which it answers."""

import json
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from handler.errors import HandlerError
from handler.manifest import ModelInfo
from handler.requests.scorer import Scorer

from .learned import Feature, Learned
from .rows import Kind

_ROWS = 2
_WORDS = 300
"""Characters of a library's message that are kept."""

Document = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """What is known of the requests that a model answers: fields of `ModelInfo`."""

    sample: Document | None = None
    """None: nothing is known of its input, or it refuses all that was made of that."""
    refused_sample: Document | None = None
    """The same less its last column, where the model refuses that."""
    sample_refusal: str = ""
    """Where there is no sample: what the model said of one."""


def find_sample(scorer: Scorer, info: ModelInfo, learned: Learned | None) -> Sample:
    """Return a request that the model answers.

    :param learned: None: the model says nothing of its input.
    """
    if info.is_signature_from_type_hint:
        return Sample()
    if learned is None:
        return Sample()
    items = (info.signature or {}).get("inputs")
    if items:
        fitted = _fit(learned, items)
        if fitted is None:
            return Sample()
        learned = fitted
    words = ""
    for document in _documents(learned):
        said = _refusal(scorer, document)
        if said is None:
            return Sample(document, _refused(scorer, document))
        words = words or said
    return Sample(sample_refusal=words[:_WORDS])


def rows_of(learned: Learned) -> list[list[Any]]:
    """Return rows of JSON values that the model has seen."""
    return [[feature.sample(row) for feature in learned.features] for row in range(_ROWS)]


def _documents(learned: Learned) -> Iterator[Document]:
    """Yield requests, the likeliest first."""
    rows = rows_of(learned)
    if learned.is_text:
        yield {"inputs": [row[0] for row in rows]}
        return
    if learned.as_arrays is not None:
        arrays = {
            feature.name: _filled(feature, learned.as_arrays[str(feature.name)][1])
            for feature in learned.features
        }
        yield {"inputs": arrays if len(arrays) > 1 else next(iter(arrays.values()))}
        return
    if learned.names is not None:
        yield {"dataframe_split": {"columns": list(learned.names), "data": rows}}
    yield {"inputs": rows}
    yield {"dataframe_split": {"data": rows}}


def _filled(feature: Feature, shape: tuple[int, ...]) -> Any:
    value: Any = feature.sample(0)
    for at, length in reversed(list(enumerate(shape))):
        value = [value] * (length if length > 0 else _ROWS if at == 0 else 1)
    return value


_KINDS: dict[str, Kind] = {
    "double": "float64",
    "float": "float32",
    "long": "int64",
    "integer": "int32",
    "boolean": "bool",
    "string": "string",
}


def _fit(learned: Learned, items: list[dict[str, Any]]) -> Learned | None:
    """Return what a signature wants, with the values that the model has seen.

    :param items: MLflow's.
    """
    known = {feature.name: feature for feature in learned.features}
    if any(item.get("type") not in _KINDS for item in items) or learned.is_text:
        return None
    features = []
    for at, item in enumerate(items):
        name, kind = item.get("name"), _KINDS[item["type"]]
        of_place = learned.features[at] if len(learned.features) == len(items) else Feature(name)
        found = known.get(name, of_place)
        features.append(Feature(name, kind, _of_kind(found.values, kind)))
    return replace(learned, features=tuple(features), as_arrays=None)


def _of_kind(values: tuple[Any, ...], kind: Kind) -> tuple[Any, ...]:
    if kind == "string":
        return tuple(value for value in values if isinstance(value, str))
    numbers = [value for value in values if isinstance(value, int | float)]
    if kind in ("float64", "float32"):
        return tuple(map(float, numbers))
    return tuple(map(round, numbers)) if kind != "bool" else ()


def _refused(scorer: Scorer, document: Document) -> Document | None:
    """Return a table of named columns less the last one, where the model refuses that."""
    table = document.get("dataframe_split", {})
    if len(table.get("columns", ())) < _ROWS:
        return None
    less = {"columns": table["columns"][:-1], "data": [row[:-1] for row in table["data"]]}
    shorter = {"dataframe_split": less}
    return shorter if _refusal(scorer, shorter) is not None else None


def _refusal(scorer: Scorer, document: Document) -> str | None:
    """Return what the model says against a request; None: it answers."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # a refusal is an answer here, no failure
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scorer.score(json.dumps(document).encode(), "application/json")
    except HandlerError as error:
        cause = error.__cause__
        return str(error) if cause is None else f"{type(cause).__name__}: {cause}"
    finally:
        logging.disable(level)
    return None
