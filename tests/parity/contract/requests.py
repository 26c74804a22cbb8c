"""Scoring requests, valid and not, that any server for a model must answer alike."""

import json
from dataclasses import dataclass
from typing import Any

JSON = "application/json"
CSV = "text/csv"


@dataclass(frozen=True)
class Request:
    """One scoring request and the model it is for."""

    model: str
    body: bytes
    content_type: str = JSON

    def __str__(self) -> str:
        text = self.body.decode(errors="replace")
        return f"{self.model}: {self.content_type}: {text[:60]}"


def _json(model: str, *documents: Any) -> list[Request]:
    return [Request(model, json.dumps(document).encode()) for document in documents]


def _raw(model: str, content_type: str, *bodies: bytes) -> list[Request]:
    return [Request(model, body, content_type) for body in bodies]


_NAMES = ["x0", "x1", "x2", "x3"]
_ROWS = [[0.1, -0.2, 0.3, -0.4], [0.5, 0.6, -0.7, 0.8]]
_RECORDS = [dict(zip(_NAMES, row, strict=True)) for row in _ROWS]
_COLUMNS = {name: [row[i] for row in _ROWS] for i, name in enumerate(_NAMES)}


def _split(rows: Any = None, names: Any = None, **more: Any) -> dict[str, Any]:
    return {"dataframe_split": {"columns": names or _NAMES, "data": rows or _ROWS, **more}}


FOREST = [
    *_json(
        "forest",
        _split(),
        _split(index=["p", "q"]),
        _split([[1, 2, 3, 4]]),
        _split([["1.5", True, None, "-2"]]),
        _split([[1e300, -0.0, float("nan"), 5e-324]]),
        _split([row[::-1] for row in _ROWS], _NAMES[::-1]),
        _split([[*row, "extra"] for row in _ROWS], [*_NAMES, "zz"]),
        _split([row[:3] for row in _ROWS]),
        _split([row[:3] for row in _ROWS], _NAMES[:3]),
        _split([[*row, 1.0] for row in _ROWS]),
        _split([["a", 1, 2, 3]]),
        _split([[[1], 1, 2, 3]]),
        _split(names=["x0", "x0", "x2", "x3"]),
        {"dataframe_split": {"data": _ROWS}},
        {"dataframe_split": {"columns": _NAMES}},
        {"dataframe_split": {"columns": _NAMES, "data": []}},
        {"dataframe_split": {"columns": _NAMES, "data": _ROWS, "dtypes": {}}},
        {"dataframe_split": _ROWS},
        {"dataframe_split": None},
        {"dataframe_records": _RECORDS},
        {"dataframe_records": [*_RECORDS, {"x0": 1.0}]},
        {"dataframe_records": []},
        {"dataframe_records": [{"X0": 1.0}]},
        {"dataframe_records": _RECORDS[0]},
        {"dataframe_records": "x"},
        {"inputs": _RECORDS},
        {"inputs": _RECORDS[0]},
        {"inputs": _COLUMNS},
        {"inputs": _ROWS},
        {"inputs": {**_COLUMNS, "x0": [1.0]}},
        {"inputs": {**_COLUMNS, "x0": ["a", "b"]}},
        {"inputs": []},
        {"inputs": None},
        {"inputs": 5},
        {"instances": _RECORDS},
        {"instances": _COLUMNS},
        {"instances": {**_COLUMNS, "x0": [1.0]}},
        {"instances": [{"x0": 1.0}, 2]},
        {"inputs": _RECORDS, "params": {"a": 1}},
        {"inputs": _RECORDS, "params": [1]},
        {"inputs": _RECORDS, "id": 7, "signature_name": "s"},
        {"inputs": _RECORDS, "instances": _RECORDS},
        {"columns": _NAMES, "data": _ROWS},
        {"messages": [{"role": "user", "content": "hello"}]},
        {"prompt": "hello"},
        {},
        [],
        "text",
        None,
    ),
    *_raw("forest", JSON, b"", b"{", b'{"inputs": "\xff"}', b"\xef\xbb\xbf" + b'{"inputs": []}'),
    *_raw("forest", f"{JSON}; charset=utf-8", json.dumps(_split()).encode()),
    *_raw("forest", f"{JSON};charset=UTF-8", json.dumps(_split()).encode()),
    *_raw("forest", f"{JSON}; charset=latin-1", json.dumps(_split()).encode()),
    *_raw("forest", f"{JSON}; format=pandas-split", json.dumps(_split()).encode()),
    *_raw("forest", "text/plain", b"hello"),
    *_raw("forest", "application/x-www-form-urlencoded", b"a=1"),
    *_raw("forest", "", b"{}"),
    *_raw(
        "forest",
        CSV,
        b"x0,x1,x2,x3\n0.1,-0.2,0.3,-0.4\n0.5,0.6,-0.7,0.8\n",
        b"x3,x2,x1,x0,zz\n0.1,-0.2,0.3,-0.4,a\n",
        b"x0,x1,x2,x3\n0.1,,0.3,-0.4\n",
        b"x0,x1,x2,x3\n0.1,a,0.3,-0.4\n",
        b"x0,x1,x2,x3\n1,2,3,4\n1,2,3,4,5,6\n",
        b"x0,x1\n1,2\n",
        b"x0,x1,x2,x3\n",
        b"",
        b"x0\xff\n",
    ),
]

PROBABILITIES = _json("probabilities", _split(), {"inputs": _COLUMNS}, _split([[1, 2, 3, 4]]))

