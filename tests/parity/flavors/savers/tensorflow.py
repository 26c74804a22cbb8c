"""TensorFlow: modules as SavedModel, and Keras models that are logged with this flavor."""

from pathlib import Path
from typing import Any

import keras
import mlflow.tensorflow
import numpy as np
import tensorflow as tf
from mlflow.models import ModelSignature
from mlflow.types import Schema, TensorSpec

# As manylinux2014 wheels: the last one of tensorflow-cpu.
REQUIREMENTS = (
    "cloudpickle==3.1.1",
    "keras==3.12.0",
    "numpy==2.2.6",
    "pandas==2.3.2",
    "tensorflow-cpu==2.20.0",
)
IS_HEAVY = True


class Scaled(tf.Module):
    """A dense layer behind a scale that was measured."""

    def __init__(self) -> None:
        super().__init__()
        random = tf.random.Generator.from_seed(7)
        self.scale = tf.Variable([1.0, 2.0, 0.5, 4.0])
        self.weights = tf.Variable(random.normal((4, 3)))

    @tf.function(input_signature=[tf.TensorSpec((None, 4), tf.float32)])
    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        return tf.nn.softmax(tf.matmul(x / self.scale, self.weights))


class Doubled(keras.layers.Layer):
    """A layer of the saver's own module: it comes as a custom object."""

    def call(self, inputs: Any) -> Any:
        return inputs * 2.0


def rows(variant: str, count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, 4)).astype(np.float32)


def _save(variant: str, model: Any, folder: Path, **how: Any) -> None:
    inputs = Schema([TensorSpec(np.dtype(np.float32), (-1, 4))])
    outputs = Schema([TensorSpec(np.dtype(np.float32), (-1, 3))])
    mlflow.tensorflow.save_model(
        model,
        str(folder),
        signature=ModelSignature(inputs, outputs),
        input_example=rows(variant, 3, seed=2),
        pip_requirements=list(REQUIREMENTS),
        **how,
    )


def _network(*extra: Any) -> Any:
    keras.utils.set_random_seed(7)
    layers = [keras.Input((4,)), *extra, keras.layers.Dense(8, "relu"), keras.layers.Dense(3)]
    return keras.Sequential(layers)


def _module(folder: Path) -> None:
    _save("module", Scaled(), folder)


def _keras(folder: Path) -> None:
    _save("keras", _network(), folder)


def _custom(folder: Path) -> None:
    _save("custom", _network(Doubled()), folder, custom_objects={"Doubled": Doubled})


MODELS = {"module": _module, "keras": _keras, "custom": _custom}
