"""A model and its compiled twin: what both make of more than 10,000 rows.

Rows at the edges, in one block and one by one, with what models refuse.
"""

import warnings
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from handler.engines.program import read_program
from packager.engine.converter.builder import Builder
from packager.engine.converter.convert import convert
from packager.engine.converter.equality import Outcome, difference
from packager.engine.converter.rows import Kind, generate, generate_special
from packager.engine.converter.steps_common import on_tables

TOLERANCE = 1e-12
_KINDS: dict[str, Kind] = {
    "f8": "float64",
    "f4": "float32",
    "i8": "int64",
    "i4": "int32",
    "b1": "bool",
}


@dataclass(frozen=True)
class Twins:
    """A fitted model and the program that was made of it."""

    model: Any
    method: str
    program: Any
    kinds: dict[str, Kind]
    edges: dict[int, np.ndarray]
    example: dict[str, np.ndarray]

    @classmethod
    def of(cls, model: Any, method: str, frame: pd.DataFrame, folder: Path) -> "Twins":
        """Compile the model for rows like the frame's."""
        example = {name: frame[name].to_numpy() for name in frame.columns}
        kinds = {name: _KINDS.get(one.dtype.str[1:], "string") for name, one in example.items()}
        builder = Builder(list(kinds))
        steps = convert(model, method, builder)
        path = folder / f"{method}.arrays"
        if is_array(kinds):
            builder.write(path, steps)
        else:
            builder.write(path, on_tables(steps), list(kinds))
        return cls(model, method, read_program(path), kinds, builder.edges, example)

    def outcomes(self, block: dict[str, np.ndarray]) -> tuple[Outcome, Outcome]:
        """Return what the model makes of a block of columns, and what its twin makes of it."""
        frame = pd.DataFrame(block)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = Outcome.of(getattr(self.model, self.method), frame)
        # Our own part warns of nothing, or the test fails.
        return expected, Outcome.of(self._predict, self.data(frame))

    def data(self, frame: pd.DataFrame) -> Any:
        """Return what a regular request would bring."""
        if is_array(self.kinds):
            return frame.to_numpy()
        return {name: frame[name].to_numpy() for name in frame.columns}

    def _predict(self, data: Any) -> np.ndarray:
        predicted: np.ndarray = self.program.predict(data, None)
        return predicted

    def compare(self, count: int = 10_000) -> tuple[int, int, float]:
        """Return how many rows were compared, how many of them refused, and the largest difference.

        :raises DifferentError: the twins differ.
        """
        rows, refused, largest = 0, 0, 0.0
        given = (self.example, self.edges, self.kinds)
        for block in chain(generate(*given, count), generate_special(*given)):
            expected, actual = self.outcomes(block)
            if isinstance(actual.error, Warning):
                raise actual.error
            size = len(next(iter(block.values())))
            rows += size
            refused += size if expected.error is not None else 0
            largest = max(largest, difference(expected, actual, TOLERANCE))
        return rows, refused, largest


def is_array(kinds: dict[str, Kind]) -> bool:
    """Whether such columns reach a program as one array."""
    return not {"bool", "string"}.intersection(kinds.values())
