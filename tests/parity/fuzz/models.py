"""Functions to fuzz: models behind the real init, each in a folder laid out as its package."""

import contextlib
import hashlib
import io
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from handler.manifest import BundleManifest, FileEntry, ModelInfo, TargetInfo

Signature = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """A model, its signature, and requests that it answers with 200."""

    model: Any
    signature: Signature | None
    documents: tuple[dict[str, Any], ...]
    csv: str

    @cached_property
    def parquet(self) -> bytes:
        """The rows of the CSV once more."""
        return pd.read_csv(io.StringIO(self.csv)).to_parquet()


@dataclass(frozen=True)
class Function:
    """A function after its init."""

    app: Any
    handler: Callable[[object, object], dict[str, Any]]
    sample: Sample


class Counter:
    """A model that takes anything; what comes before it is what is tested."""

    def predict(self, data: Any) -> list[int]:
        return [0] * len(data) if np.ndim(data) else [0]


def start_function(name: str, folder: Path) -> Function:
    """Lay the model of this name out in `folder`, and run the function's init."""
    sample = _SAMPLES[name]()
    data = pickle.dumps(sample.model)
    entry = FileEntry("model.pkl", len(data), hashlib.sha256(data).hexdigest())
    manifest = BundleManifest(
        packager_version="0.1.0",
        target=TargetInfo("python3.11", "x86_64"),
        model=ModelInfo(
            "sklearn",
            "model.pkl",
            "pickle",
            signature=sample.signature,
            input_example=sample.documents[0],
            model_id="m-fuzz",
            files=(entry,),
        ),
        model_source="embedded",
        model_archive=None,
    )
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "model.pkl").write_bytes(data)
    (folder / "bundle.json").write_text(manifest.to_json())
    with contextlib.redirect_stdout(io.StringIO()):  # the init's log lines
        # Imported here: importing it is an init too.
        from handler.main import start

        app, handler = start({}, folder)
    return Function(app, handler, sample)


def _signature(
    inputs: list[dict[str, Any]],
    params: list[dict[str, Any]] | None = None,
    output: str = "int64",
) -> Signature:
    outputs = [{"type": "tensor", "tensor-spec": {"dtype": output, "shape": [-1]}}]
    return {"inputs": inputs, "outputs": outputs, "params": params}


def _in_every_format(rows: list[dict[str, Any]]) -> tuple[dict[str, Any], ...]:
    names = list(rows[0])
    lists = {name: [row[name] for row in rows] for name in names}
    split = {"columns": names, "data": [list(row.values()) for row in rows]}
    return (
        {"dataframe_split": split},
        {"dataframe_split": split | {"index": list(range(len(rows)))}},
        {"dataframe_records": rows},
        {"inputs": rows},
        {"inputs": lists},
        {"instances": rows},
        {"instances": lists},
    )


def _features() -> Sample:
    names = [f"feature_{number}" for number in range(4)]
    frame = pd.DataFrame([[0.1, -0.2, 0.3, -0.4], [0.5, 0.6, -0.7, 0.8]], columns=names)
    items = [{"type": "double", "name": name, "required": True} for name in names]
    documents = _in_every_format(frame.to_dict(orient="records"))
    model = LogisticRegression().fit(frame, [0, 1])
    return Sample(model, _signature(items), documents, frame.to_csv(index=False))


def _columns() -> Sample:
    rows = [
        {"city": "oslo", "income": 1.5, "visits": 1},
        {"city": "rome", "income": 2.0, "visits": 2},
        {"city": "bern", "income": None, "visits": 3},
        {"city": "rome", "income": 4.0, "visits": 4},
    ]
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["city"]),
        (SimpleImputer(), ["income", "visits"]),
    )
    model = make_pipeline(columns, LogisticRegression()).fit(pd.DataFrame(rows), [0, 0, 1, 1])
    items = [
        {"type": "string", "name": "city", "required": True},
        {"type": "double", "name": "income", "required": False},
        {"type": "long", "name": "visits", "required": True},
    ]
    csv = "city,income,visits\noslo,1.5,1\nrome,,2\n"
    return Sample(model, _signature(items), _in_every_format(rows[:2]), csv)


