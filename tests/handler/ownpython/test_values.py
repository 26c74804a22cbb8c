"""What two Pythons tell each other: values survive, and nothing is constructed but plain ones."""

import datetime
import decimal
import io
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from handler.errors import UnserializablePrediction
from handler.ownpython import values
from handler.requests.encode import encode_predictions

ROOT = Path(values.__file__).parents[2]
MOMENT = datetime.datetime(2026, 12, 1, 18, 5, tzinfo=datetime.timezone(datetime.timedelta(0, 60)))


def through_a_pipe(value: Any) -> Any:
    stream = io.BytesIO()
    values.send(stream, values.pack(value))
    stream.seek(0)
    return values.unpack(values.receive(stream))


FRAME = pd.DataFrame(
    {
        "int": np.array([1, 2], "int32"),
        "float": [0.1, np.nan],
        "bool": [True, False],
        "when": pd.to_datetime(["2026-01-01", None]).astype("datetime64[ns]"),
        "zoned": pd.to_datetime(["2026-01-01", "2026-01-02"]).tz_localize("Europe/Rome"),
        "long": pd.to_timedelta([1, 2], "D").astype("timedelta64[ns]"),
        "nullable": pd.array([1, None], dtype="Int64"),
        "object": np.array([b"x", [1, {"a": None}]], dtype=object),
        "kind": pd.Categorical([2, None], categories=[1, 2], ordered=True),
    }
)


@pytest.mark.parametrize(
    "frame",
    [
        FRAME,
        FRAME.set_index("kind"),
        FRAME.iloc[:0],
        FRAME[[]],
        pd.DataFrame(np.arange(6.0).reshape(2, 3)),
        pd.DataFrame([[1, 2]], columns=["a", "a"]),
        pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", 1), ("b", 2)])),
    ],
)
def test_a_frame_arrives_as_it_was_sent(frame: pd.DataFrame) -> None:
    arrived = through_a_pipe(frame)
    pd.testing.assert_frame_equal(arrived, frame, check_column_type=False)
    assert arrived.to_numpy().flags.writeable


def test_text_arrives_as_objects_which_every_pandas_has() -> None:
    arrived = through_a_pipe(pd.DataFrame({"text": ["x", "y"]}))
    assert arrived["text"].dtype == object
    assert arrived["text"].tolist() == ["x", "y"]


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype="float32").reshape(2, 3),
        np.array(["a", "bc"]),
        np.array([b"a"]),
        np.array([[1, "x"], [None, [2]]], dtype=object),
        np.array(3),
        np.zeros((0, 2)),
        np.asfortranarray(np.arange(4).reshape(2, 2)),
    ],
)
def test_an_array_arrives_as_it_was_sent(array: Any) -> None:
    arrived = through_a_pipe(array)
    assert (arrived.dtype, arrived.shape) == (array.dtype, array.shape)
    assert arrived.tolist() == array.tolist()


@pytest.mark.parametrize(
    "value",
    [
        None,
        [1, 2.5, "x", b"y", True, {"a": (1, [2])}],
        {1: "int key", None: "none"},
        decimal.Decimal("1.10"),
        datetime.date(2026, 1, 1),
        MOMENT,
        np.float32(0.1),
        np.datetime64("2026-01-01"),
        pd.Timestamp("2026-01-01 10:00", tz="Asia/Tokyo"),
        pd.Timedelta("3h"),
        pd.NaT,
        pd.NA,
    ],
)
def test_other_values_arrive_in_their_own_types(value: Any) -> None:
    arrived = through_a_pipe(value)
    assert type(arrived) is type(value)
    assert arrived is value or arrived == value


def test_a_series_and_an_index_keep_their_names() -> None:
    series = pd.Series([1.5, 2.5], index=pd.Index([7, 9], name="i"), name="y")
    pd.testing.assert_series_equal(through_a_pipe(series), series)
    pd.testing.assert_index_equal(through_a_pipe(series.index), series.index)


class Text(str):
    __slots__ = ()


def test_classes_that_derive_from_plain_ones_become_those() -> None:
    assert type(through_a_pipe(Text("x"))) is str


def test_of_what_is_unknown_the_type_is_told_where_the_answer_is_written() -> None:
    with pytest.raises(UnserializablePrediction, match="a value of type set"):
        encode_predictions(through_a_pipe({"found": {1, 2}}))


def test_a_message_constructs_nothing_but_plain_values() -> None:
    evil = pickle.dumps(os.getcwd)
    stream = io.BytesIO(len(evil).to_bytes(8, "big") + evil)
    with pytest.raises(pickle.UnpicklingError, match=r"a message names posix\.getcwd"):
        values.receive(stream)


@pytest.mark.parametrize("cut", [0, 3, 8, 12])
def test_a_message_that_is_cut_short_is_the_end(cut: int) -> None:
    stream = io.BytesIO()
    values.send(stream, ["a message"])
    with pytest.raises(EOFError):
        values.receive(io.BytesIO(stream.getvalue()[:cut]))


def test_what_both_processes_share_needs_the_standard_library_alone() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import handler.ownpython.worker,"
        " handler.ownpython.values; print('numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr
