"""Trees of any library, laid out as `handler/engines/trees.c` walks them."""

# Most of numpy's operations are typed Any here.
# mypy: disable-error-code="no-any-return, var-annotated"

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from handler.engines.trees import (
    CATEGORICAL,
    FEATURE,
    LEAF,
    MISSING_LEFT,
    TRUNCATED,
    ZERO_IS_MISSING,
)

from .builder import Builder, NotConvertible, Step

_SLOT = np.dtype([("payload", "<f8"), ("child", "<u4"), ("what", "<u4")])


@dataclass(frozen=True)
class Tree:
    """One tree; arrays by node, the root first."""

    left: np.ndarray
    """The left child's number; negative at leaves."""
    right: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    """float64: to the left where the value, as float64, is at most this."""
    missing_left: np.ndarray
    """bool: where NaN goes."""
    values: np.ndarray
    """float64, nodes x width: what leaves add."""
    zero_is_missing: np.ndarray | None = None
    """bool: zero goes where NaN goes."""
    categories: Mapping[int, np.ndarray] = field(default_factory=dict)
    """By node: the category numbers that go left; all others go right."""
    is_truncated: bool = False
    """Numbers between -1 and 0 are category 0."""


def below(threshold: np.ndarray) -> np.ndarray:
    """Return float64 thresholds t for which x <= t is x < threshold, x being float32.

    :param threshold: float32.
    """
    return np.nextafter(threshold.astype(np.float32), np.float32(-np.inf)).astype(np.float64)


def forest_step(
    builder: Builder, trees: Iterable[Tree], targets: Iterable[int], base: np.ndarray, columns: int
) -> Step:
    """Return the step that adds to `base` what the trees give, in their order.

    :param targets: by tree, the first output that it adds to.
    :param base: by output, in the dtype of the sums.
    :param columns: how many the input has.
    :raises NotConvertible: there are more nodes or columns than the format holds.
    """
    forest = _Layout()
    edges: dict[int, list[np.ndarray]] = {}
    for tree in trees:
        forest.add(tree)
        _collect_edges(edges, tree)
    for feature, values in edges.items():
        builder.edge(feature, np.unique(np.concatenate(values)))
    if columns > FEATURE or forest.size >= 1 << 32:
        raise NotConvertible("it has more nodes or columns than a compiled model holds")
    nodes, leaves = forest.finish()
    arrays = {
        "nodes": nodes,
        "roots": np.array(forest.roots, "<u4"),
        "targets": np.array(list(targets), "<u4"),
        "leaves": leaves,
        "sets": np.array([word for words in forest.sets for word in words], "<u4"),
        "base": base,
    }
    return {
        "op": "forest",
        "columns": columns,
        "width": forest.width,
        "is_special": forest.is_special,
        "arrays": {name: builder.add(array) for name, array in arrays.items()},
    }


@dataclass(frozen=True)
class _Leaves:
    """One tree's leaves that give several numbers."""

    places: np.ndarray
    numbers: np.ndarray
    """Which of the vectors each gives."""
    vectors: np.ndarray


class _Layout:
    """Nodes of all trees in one array."""

    def __init__(self) -> None:
        self.size = 0
        self.width = 1
        self.is_special = False
        self.roots: list[int] = []
        self.sets: dict[tuple[int, ...], int] = {}
        self._set_size = 0
        self._nodes: list[np.ndarray] = []
        self._leaves: list[_Leaves] = []

    def add(self, tree: Tree) -> None:
        """Lay a tree out by level, so that what most rows visit lies together."""
        order, places, size = _places(tree)
        slots = np.zeros(size, _SLOT)
        # What no row reaches: the place beside the root.
        slots["child"], slots["what"] = self.size + np.arange(size), LEAF
        inner, leaves = order[tree.left[order] >= 0], order[tree.left[order] < 0]
        at = places[inner]
        slots["payload"][at] = tree.threshold[inner]
        slots["child"][at] = self.size + places[tree.left[inner]]
        what = tree.feature[inner].astype(np.uint32)
        what |= np.where(tree.missing_left[inner], MISSING_LEFT, 0).astype(np.uint32)
        if tree.zero_is_missing is not None and tree.zero_is_missing[inner].any():
            what |= np.where(tree.zero_is_missing[inner], ZERO_IS_MISSING, 0).astype(np.uint32)
            self.is_special = True
        slots["what"][at] = what
        for node, categories in tree.categories.items():
            flags = CATEGORICAL | (TRUNCATED if tree.is_truncated else 0)
            slots["what"][places[node]] |= np.uint32(flags)
            slots["payload"].view("<u8")[places[node]] = self._set(categories)
            self.is_special = True
        self.width = tree.values.shape[1]
        if self.width == 1:
            slots["payload"][places[leaves]] = tree.values[leaves, 0]
        else:
            vectors, numbers = _distinct(tree.values[leaves])
            self._leaves.append(_Leaves(self.size + places[leaves], numbers, vectors))
        self.roots.append(self.size)
        self._nodes.append(slots)
        self.size += size

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the nodes (uint32, n x 4) and the leaves' vectors, each once."""
        nodes = np.concatenate(self._nodes) if self._nodes else np.zeros(0, _SLOT)
        leaves = np.zeros((0, self.width))
        if self.width != 1:
            leaves, numbers = _distinct(np.concatenate([part.vectors for part in self._leaves]))
            payload, start = nodes["payload"].view("<u8"), 0
            for part in self._leaves:
                payload[part.places] = numbers[start + part.numbers]
                start += len(part.vectors)
        return nodes.view("<u4").reshape(-1, 4), leaves

    def _set(self, categories: np.ndarray) -> int:
        bits = np.zeros(int(categories.max(initial=-1)) + 1, bool)
        bits[categories] = True
        packed = np.packbits(bits, bitorder="little")
        words = np.pad(packed, (0, -len(packed) % 4)).view("<u4")
        key = (len(bits), *words.tolist())
        place = self.sets.setdefault(key, self._set_size)
        if place == self._set_size:
            self._set_size += len(key)
        return place


def _distinct(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return each row once, and the number of each row's like among them."""
    vectors = np.ascontiguousarray(vectors)
    # Compared as bytes: unlike numbers, NaN equals itself and -0.0 is not 0.0.
    whole = vectors.view(f"V{vectors.itemsize * vectors.shape[1]}").ravel()
    _, first, numbers = np.unique(whole, return_index=True, return_inverse=True)
    return vectors[first], numbers


def _places(tree: Tree) -> tuple[np.ndarray, np.ndarray, int]:
    """Return the reachable nodes by level, each node's place, and how many places there are."""
    places = np.zeros(len(tree.left), np.int64)
    level, size = np.zeros(1, np.int64), 2
    levels = [level]
    while len(inner := level[tree.left[level] >= 0]):
        level = np.column_stack([tree.left[inner], tree.right[inner]]).ravel()
        places[level] = size + np.arange(len(level))
        size += len(level)
        levels.append(level)
    return np.concatenate(levels), places, size


def _collect_edges(edges: dict[int, list[np.ndarray]], tree: Tree) -> None:
    is_number = tree.left >= 0
    for node, categories in tree.categories.items():
        is_number[node] = False
        edges.setdefault(int(tree.feature[node]), []).extend(
            (categories - 0.5, categories.astype(np.float64))
        )
    features, thresholds = tree.feature[is_number], tree.threshold[is_number]
    for feature in np.unique(features).tolist():
        edges.setdefault(feature, []).append(np.unique(thresholds[features == feature]))
