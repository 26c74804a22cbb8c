"""Scorers over a model that remembers what it was handed."""

import json
from typing import Any

from handler.manifest import ModelInfo
from handler.requests.scorer import Scorer


class Recorder:
    """A model that keeps its input and answers with a fixed value."""

    def __init__(self, answer: Any = None) -> None:
        self.answer = answer
        self.data: Any = None
        self.params: dict[str, Any] | None = None

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        self.data = data
        self.params = params
        return self.answer


def column(type_name: str, name: str | None = None, **more: Any) -> dict[str, Any]:
    """Return one of MLflow's items for a column."""
    item = {"type": type_name, "required": True, **more}
    return item if name is None else {**item, "name": name}


def tensor(dtype: str, shape: list[int], name: str | None = None) -> dict[str, Any]:
    """Return one of MLflow's items for a tensor."""
    item = {"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}}
    return item if name is None else {**item, "name": name}


def scorer(
    model: Any,
    *inputs: dict[str, Any],
    params: list[dict[str, Any]] | None = None,
) -> Scorer:
    """Return a scorer whose signature has these items; none at all without items."""
    signature = {"inputs": list(inputs), "outputs": None, "params": params}
    return Scorer(
        model,
        ModelInfo(
            flavor="sklearn",
            data_path="model.pkl",
            serialization_format="pickle",
            signature=signature if inputs or params else None,
        ),
    )


def received(request: dict[str, Any], *inputs: dict[str, Any]) -> Any:
    """Return what a model with these inputs is handed for a JSON request."""
    model = Recorder()
    scorer(model, *inputs).score(json.dumps(request).encode(), "application/json")
    return model.data
