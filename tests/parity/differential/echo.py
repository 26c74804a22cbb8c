"""What a model was handed, told to the last bit. Both sides predict with it."""

import struct
from typing import Any

import numpy as np
import pandas as pd


def echo(data: Any, params: dict[str, Any] | None) -> Any:
    """Answer with a description of the data: containers, dtypes, memory layout, bits."""
    return {"data": describe(data), "params": describe(params)}


def mirror(data: Any, params: dict[str, Any] | None) -> Any:
    """Answer with the data itself, so that each kind of it is written as a prediction."""
    return data


def describe(value: Any) -> Any:
    match value:
        case pd.DataFrame():
            return _describe_frame(value)
        case pd.Series():
            return {"series": describe(value.array), "index": describe(value.index)}
        case pd.Index():
            return {"index": type(value).__name__, "dtype": repr(value.dtype), "of": _items(value)}
        case np.ndarray():
            return _describe_array(value)
        case pd.api.extensions.ExtensionArray():
            return {"dtype": repr(value.dtype), "of": _items(value)}
        case dict():
            return {"dict": [[describe(key), describe(item)] for key, item in value.items()]}
        case list() | tuple():
            return {type(value).__name__: _items(value)}
    return _describe_single(value)


def _items(values: Any) -> list[Any]:
    return [describe(value) for value in values]


def _describe_frame(frame: pd.DataFrame) -> Any:
    return {
        "columns": describe(frame.columns),
        "index": describe(frame.index),
        # The order of a sum, and so its last bit, depends on the layout in memory.
        "layout": _layout(frame.to_numpy()),
        "cells": [describe(frame.iloc[:, position].array) for position in range(frame.shape[1])],
    }


def _describe_array(array: np.ndarray) -> Any:
    holds = _items(array.ravel().tolist()) if array.dtype.kind in "OUS" else array.tobytes().hex()
    return {"array": array.dtype.str, "shape": array.shape, "layout": _layout(array), "of": holds}


def _layout(array: np.ndarray) -> str:
    return "C" * array.flags.c_contiguous + "F" * array.flags.f_contiguous


def _describe_single(value: Any) -> str:
    kind = type(value).__name__
    match value:
        case pd.Timestamp():
            return f"{kind} {value.isoformat()} {value.unit}"
        case np.generic():
            return f"{value.dtype.str} {value.tobytes().hex()}"
        case float():
            return f"{kind} {struct.pack('>d', value).hex()}"
    return f"{kind} {value!r}"