_POINT = {"p": {"type": "string", "required": True}, "q": {"type": "double", "required": False}}
_TYPES: list[tuple[dict[str, Any], Any]] = [
    ({"type": "boolean", "name": "flag"}, True),
    ({"type": "integer", "name": "small"}, 1),
    ({"type": "long", "name": "big"}, 2),
    ({"type": "float", "name": "single"}, 1.5),
    ({"type": "double", "name": "double"}, 2.5),
    ({"type": "string", "name": "text"}, "a"),
    ({"type": "binary", "name": "blob"}, "AP9oaQ=="),
    ({"type": "datetime", "name": "when"}, "2026-01-02T03:04:05"),
    ({"type": "array", "items": {"type": "double"}, "name": "list"}, [1.5, 2.5]),
    (
        {"type": "array", "items": {"type": "array", "items": {"type": "long"}}, "name": "grid"},
        [[1]],
    ),
    ({"type": "object", "properties": _POINT, "name": "point"}, {"p": "x", "q": 1.5}),
    ({"type": "map", "values": {"type": "long"}, "name": "counts"}, {"k": 1}),
    ({"type": "any", "name": "free"}, {"k": [1, "a"]}),
]
_PARAMS: list[dict[str, Any]] = [
    {"name": "k", "default": 1.0, "shape": None, "type": "double"},
    {"name": "n", "default": 1, "shape": None, "type": "long"},
    {"name": "words", "default": ["a"], "shape": [-1], "type": "string"},
    {"name": "when", "default": "2026-01-01T00:00:00", "shape": None, "type": "datetime"},
]


def _types() -> Sample:
    items = [{"required": False, **item} for item, _ in _TYPES]
    items[2]["required"] = True
    row = {str(item["name"]): value for item, value in _TYPES}
    split, _, records, inputs, *_ = _in_every_format([row, row])
    params = {"params": {"k": 2.0, "n": 3, "words": ["b"], "when": "2026-01-02"}}
    documents = (split, records, inputs, split | params, inputs | params, {"instances": row})
    return Sample(Counter(), _signature(items, _PARAMS), documents, "big,double\n1,2.5\n")


def _scalars() -> Sample:
    items = [{"required": False, **item} for item, _ in _TYPES[:8]]
    row = {str(item["name"]): value for item, value in _TYPES[:8]}
    csv = "flag,small,big,single,double,text\ntrue,1,2,1.5,2.5,a\n"
    return Sample(Counter(), _signature(items), _in_every_format([row, row]), csv)


def _tensor() -> Sample:
    rows = [[1.0, 2.0, 3.0, 4.0], [0.5, 1.5, 2.5, 3.5], [2.0, 1.0, 0.0, 1.0]]
    model = LinearRegression().fit(np.array(rows), [1.0, 2.0, 3.0])
    item = {"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 4]}}
    documents = ({"inputs": rows[:2]}, {"instances": rows[:2]}, {"dataframe_split": {"data": rows}})
    return Sample(model, _signature([item], output="float64"), documents, "a,b,c,d\n1,2,3,4\n")


def _tensors() -> Sample:
    items = [
        {"name": "a", "type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}},
        {"name": "b", "type": "tensor", "tensor-spec": {"dtype": "int64", "shape": [-1]}},
        {"name": "c", "type": "tensor", "tensor-spec": {"dtype": "str", "shape": [-1]}},
    ]
    lists = {"a": [[1.5, 2.5], [3.5, 4.5]], "b": [1, 2], "c": ["x", "y"]}
    rows = [{"a": [1.5, 2.5], "b": 1, "c": "x"}, {"a": [3.5, 4.5], "b": 2, "c": "y"}]
    documents = ({"inputs": lists}, {"instances": lists}, {"instances": rows})
    return Sample(Counter(), _signature(items), documents, "a,b,c\n1,2,x\n")


def _bare() -> Sample:
    rows = [{"a": 1.5, "b": "x"}, {"a": 2.5, "b": "y"}]
    documents = (
        *_in_every_format(rows),
        {"inputs": [[1, 2], [3, 4]]},
        {"inputs": 1},
        {"messages": [{"role": "user", "content": "hello"}], "temperature": 0.5},
        {"prompt": "hello"},
    )
    return Sample(Counter(), None, documents, "a,b\n1.5,x\n")


_SAMPLES: dict[str, Callable[[], Sample]] = {
    "features": _features,
    "columns": _columns,
    "types": _types,
    "scalars": _scalars,
    "tensor": _tensor,
    "tensors": _tensors,
    "bare": _bare,
}
MODELS = tuple(_SAMPLES)
MODEL_OF_THE_SAMPLE_EVENTS = "features"
