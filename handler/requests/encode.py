"""Predictions to JSON, byte for byte as MLflow's scoring server writes them.

The rules are those of MLflow's `NumpyEncoder` and `_get_jsonable_obj`: NaN and the infinities
stay bare, float32 is widened to the same float64, bytes are base64 in lines of 76 characters.
"""

import base64
import datetime
import json
import sys
from typing import Any

from handler.errors import UnserializablePrediction


def encode_predictions(predictions: Any, *, wrapped: bool = True) -> bytes:
    """Return the body of the answer.

    :param wrapped: put the predictions under the key `predictions`; LLM answers are bare.
    :raises UnserializablePrediction: JSON has nothing for a value that the model returned.
    """
    plain = _outermost(predictions)
    try:
        return json.dumps({"predictions": plain} if wrapped else plain, default=_default).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise UnserializablePrediction(str(error)) from error


def _outermost(value: Any) -> Any:
    # Only the outermost value may be a DataFrame or a Series: MLflow refuses them inside.
    # A library that nobody has imported cannot have made the value.
    pandas = sys.modules.get("pandas")
    if pandas is not None:
        if isinstance(value, pandas.Series):
            value = pandas.DataFrame(value)
        if isinstance(value, pandas.DataFrame):
            return value.to_dict(orient="records")
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        return value.tolist()
    return value


def _default(value: Any) -> Any:
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        if isinstance(value, numpy.ndarray):
            # MLflow walks through the object in an array without dimensions: of an object it
            # keeps the keys, and of a single value it can make nothing.
            is_box = value.ndim == 0 and value.dtype == object
            return list(value.item()) if is_box else value.tolist()
        if isinstance(value, numpy.generic):
            return value.item()
    if isinstance(value, bytes | bytearray):
        return base64.encodebytes(value).decode("ascii")
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    pydantic = sys.modules.get("pydantic")
    if pydantic is not None and isinstance(value, pydantic.BaseModel):
        return value.model_dump()
    raise TypeError(f"it holds a value of type {type(value).__name__}")
