"""A model of any size, saved by real MLflow: a script, run in a process of its own.

`python -m tests.support.large_model FOLDER MEGABYTES artifact|pickle`

The model answers a row number with the first value of that row of its array. The array is an
artifact in numpy's format, or within the pickle.
"""

import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cloudpickle
import mlflow.pyfunc
import numpy
import pandas
from mlflow.models import infer_signature
from mlflow.pyfunc import PythonModel

COLUMNS = 125
"""Of 8 bytes: a kB for each row."""


def array(megabytes: int) -> numpy.ndarray:
    """Return the array, the same every time: float64 (rows, COLUMNS)."""
    values = numpy.empty((megabytes * 1000, COLUMNS))
    values[:] = numpy.arange(COLUMNS)
    values += numpy.arange(megabytes * 1000)[:, None] * 0.5
    return values


class FromArtifact(PythonModel):  # type: ignore[misc]
    """Loads its array when it is loaded."""

    def load_context(self, context: Any) -> None:
        self.array = numpy.load(context.artifacts["array"])

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return self.array[model_input["row"].to_numpy(), 0]


class InPickle(PythonModel):  # type: ignore[misc]
    """Has its array."""

    def __init__(self, array: numpy.ndarray) -> None:
        self.array = array

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return self.array[model_input["row"].to_numpy(), 0]


def main(folder: Path, megabytes: int, form: str) -> None:
    # By value, as a notebook's classes are: the bundle has no module of tests.
    cloudpickle.register_pickle_by_value(sys.modules["__main__"])
    example = pandas.DataFrame({"row": [0, megabytes * 1000 - 1]})
    options: dict[str, Any] = {
        "signature": infer_signature(example, numpy.array([0.0, 0.5])),
        "pip_requirements": [
            "numpy==2.2.6",
            "pandas==2.3.2",
            f"cloudpickle=={version('cloudpickle')}",
        ],
    }
    with tempfile.TemporaryDirectory(dir=folder.parent) as private:
        if form == "artifact":
            path = Path(private) / "array.npy"
            numpy.save(path, array(megabytes))
            options |= {"python_model": FromArtifact(), "artifacts": {"array": str(path)}}
        else:
            options |= {"python_model": InPickle(array(megabytes))}
        mlflow.pyfunc.save_model(folder, **options)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
