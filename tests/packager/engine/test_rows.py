"""Rows on which a compiled model is compared with its source."""

import numpy as np
import pytest

from packager.engine.converter.rows import Kind, as_array, generate, generate_special

KINDS: dict[str, Kind] = {"f8": "float64", "f4": "float32", "i8": "int64", "b": "bool"}
EDGES = {0: np.array([0.1, 7.25]), 1: np.array([0.1]), 2: np.array([2.5, 40.0])}


def blocks(kinds: dict[str, Kind] = KINDS, count: int = 10_000) -> list[dict[str, np.ndarray]]:
    return [*generate(None, EDGES, kinds, count), *generate_special(None, EDGES, kinds)]


def all_of(name: str) -> np.ndarray:
    return np.concatenate([block[name] for block in blocks()])


def test_thresholds_and_their_neighbours_are_among_the_rows() -> None:
    doubles, singles = set(all_of("f8").tolist()), set(all_of("f4").tolist())

    for edge in EDGES[0]:
        single = np.float32(edge)
        assert {edge, np.nextafter(edge, 9), np.nextafter(edge, -9)} <= doubles
        assert {float(single), float(np.nextafter(single, np.float32(9)))} <= doubles
    single = np.float32(0.1)
    assert {float(single), float(np.nextafter(single, np.float32(-1)))} <= singles
    assert {2, 3, 39, 40, 41, 0, -1, 2**63 - 1, -(2**63)} <= set(all_of("i8").tolist())


def test_every_threshold_of_a_forest_is_among_the_rows_with_its_neighbours() -> None:
    random = np.random.default_rng(3)
    edges = {column: random.normal(size=3_000) for column in range(2)}
    kinds: dict[str, Kind] = {"a": "float64", "b": "float64"}
    found = list(generate(None, edges, kinds))
    for column, name in enumerate(kinds):
        values = np.concatenate([block[name] for block in found])
        assert np.isin(edges[column], values).all()
        assert np.isin(np.nextafter(edges[column], np.inf), values).all()
        assert np.isin(np.nextafter(edges[column], -np.inf), values).all()


def test_whole_numbers_keep_neighbours_that_floats_would_merge() -> None:
    found = list(generate(None, {0: np.array([2**53, 2**60 + 1])}, {"id": "int64"}))
    values = np.concatenate([block["id"] for block in found])
    assert np.isin([2**53 + 1, 2**53 - 1, 2**60, 2**60 + 2], values).all()


def test_the_first_ten_thousand_rows_are_finite_for_float32_too() -> None:
    count = 0
    for block in blocks():
        rows = as_array(block)
        with np.errstate(over="ignore"):
            is_finite = bool(np.isfinite(rows.astype(np.float32)).all())
        if count < 10_000:
            assert is_finite
        count += len(rows)
    assert count > 10_000


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_special_values_come_in_blocks_of_their_own_and_alone(value: float) -> None:
    def holds(block: dict[str, np.ndarray], one: float) -> bool:
        column = block["f8"]
        return bool((np.isnan(column) if np.isnan(one) else column == one).any())

    others = {np.nan, np.inf, -np.inf} - {value}
    own = [
        block
        for block in blocks()
        if holds(block, value) and not any(holds(block, other) for other in others)
    ]

    assert any(len(block["f8"]) > 100 for block in own)
    assert any(len(block["f8"]) == 1 for block in own)


def test_columns_keep_their_types_and_strings_are_known_changed_and_unknown() -> None:
    kinds: dict[str, Kind] = {**KINDS, "i4": "int32", "s": "string"}
    example = {name: np.zeros(2) for name in kinds} | {"s": np.array(["red", "Blue"], object)}

    found = [*generate(example, {}, kinds, 2_000), *generate_special(example, {}, kinds)]

    assert all(block["i4"].dtype == np.int32 and block["b"].dtype == bool for block in found)
    strings = {value for block in found for value in block["s"]}
    assert {"red", "Blue", "RED", "", "unknown", None} <= strings
    assert all(value is not None for block in found[:2] for value in block["s"])


def test_the_same_seed_gives_the_same_rows() -> None:
    def bits(seed: int) -> list[bytes]:
        return [as_array(one).tobytes() for one in generate(None, EDGES, KINDS, 500, seed)]

    assert bits(1) == bits(1)
    assert bits(1) != bits(2)
