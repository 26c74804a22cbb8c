"""The op `forest`: the sum of what decision trees give for each row.

`trees.c` walks them; where its library is not built for this machine numpy does, slower and to
the same bits. Options: `columns` and `outputs`, of the input and the result; `width`, how many
outputs one leaf adds to; `is_special`, some node needs more than a comparison. Arrays:

- `nodes` uint32 (n, 4): a `Node` of trees.c in each row
- `roots`, `targets` uint32 by tree: its first node; the first output that it adds to
- `leaves` float64 (m, width), where width is not 1: what leaves add
- `sets` uint32: categories as bits, each set after the number of its bits
- `base` by output: what the trees are added to; its dtype is that of the sums
"""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return, var-annotated"
import ctypes
import logging
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from handler.engines.program import Compute, Step

LEAF = 1 << 31
MISSING_LEFT = 1 << 30
CATEGORICAL = 1 << 29
ZERO_IS_MISSING = 1 << 28
TRUNCATED = 1 << 27
FEATURE = (1 << 24) - 1
"""What a node's last number holds: see trees.c."""

_logger = logging.getLogger(__name__)

_ZERO = float(np.float32(1e-35))
_BELOW_ZERO = -5e-324
_CELLS = 1 << 20
_ARCHITECTURES = {"aarch64": "arm64", "amd64": "x86_64"}

Walk = Callable[[np.ndarray, np.ndarray], None]
"""Adds to its second argument (rows x outputs) what the trees give for the first."""


class _Forest(ctypes.Structure):
    """`Forest` of trees.c."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("nodes", "roots", "targets", "leaves", "sets")),
        *((name, ctypes.c_uint64) for name in ("trees", "width", "columns", "outputs")),
    ]


def _forest(step: Step) -> Compute:
    base, columns = step.arrays["base"], int(step.options["columns"])
    _refuse_damaged(step)
    walk = native_walk(step) or numpy_walk(step)

    def compute(data: Any) -> np.ndarray:
        rows = np.ascontiguousarray(data, np.float64)
        if rows.ndim != 2 or rows.shape[1] != columns:
            raise ValueError(f"the trees take {columns} columns, not an array of {rows.shape}")
        out = np.empty((len(rows), len(base)), base.dtype)
        out[:] = base
        walk(rows, out)
        return out

    return compute


def _refuse_damaged(step: Step) -> None:
    """Raise where the parts do not fit together; what nodes hold is not read, it is too much."""
    arrays, trees = step.arrays, len(step.arrays["roots"])
    wanted = {"nodes": "u4", "roots": "u4", "targets": "u4", "leaves": "f8", "sets": "u4"}
    if any(arrays[name].dtype != np.dtype(f"<{dtype}") for name, dtype in wanted.items()):
        raise ValueError("a forest has an array of the wrong type")
    if len(arrays["targets"]) != trees or arrays["nodes"].shape[1:] != (4,):
        raise ValueError("a forest has an array of the wrong shape")
    if trees and arrays["roots"].max() >= len(arrays["nodes"]):
        raise ValueError("a tree begins outside of the nodes")
    outputs = len(arrays["base"]) - int(step.options["width"])
    if trees and arrays["targets"].max() > outputs:
        raise ValueError("a tree adds to an output that is not there")


def native_walk(step: Step) -> Walk | None:
    """Return the walk of trees.c, or None where its library is missing."""
    machine = platform.machine().lower()
    name = f"trees-{_ARCHITECTURES.get(machine, machine)}.so"
    path = Path(__file__).with_name("native") / name
    if sys.platform != "linux":
        return None
    try:
        function = ctypes.CDLL(str(path)).walk_trees
    except OSError as error:  # from a folder that nothing may be executed from, say
        _logger.warning("trees are walked slowly, by numpy: %s", error)
        return None
    pointer, flag = ctypes.c_void_p, ctypes.c_int
    function.argtypes = (pointer, pointer, ctypes.c_uint64, pointer, flag, flag)
    function.restype = None
    arrays, options = step.arrays, step.options
    forest = _Forest(
        *(arrays[name].ctypes.data for name in ("nodes", "roots", "targets", "leaves", "sets")),
        *(len(arrays["roots"]), options["width"], options["columns"], len(arrays["base"])),
    )
    address = ctypes.addressof(forest)
    is_special, is_single = bool(options["is_special"]), arrays["base"].dtype == np.float32

    # The defaults keep alive what the addresses point to.
    def walk(rows: np.ndarray, out: np.ndarray, _alive: Any = (forest, arrays)) -> None:
        function(address, rows.ctypes.data, len(rows), out.ctypes.data, is_special, is_single)

    return walk


def numpy_walk(step: Step) -> Walk:
    """Return the same walk in numpy: all rows and trees go down one level at a time."""
    nodes, roots, targets = (step.arrays[name] for name in ("nodes", "roots", "targets"))
    payload: np.ndarray = nodes[:, :2].copy()
    threshold, index = payload.view("<f8")[:, 0], payload.view("<u8")[:, 0]
    child, what = nodes[:, 2].astype(np.intp), nodes[:, 3]
    width, sets = int(step.options["width"]), step.arrays["sets"]

    def go_left(at: np.ndarray, x: np.ndarray) -> np.ndarray:
        flags = what[at]
        is_zero = ((flags & ZERO_IS_MISSING) != 0) & (np.abs(x) <= _ZERO)
        left = x <= threshold[at]
        chosen = np.nonzero((flags & CATEGORICAL) != 0)
        start = index[at[chosen]].astype(np.intp)
        lowest = np.where((flags[chosen] & TRUNCATED) != 0, -1.0, _BELOW_ZERO)
        left[chosen] = _holds(sets, start, lowest, x[chosen])
        return np.where(np.isnan(x) | is_zero, (flags & MISSING_LEFT) != 0, left)

    def walk_some(rows: np.ndarray, out: np.ndarray) -> None:
        at = np.repeat(roots[np.newaxis].astype(np.intp), len(rows), axis=0)
        while (inner := (what[at] & LEAF) == 0).any():
            row, _ = np.nonzero(inner)
            here = at[inner]
            at[inner] = child[here] + ~go_left(here, rows[row, what[here] & FEATURE])
        for tree, first in enumerate(targets.tolist()):
            leaf = at[:, tree]
            if width == 1:
                out[:, first] += threshold[leaf].astype(out.dtype)
            else:
                values = step.arrays["leaves"][index[leaf].astype(np.intp)]
                out[:, first : first + width] += values.astype(out.dtype)

    def walk(rows: np.ndarray, out: np.ndarray) -> None:
        block = max(1, _CELLS // max(1, len(roots)))
        with np.errstate(all="ignore"):
            for start in range(0, len(rows), block):
                walk_some(rows[start : start + block], out[start : start + block])

    return walk


def _holds(sets: np.ndarray, start: np.ndarray, lowest: np.ndarray, x: np.ndarray) -> np.ndarray:
    is_possible = (x > lowest) & (x < 2.0**32)
    category = np.where(is_possible, x, 0.0).astype(np.int64)
    is_possible &= category < sets[start]
    category[~is_possible] = 0
    words = sets[np.minimum(start + 1 + category // 32, len(sets) - 1)]
    return is_possible & ((words >> (category % 32).astype(np.uint32)) & 1 != 0)
