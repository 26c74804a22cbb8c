"""Keras 3 models that compute with JAX."""

# ruff: noqa: E402 - Keras reads its settings when it is imported

import json
from pathlib import Path

# MLflow does not say which backend a model was logged with: where it answers, Keras's settings
# have to. The harness gives each row a home folder of its own.
settings = Path.home() / ".keras" / "keras.json"
settings.parent.mkdir(exist_ok=True)
settings.write_text(json.dumps({"backend": "jax"}))

import keras
import mlflow.keras
import numpy as np
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

# As manylinux2014 wheels: the last ones of jaxlib.
REQUIREMENTS = ("jax==0.7.0", "jaxlib==0.7.0", "keras==3.12.0", "numpy==2.2.6", "pandas==2.3.2")
IS_HEAVY = True


def rows(variant: str, count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)


def _keras(folder: Path) -> None:
    keras.utils.set_random_seed(7)
    layers = [keras.layers.Dense(8, "relu"), keras.layers.Dropout(0.5), keras.layers.Dense(3)]
    model = keras.Sequential([keras.Input((4,)), *layers])
    inputs = Schema([TensorSpec(np.dtype(np.float32), (-1, 4))])
    outputs = Schema([TensorSpec(np.dtype(np.float32), (-1, 3))])
    folder.mkdir()  # which MLflow forgets where there is an input example
    mlflow.keras.save_model(
        model,
        str(folder),
        signature=ModelSignature(inputs, outputs),
        input_example=rows("keras", 3, seed=2),
        pip_requirements=list(REQUIREMENTS),
    )


MODELS = {"keras": _keras}