PIPELINE = [
    *_json(
        "pipeline",
        {"dataframe_records": [{"city": "oslo", "income": 2.0, "visits": 5}]},
        {"dataframe_records": [{"city": "oslo", "income": None, "visits": 5}]},
        {"dataframe_records": [{"city": "oslo", "visits": 5}]},
        {"dataframe_records": [{"city": 7, "income": 2.0, "visits": 5}]},
        {"dataframe_records": [{"city": "oslo", "income": 2.0, "visits": 5.7}]},
        {"dataframe_records": [{"city": "oslo", "income": 2.0, "visits": None}]},
        {"dataframe_records": [{"city": "oslo", "income": 2.0, "visits": 2**63}]},
        {"inputs": [{"city": "rome", "income": 1, "visits": 5}]},
        {"inputs": [{"city": "rome", "income": 1, "visits": 2**63}]},
        {"inputs": {"city": ["rome", "oslo"], "income": [1, 2.5], "visits": [1, 2]}},
        {"inputs": {"city": "rome", "income": 1.0, "visits": 1}},
        {"instances": [{"city": "rome", "income": 1.0, "visits": 5}]},
    ),
    *_raw(
        "pipeline",
        CSV,
        b"city,income,visits\noslo,2.0,5\n",
        b"city,income,visits\noslo,,5\n",
        b"city,income,visits\noslo,2.0,\n",
        b"city,income,visits\noslo,2.0,5.5\n",
    ),
]

TENSOR = [
    *_json(
        "tensor",
        {"inputs": _ROWS},
        {"inputs": [[5, 3, 1, 0]]},
        {"inputs": _ROWS[0]},
        {"inputs": [[1.0, 2.0]]},
        {"inputs": [[1.0, 2.0], [1.0]]},
        {"inputs": [["a", "b", "c", "d"]]},
        {"inputs": {"x": _ROWS}},
        {"inputs": _RECORDS},
        {"inputs": 1.0},
        {"instances": _ROWS},
        _split(),
        {"dataframe_split": {"data": _ROWS}},
        {"dataframe_split": {"data": []}},
        {"dataframe_split": {"columns": ["v"], "data": [[_ROWS[0]], [_ROWS[1]]]}},
        {"dataframe_split": {"columns": ["v"], "data": [[[1.0, 2.0]]]}},
    ),
    *_raw("tensor", CSV, b"x0,x1,x2,x3\n1,2,3,4\n"),
]

BARE = [
    *_json(
        "bare",
        {"inputs": _ROWS},
        {"instances": _ROWS},
        _split(),
        {"dataframe_records": _RECORDS},
        {"inputs": [[1.0, 2.0]]},
        {"inputs": [["a", 2.0, 3.0, 4.0]]},
    ),
    *_raw("bare", CSV, b"a,b,c,d\n1,2,3,4\n"),
]

_ALL = {
    "flag": True,
    "small": 1,
    "big": 2,
    "single": 0.1,
    "double": 0.1,
    "text": "é",
    "blob": "AP9oaQ==",
    "when": "2024-01-02T03:04:05.123456789",
    "list": [1.5, 2.0],
    "point": {"p": "x", "q": 0.5},
    "counts": {"k": 1},
    "free": [1, "x", None],
}


def _with(**changes: Any) -> dict[str, Any]:
    return {"dataframe_records": [{**_ALL, **changes}]}


def _arrays(**changes: Any) -> dict[str, Any]:
    return {"inputs": [{**_ALL, **changes}]}


ECHO = _json(
    "echo",
    _with(),
    _with(flag="false"),
    _with(flag=0, small=1.5, big="7", single=1e300, double=True),
    _with(small=2**40),
    _with(text=1),
    _with(text=None),
    _with(blob="not base64!"),
    _with(blob=None),
    _with(when="2024-01-02T03:04:05Z"),
    _with(when="01/02/2024"),
    _with(when=1704164645),
    _with(when=None),
    _with(when="soon"),
    _with(list=[1, 2]),
    _with(list=[]),
    _with(list=["a"]),
    _with(list=1.0),
    _with(list=None),
    _with(point={"p": "x", "q": None}),
    _with(point={"q": 1.5}),
    _with(point={"p": "x", "z": 1}),
    _with(point={"p": 1}),
    _with(point="x"),
    _with(counts={}),
    _with(counts={"k": 1.5}),
    _with(counts=[1]),
    _arrays(),
    _arrays(flag="false", small=1.5, big=True, text=1.5, blob=1),
    _arrays(small=2**40),
    _arrays(when="2024-01-02T03:04:05+02:00"),
    _arrays(when="01/02/2024"),
    _arrays(list=[1, 2]),
    _arrays(point={"p": "x", "z": 1}),
    {"inputs": _ALL},
    {"inputs": {name: [value] for name, value in _ALL.items()}},
    {"instances": [_ALL]},
    {"dataframe_records": [_ALL, {"flag": True}]},
    {**_with(), "params": {"k": 2, "words": [], "when": "2024-05-06", "unknown": 1}},
    {**_with(), "params": {"k": None}},
    {**_with(), "params": {"k": "high", "n": 1.0}},
    {**_with(), "params": {"n": True}},
    {**_with(), "params": {"words": "a"}},
    {**_with(), "params": {"words": [["a"]]}},
    {**_with(), "params": {"when": 5}},
    {**_with(), "params": []},
)

REQUESTS = [*FOREST, *PROBABILITIES, *PIPELINE, *TENSOR, *BARE, *ECHO]
