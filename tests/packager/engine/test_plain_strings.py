"""Strings that pyarrow stores, written by Python: the same, and read without pyarrow."""

import io
import pickle
from typing import Any

import pandas as pd
import pytest

from packager.engine.converter.plain_strings import _PlainStrings
from packager.model.inert_pickle import read_pickles

pytest.importorskip("pyarrow")


def rewritten(value: Any) -> bytes:
    file = io.BytesIO()
    _PlainStrings(file, pickle.HIGHEST_PROTOCOL).dump(value)
    return file.getvalue()


@pytest.mark.parametrize("na_value", [float("nan"), pd.NA])
def test_strings_stay_the_same_without_pyarrow(na_value: Any) -> None:
    dtype = pd.StringDtype("pyarrow", na_value=na_value)
    series = pd.Series(["b", None, "é"], index=pd.Index(["x", "y", "z"], dtype=dtype), dtype=dtype)
    table = pd.DataFrame({"text": series, "kind": series.astype("category")})
    assert "pyarrow.lib" in read_pickles(io.BytesIO(pickle.dumps(table))).modules

    made = rewritten([table, dtype, table])

    assert "pyarrow" not in {
        name.partition(".")[0] for name in read_pickles(io.BytesIO(made)).modules
    }
    first, kind, again = pickle.loads(made)
    assert first is again
    assert kind.storage == "python"
    assert (kind.na_value is pd.NA) == (na_value is pd.NA)
    assert first["text"].tolist()[::2] == ["b", "é"]
    assert first["text"].isna().tolist() == [False, True, False]
    assert first["kind"].cat.categories.tolist() == ["b", "é"]


def test_functions_by_value_and_all_else_stay() -> None:
    found = pickle.loads(rewritten({"twice": lambda x: 2 * x, "rest": [1, (2.5, None)]}))

    assert found["twice"](4) == 8
    assert found["rest"] == [1, (2.5, None)]
