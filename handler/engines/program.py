"""Compiled programs: a model as arrays in one file, and the steps that compute with them.

The file, all numbers little-endian::

    8 bytes     b"PKGARRAY"
    8 bytes     length of the header
    header      JSON: {"format": 1, "columns": [NAME, ...] or null, "width": number or null,
                "steps": [STEP, ...], "arrays": [ARRAY, ...], "unsigned": RULES or null}
    padding     zeros, to a multiple of 64
    arrays      each at a multiple of 64, counted from the end of the padding

    STEP        {"op": NAME, "arrays": {NAME: index in arrays}, "chains": [[STEP, ...], ...], ...}
    ARRAY       {"dtype": "<f8", "shape": [3, 2], "offset": 128, "is_object": false,
                 "is_transposed": false}

With `columns` the first step gets a dict of 1-D arrays by these names, else a 2-D array. Arrays
are mapped, not read: a page comes into memory when it is first used. `is_object` marks fixed-width
strings that the model has as Python strings, `is_transposed` an array in Fortran's order: the
file holds its transpose, in C's. `packager/engine/converter/builder.py` writes it.
"""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return"

import importlib
import json
import math
import mmap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from handler.errors import ModelLoadError
from handler.predictor import is_frame

MAGIC = b"PKGARRAY"
FORMAT = 1
ALIGNMENT = 64

Compute = Callable[[Any], Any]
"""One step: takes what the step before it returned (an ndarray as a rule), n rows for n rows."""

_MODULES = {
    "checks": "check",
    "trees": "forest",
    "foreign": "treelite onnx",
    "singles": "single_link hinge number_of_largest",
    "links": "divide multi_labels ravel link scaled_expit isolation inliers",
    "steps_bayes": "gaussian quadratic",
    "steps_classes": "labels decode at_least expit softmax pair mirror shares column reshape"
    " log_shares difference log_softmax constant",
    "steps_encoding": "one_hot ordinal target",
    "steps_ensemble": "average average_rows sum_mean vote outputs stack boost median calibrate",
    "steps_linear": "linear dot shift nearest distances relu",
    "steps_missing": "objects impute indicate",
    "steps_quantiles": "quantile",
    "steps_scaling": "absent arithmetic clip normalize binarize polynomial power bins elementwise",
    "steps_tables": "matrix pick join",
}
OPS = {op: module for module, ops in _MODULES.items() for op in ops.split()}
"""Which module of this package makes an op; it is imported when a program has the op. What
makes it there, of a `Step`, is the function of the op's name behind an underscore."""


@dataclass(frozen=True)
class Step:
    """A step as a module of this package gets it, to make a function of it."""

    op: str
    options: dict[str, Any]
    """The attributes in the file, but for those below."""
    arrays: dict[str, np.ndarray]
    """Read-only, mapped."""
    chains: tuple[Compute, ...]
    """Parts that the step calls itself: branches, estimators."""


class Program:
    """A compiled model; a `handler.predictor.Predictor`."""

    def __init__(
        self,
        compute: Compute,
        columns: list[str] | None,
        width: int | None,
        *,
        is_unsigned: bool,
    ) -> None:
        self._compute = compute
        self._columns = columns
        self._width = width
        self._is_unsigned = is_unsigned
        """Made of a model without a signature: its steps take whatever comes."""

    def predict(self, data: Any, params: dict[str, Any] | None) -> np.ndarray:
        """Return what the model's own library would.

        :param data: an ndarray (n rows x k columns), a dict of 1-D arrays by column, or a
            DataFrame with the signature's columns in order. Without a signature anything.
        :param params: ignored.
        :raises ValueError: the library refuses such data too.
        """
        predicted: np.ndarray = self._compute(data if self._is_unsigned else self._signed(data))
        return predicted

    def _signed(self, data: Any) -> Any:
        if self._columns is not None:
            return _as_columns(data, self._columns)
        if is_frame(data):
            data = data.to_numpy()
            # A request may lack an optional column; the others would move into its place.
            if self._width is not None and data.shape[1] != self._width:
                raise ValueError(f"X has {data.shape[1]} features, but {self._width} are expected")
        return data


def _as_columns(data: Any, names: list[str]) -> dict[str, np.ndarray]:
    if is_frame(data):
        missing = [name for name in names if name not in data.columns]
        if missing:
            raise ValueError(f"columns are missing: {missing}")
        return {name: data[name].to_numpy() for name in names}
    if isinstance(data, np.ndarray):
        return {name: data[:, index] for index, name in enumerate(names)}
    return {name: np.asarray(data[name]) for name in names}


def read_program(path: Path) -> Program:
    """Return the program in a file.

    :raises ModelLoadError: the file is missing, damaged or of another format.
    """
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        header, start = _read_header(mapped)
        arrays = [_array(mapped, start, item) for item in header["arrays"]]
        compute, columns = _chain(header["steps"], arrays), header["columns"]
        unsigned = header["unsigned"]
        if unsigned is not None:
            # Imported here: models with a signature do not need it.
            from handler.engines.unsigned import Unsigned

            compute = Unsigned(compute, unsigned, columns)
        return Program(compute, columns, header["width"], is_unsigned=unsigned is not None)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise ModelLoadError(
            f"{path.name} is no compiled model that this handler reads ({error}): build the bundle"
            " again"
        ) from error


def _read_header(mapped: mmap.mmap) -> tuple[dict[str, Any], int]:
    if mapped[:8] != MAGIC:
        raise ValueError("it does not begin as one")
    end = 16 + int.from_bytes(mapped[8:16], "little")
    if end > len(mapped):
        raise ValueError("it is cut off")
    header: dict[str, Any] = json.loads(mapped[16:end])
    if header["format"] != FORMAT:
        raise ValueError(f"it has format {header['format']!r}, not {FORMAT}")
    return header, -(-end // ALIGNMENT) * ALIGNMENT


def _array(mapped: mmap.mmap, start: int, item: dict[str, Any]) -> np.ndarray:
    dtype = np.dtype(item["dtype"])
    if dtype.kind not in "biufU":
        raise ValueError(f"it holds an array of {dtype}")
    shape = [int(length) for length in item["shape"]]
    count, offset = math.prod(shape), start + int(item["offset"])
    if min(shape, default=0) < 0 or offset < start or offset % ALIGNMENT:
        raise ValueError("an array has an impossible place or shape")
    if offset + count * dtype.itemsize > len(mapped):
        raise ValueError("it is cut off")
    if count == 0 or dtype.itemsize == 0:
        array = np.empty(shape, dtype)
    else:
        array = np.frombuffer(mapped, dtype, count, offset).reshape(shape)
    if item.get("is_transposed"):
        array = array.T
    return array.astype(object) if item.get("is_object") else array


def _chain(steps: list[dict[str, Any]], arrays: list[np.ndarray]) -> Compute:
    computes = [_make(step, arrays) for step in steps]
    if len(computes) == 1:
        return computes[0]

    def compute(data: Any) -> Any:
        for one in computes:
            data = one(data)
        return data

    return compute


def _make(step: dict[str, Any], arrays: list[np.ndarray]) -> Compute:
    options = dict(step)
    op = options.pop("op")
    chains = tuple(_chain(chain, arrays) for chain in options.pop("chains", ()))
    named = {name: arrays[index] for name, index in options.pop("arrays", {}).items()}
    module = importlib.import_module(f"handler.engines.{OPS[op]}")
    compute: Compute = getattr(module, f"_{op}")(Step(op, options, named, chains))
    return compute
