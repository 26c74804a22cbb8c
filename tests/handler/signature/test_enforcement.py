"""Typed columns, as parquet brings them: which conversions are safe."""

import datetime
import decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from handler.errors import SignatureMismatch
from handler.signature.columns import Signature
from handler.signature.schema import parse_inputs
from tests.support.scorers import column, tensor


def enforced(values: Any, item: dict[str, Any]) -> pd.Series:
    frame = pd.DataFrame({"x": values})
    result: pd.Series = Signature(parse_inputs([{**item, "name": "x"}])).enforce(frame)["x"]
    return result


@pytest.mark.parametrize(
    ("values", "type_name", "dtype"),
    [
        (np.array([1], "int8"), "integer", "int32"),
        (np.array([1], "int32"), "long", "int64"),
        (np.array([1], "uint8"), "integer", "int32"),
        (np.array([1], "uint32"), "long", "int64"),
        (np.array([1], "uint32"), "double", "float64"),
        (np.array([1.5], "float32"), "double", "float64"),
        (np.array([0, 1], "int64"), "double", "float64"),
        (np.array([0, 1], "int64"), "float", "float32"),
        (np.array(["2024-01-02"], "datetime64[s]"), "datetime", "datetime64[ns]"),
        (pd.Series([datetime.date(2024, 1, 2)], dtype=object), "datetime", "datetime64[ns]"),
        (pd.Series([True, None], dtype=object), "boolean", "object"),
        (pd.Series([decimal.Decimal("1.5"), 2], dtype=object), "double", "float64"),
        (pd.Series([b"ab"], dtype=object), "binary", "object"),
        (pd.Series(["ab", None], dtype=object), "string", "object"),
    ],
)
def test_conversions_that_lose_nothing_are_made(values: Any, type_name: str, dtype: str) -> None:
    assert enforced(values, column(type_name)).dtype == dtype


@pytest.mark.parametrize(
    ("values", "type_name", "reason"),
    [
        (np.array([1.0]), "long", "float64 cannot be converted to long"),
        (np.array([1.0, np.nan]), "long", "cannot hold missing values"),
        (np.array([1.5]), "float", "float64 cannot be converted to float"),
        (np.array([2]), "double", "write the numbers with a decimal point"),
        (np.array([2]), "integer", "int64 cannot be converted to integer"),
        (np.array([2], "uint64"), "long", "uint64 cannot be converted to long"),
        (np.array([1]), "string", "int64 cannot be converted to string"),
        (np.array([True]), "double", "bool cannot be converted to double"),
        (pd.Series([1, "a"], dtype=object), "long", "a mix of values cannot be converted"),
        (pd.Series(["a", 1], dtype=object), "datetime", "a value is no datetime"),
        (pd.to_datetime(["2024-01-02T00:00:00Z"]), "datetime", "no time zone"),
        (pd.Series([decimal.Decimal(1), "a"], dtype=object), "double", "a value is no number"),
        (pd.Series([2**70], dtype=object), "datetime", "one of its values cannot be converted"),
    ],
)
def test_conversions_that_lose_something_are_refused(
    values: Any, type_name: str, reason: str
) -> None:
    with pytest.raises(SignatureMismatch) as caught:
        enforced(values, column(type_name))
    assert reason in caught.value.message


def test_missing_values_of_optional_nested_properties_become_none() -> None:
    item = column("object", properties={"p": {"type": "double", "required": False}})
    for missing in (None, pd.NA, pd.NaT, float("nan")):
        assert enforced(pd.Series([{"p": missing}], dtype=object), item).iloc[0] == {"p": None}


def test_lists_in_arrays_stay_arrays() -> None:
    one = np.empty(1, dtype=object)
    one[0] = np.array([1.5, 2.0])
    item = column("array", items={"type": "double"})
    cell = enforced(pd.Series(one), item).iloc[0]
    assert isinstance(cell, np.ndarray)
    nested = column("array", items={"type": "any"})
    assert isinstance(enforced(pd.Series(one), nested).iloc[0], np.ndarray)


def test_array_cells_of_a_frame_are_reshaped_without_a_cast() -> None:
    cells = np.empty(2, dtype=object)
    cells[:] = [np.array([1.0, 2.0]), np.array([3.0, 4.0])]
    signature = Signature(parse_inputs([tensor("float64", [-1, 2], "x")]))
    assert signature.enforce(pd.DataFrame({"x": cells}))["x"].tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_tensor_of_another_dtype_is_refused() -> None:
    signature = Signature(parse_inputs([tensor("float32", [-1])]))
    with pytest.raises(SignatureMismatch, match="dtype float64, which must be float32"):
        signature.enforce(np.array([1.0]))


def test_ragged_arrays_pass_where_the_signature_leaves_a_length_open() -> None:
    ragged = np.empty(2, dtype=object)
    ragged[:] = [[1.0], [1.0, 2.0]]
    signature = Signature(parse_inputs([tensor("float64", [-1, -1])]))
    assert signature.enforce(ragged) is ragged


def test_data_that_is_no_table_is_refused() -> None:
    signature = Signature(parse_inputs([column("double", "x")]))
    with pytest.raises(SignatureMismatch, match="it needs a table, not null"):
        signature.enforce(None)
