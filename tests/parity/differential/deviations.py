"""Where we answer otherwise than MLflow on purpose: the whole table, as data.

The numbers are those of `docs/mlflow-compatibility.md`, which argues each. A difference that
no entry explains is a bug. An entry whose `example` no longer differs must go.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from .exchange import JSON, Answer, Request
from .values import DIGITS

IGNORED_IN_ERRORS = ("message", "stack_trace")
"""Deviation 7: our messages name column, row index and JSON type, and hold neither the payload
nor a traceback. The other keys of an error, and their order, must be MLflow's."""

Judgement = Callable[[Request, Answer, Answer], bool]
"""Of a request, MLflow's answer and ours."""


@dataclass(frozen=True)
class Deviation:
    """One way in which answers may differ."""

    number: int
    reason: str
    explains: Judgement
    model: str
    """Of the example."""
    example: Request
    meant: Callable[[Request], Request] | None = None
    """What the client meant: asked that, MLflow must answer as we do."""


def error_code(answer: Answer) -> str | None:
    """Return the `error_code` of an error in MLflow's shape."""
    try:
        document = json.loads(answer.body)
    except ValueError:
        return None
    return document.get("error_code") if isinstance(document, dict) else None


def _has_crashed(theirs: Answer) -> bool:
    return theirs.status == 500 and theirs.body == b"Internal Server Error"


def _canonical_type(request: Request) -> Request:
    name, *parameters = (request.content_type or JSON).split(";")
    parameters = [part.strip().lower().replace('"', "") for part in parameters if part.strip()]
    return replace(request, content_type=";".join((name.strip().lower(), *parameters)))


def _no_content_type(request: Request, theirs: Answer, ours: Answer) -> bool:
    return request.content_type is None and _has_crashed(theirs)


def _loose_content_type(request: Request, theirs: Answer, ours: Answer) -> bool:
    return (
        theirs.status == 415
        and ours.status != 415
        and request.content_type != _canonical_type(request).content_type
    )


def _shapeless_415(request: Request, theirs: Answer, ours: Answer) -> bool:
    return theirs.status == ours.status == 415 and error_code(ours) == "BAD_REQUEST"


def _repeated_free_column(request: Request, theirs: Answer, ours: Answer) -> bool:
    if theirs.status != 200 or error_code(ours) != "INVALID_PARAMETER_VALUE":
        return False
    if not (request.content_type or JSON).startswith(JSON):
        return False
    names = [str(name) for name in json.loads(request.body)["dataframe_split"]["columns"]]
    return len(set(names)) < len(names)


def _crash_of_a_reader(request: Request, theirs: Answer, ours: Answer) -> bool:
    return _has_crashed(theirs) and ours.status == 400 and error_code(ours) == "BAD_REQUEST"


def _unwritable(request: Request, theirs: Answer, ours: Answer) -> bool:
    return _has_crashed(theirs) and ours.status == 500 and error_code(ours) == "INTERNAL_ERROR"


def _probe(request: Request, theirs: Answer, ours: Answer) -> bool:
    is_probe = request.method == "HEAD" and request.path in ("/ping", "/health")
    is_slash = request.path.endswith("/") and theirs.status == 307
    return (is_probe and theirs.status == 405 and ours.status == 200) or (
        is_slash and ours.status != 307
    )


def _categories_of_booster(request: Request, theirs: Answer, ours: Answer) -> bool:
    is_refused = theirs.status == 400 and b"categorical_feature do not match" in theirs.body
    return is_refused and ours.status == 200


def _json(document: object) -> Request:
    return Request(json.dumps(document).encode())


_ROW = {"dataframe_split": {"columns": ["x0", "x1", "x2", "x3"], "data": [[0.1, 2, 3, 4]]}}

DEVIATIONS = (
    Deviation(
        1,
        "A request without Content-Type is JSON; MLflow crashes.",
        _no_content_type,
        "classifier",
        replace(_json(_ROW), content_type=None),
        _canonical_type,
    ),
    Deviation(
        2,
        "Content types are read as RFC 9110 says: in any case, perhaps quoted.",
        _loose_content_type,
        "classifier",
        replace(_json(_ROW), content_type='Application/JSON; Charset="utf-8";'),
        _canonical_type,
    ),
    Deviation(
        3,
        "A 415 has the JSON shape of every other error; MLflow's is plain text.",
        _shapeless_415,
        "classifier",
        Request(b"hello", "text/plain"),
    ),
    Deviation(
        4,
        "Of a repeated column of type Any, MLflow hands the model the names as its data.",
        _repeated_free_column,
        "echo_optional",
        _json({"dataframe_split": {"columns": ["any", "any"], "data": [[1, 2], [3, 4]]}}),
    ),
    Deviation(
        5,
        "A body that crashes MLflow's reader is the client's mistake, so 400.",
        _crash_of_a_reader,
        "classifier",
        Request(b'{"inputs": ' + b"9" * DIGITS + b"}"),
    ),
    Deviation(
        6,
        "A prediction that JSON has no form for is an error in MLflow's shape.",
        _unwritable,
        "mirror_bare",
        _json({"dataframe_split": {"columns": [["a", "b"], ["c", "d"]], "data": [[1, 2]]}}),
    ),
    Deviation(
        8,
        "Health checkers send HEAD, and a redirect loses the body of a POST.",
        _probe,
        "classifier",
        Request(b"", None, "HEAD", "/ping"),
    ),
    Deviation(
        13,
        "Text becomes the categories that a LightGBM model was fitted on; MLflow can send none.",
        _categories_of_booster,
        "categories_of_lightgbm",
        _json({"dataframe_records": [{"x0": 0.5, "colour": "red"}]}),
    ),
)
