"""Keras 3 models that compute with TensorFlow: as .keras files, and exported."""

from pathlib import Path
from typing import Any

import keras
import mlflow.keras
import numpy as np
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

# As manylinux2014 wheels: the last one of tensorflow-cpu.
REQUIREMENTS = ("keras==3.12.0", "numpy==2.2.6", "pandas==2.3.2", "tensorflow-cpu==2.20.0")
IS_HEAVY = True


def rows(variant: str, count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)


def _save(variant: str, folder: Path, **how: Any) -> None:
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
        input_example=rows(variant, 3, seed=2),
        pip_requirements=list(REQUIREMENTS),
        **how,
    )


def _keras(folder: Path) -> None:
    _save("keras", folder)


def _exported(folder: Path) -> None:
    _save("exported", folder, save_exported_model=True)


MODELS = {"keras": _keras, "exported": _exported}
