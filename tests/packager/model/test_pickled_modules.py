"""Which modules a model's file names, without loading it."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import zipfile
import zlib
from collections import OrderedDict
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import cloudpickle
import numpy as np
import pytest

from packager.model.pickled_modules import modules_named


def found(data: bytes) -> frozenset[str]:
    return modules_named(io.BytesIO(data))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol_is_read_and_old_names_are_todays(protocol: int) -> None:
    value = [OrderedDict(), Decimal(1), Fraction(1, 3), OrderedDict(), range]

    modules = found(pickle.dumps(value, protocol))

    assert {"collections", "decimal", "fractions"} <= modules
    assert not {"__builtin__", "copy_reg"} & modules


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, zlib.compress])
def test_compressed_files_are_read(compress: Callable[[bytes], bytes]) -> None:
    assert found(compress(pickle.dumps(Decimal(1)))) == {"decimal"}


def test_arrays_and_their_libraries_are_named() -> None:
    modules = found(pickle.dumps(np.arange(1000.0)))

    assert any(module.startswith("numpy") for module in modules)


def test_the_modules_that_a_function_uses_are_named() -> None:
    import statistics

    def score(rows: list[float]) -> float:
        return statistics.mean(rows)

    score.__module__ = "__main__"

    modules = found(cloudpickle.dumps(score))

    assert "statistics" in modules
    assert "__main__" not in modules


def test_a_skops_file_names_its_types() -> None:
    file = io.BytesIO()
    schema = {"__module__": "sklearn.dummy", "content": [{"__module__": "numpy"}]}
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("schema.json", json.dumps(schema))

    assert modules_named(file) == {"sklearn.dummy", "numpy"}


@pytest.mark.parametrize("data", [b"", b"\x80", b"a model", b"\x1f\x8bno", b"PK\x03\x04", b"x"])
def test_what_is_no_pickle_names_nothing(data: bytes) -> None:
    assert found(data) == frozenset()


def test_of_a_damaged_pickle_the_names_up_to_there_are_returned() -> None:
    data = pickle.dumps([Decimal(1), "x" * 500])

    assert found(data[:-50]) == {"decimal"}
