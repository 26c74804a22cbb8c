"""Enforcing tensor signatures: dtype and shape of arrays (MLflow's `_enforce_tensor_schema`)."""

from typing import TYPE_CHECKING, Any

from handler.predictor import is_frame
from handler.signature.schema import Tensor, TensorSchema
from handler.signature.values import MismatchError
from handler.wording import json_type, shown_names

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


class TensorEnforcer:
    """Checks arrays against a tensor signature; frames are reshaped to arrays first."""

    def __init__(self, schema: TensorSchema) -> None:
        self._tensors = schema.tensors
        self._by_name = schema.by_name

    def enforce(self, data: Any) -> Any:
        """Return the array of an unnamed signature, or a dict of arrays.

        :raises MismatchError: an input is missing, or its dtype or shape differs.
        """
        if self._by_name:
            return self._enforce_named(data)
        return self._enforce_unnamed(data, self._tensors[0])

    def _enforce_named(self, data: Any) -> dict[str, Any]:
        import numpy as np

        if isinstance(data, np.ndarray) and len(self._by_name) == 1:
            data = {next(iter(self._by_name)): data}
        if not isinstance(data, dict) and not is_frame(data):
            raise MismatchError(f"it needs an object of arrays, not {json_type(data)}")
        missing = [name for name in self._by_name if name not in data]
        if missing:
            raise MismatchError(f"it lacks {shown_names(missing)}")
        if is_frame(data):
            return {n: _reshape(f"column {n!r}", data[n], t) for n, t in self._by_name.items()}
        return {n: _check(f"input {n!r}", data[n], t) for n, t in self._by_name.items()}

    def _enforce_unnamed(self, data: Any, tensor: Tensor) -> Any:
        if not is_frame(data):
            return _check("the input", data, tensor)
        if data.empty:
            raise MismatchError("the table is empty")
        width = len(data.columns)
        if width == 1:
            return _reshape("the only column", data[data.columns[0]], tensor)
        if tensor.shape != (-1, width):
            raise MismatchError(f"a table of {width} columns is no array of shape {tensor.shape}")
        return _check("the table", data.to_numpy(), tensor)


def _check(what: str, values: Any, tensor: Tensor) -> "np.ndarray[Any, Any]":
    import numpy as np

    if not isinstance(values, np.ndarray):
        raise MismatchError(f"{what} must be an array, not {json_type(values)}")
    wanted = np.dtype(tensor.dtype)
    if wanted.kind == "O" and tensor.shape == (-1,):
        return values
    is_ragged = values.dtype.kind == "O" and values.ndim == 1
    if is_ragged and -1 in tensor.shape[1:]:
        return values
    if not _fits(values.shape, tensor.shape):
        raise MismatchError(f"{what} has shape {values.shape}, which must be {tensor.shape}")
    # Text and bytes carry their longest length in the dtype; the signature does not.
    given = np.dtype(values.dtype.char) if values.dtype.char in "US" else values.dtype
    if given != wanted:
        raise MismatchError(f"{what} has dtype {values.dtype}, which must be {wanted}")
    return values


def _fits(shape: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        want in (-1, size) for size, want in zip(shape, wanted, strict=True)
    )


def _reshape(what: str, values: "pd.Series[Any]", tensor: Tensor) -> "np.ndarray[Any, Any]":
    import numpy as np

    if tensor.shape[:1] != (-1,) or -1 in tensor.shape[1:]:
        raise MismatchError(f"{what} cannot have shape {tensor.shape} in a table")
    first = values.iloc[0]
    if np.isscalar(first):
        if tensor.shape not in ((-1,), (-1, 1)):
            raise MismatchError(f"{what} has single values; its shape must be {tensor.shape}")
        return _check(what, np.array(values, dtype=tensor.dtype).reshape(tensor.shape), tensor)
    if not isinstance(first, np.ndarray) and not (
        isinstance(first, list) and first and np.isscalar(first[0])
    ):
        raise MismatchError(f"{what} must hold single values or flat lists")
    stacked = _stack(what, values, tensor)
    return stacked if isinstance(first, np.ndarray) else stacked.astype(tensor.dtype)


def _stack(what: str, values: "pd.Series[Any]", tensor: Tensor) -> "np.ndarray[Any, Any]":
    import numpy as np

    try:
        stacked: np.ndarray[Any, Any] = np.vstack(values.tolist()).reshape(tensor.shape)
    except ValueError as error:
        raise MismatchError(f"{what} has lists that do not make up shape {tensor.shape}") from error
    if len(stacked) != len(values):
        raise MismatchError(f"{what} has lists that do not make up shape {tensor.shape}")
    return stacked
