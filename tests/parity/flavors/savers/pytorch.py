"""PyTorch models: pickled, in TorchScript, exported; for tensors and for tables."""

from pathlib import Path
from typing import Any

import mlflow.pytorch
import numpy as np
import pandas as pd
import torch
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec

# The CPU build, as a wheel for Python 3.11 on manylinux_2_28.
REQUIREMENTS = ("cloudpickle==3.1.1", "numpy==2.2.6", "pandas==2.3.2", "torch==2.13.0")
IS_HEAVY = True
NEEDS_NEWER_SYSTEM = True
NAMES = ["height", "width", "depth", "weight"]
PARAMS = {"params": {"scale": 2.5}}


class Net(torch.nn.Module):
    """Of the saver's own module: what the pickle brings by value."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(4, 16),
            torch.nn.ReLU(),
            torch.nn.BatchNorm1d(16),
            torch.nn.Dropout(),  # does nothing, unless somebody forgets `eval`
            torch.nn.Linear(16, 3),
        )
        self.register_buffer("shift", torch.full((4,), 0.25))

    def forward(self, x: torch.Tensor, scale: float = 1.0) -> torch.Tensor:
        return torch.softmax(self.layers(x + self.shift) * scale, dim=1)


def rows(variant: str, count: int, seed: int) -> Any:
    values = np.random.default_rng(seed).normal(size=(count, 4))
    if variant == "table":
        return pd.DataFrame(values, columns=NAMES)
    return values.astype(np.float32)


def _trained() -> Net:
    torch.manual_seed(7)
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    inputs = torch.from_numpy(rows("pickle", 256, seed=1))
    wanted = (inputs[:, 0] > 0).long() + (inputs[:, 1] > 0).long()
    for _ in range(30):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(net(inputs), wanted).backward()
        optimizer.step()
    return net


def _save(variant: str, module: torch.nn.Module, folder: Path, saved_as: str, **more: Any) -> None:
    inputs: list[Any] = [TensorSpec(np.dtype(np.float32), (-1, 4))]
    if variant == "table":
        inputs = [ColSpec("double", name) for name in NAMES]
    outputs = Schema([TensorSpec(np.dtype(np.float32), (-1, 3))])
    mlflow.pytorch.save_model(
        module,
        folder,
        signature=ModelSignature(Schema(inputs), outputs, **more),
        input_example=rows(variant, 3, seed=2),
        serialization_format=saved_as,
        pip_requirements=list(REQUIREMENTS),
    )


def _pickle(folder: Path) -> None:
    _save("pickle", _trained(), folder, "pickle")


def _table(folder: Path) -> None:
    _save("table", _trained(), folder, "pickle")


def _params(folder: Path) -> None:
    params = ParamSchema([ParamSpec("scale", "double", 1.0)])
    _save("params", _trained(), folder, "pickle", params=params)


def _torchscript(folder: Path) -> None:
    _save("torchscript", torch.jit.script(_trained()), folder, "pickle")


def _pt2(folder: Path) -> None:
    _save("pt2", _trained().eval(), folder, "pt2")


MODELS = {
    "pickle": _pickle,
    "table": _table,
    "params": _params,
    "torchscript": _torchscript,
    "pt2": _pt2,
}
