"""What a pickle names of a module, read without loading it."""

import pickle
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import joblib
import numpy as np
import pytest

from packager.model.pickle_globals import globals_of


@pytest.fixture
def shop() -> Iterator[Any]:
    """A package `shop` with a class at its top and one in a module of it."""
    modules = {name: types.ModuleType(name) for name in ("shop", "shop.core", "shopping")}
    for name, module in modules.items():
        made = type("Scale", (), {"__module__": name})
        module.Scale = made  # type: ignore[attr-defined]
    sys.modules.update(modules)
    yield modules
    for name in modules:
        del sys.modules[name]


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_classes_of_a_module_and_below_are_found_each_once(
    shop: Any, tmp_path: Path, protocol: int
) -> None:
    path = tmp_path / "model.pkl"
    objects = [shop[name].Scale() for name in ("shop", "shop.core", "shopping", "shop")]
    path.write_bytes(pickle.dumps(["shop", "Scale", *objects], protocol=protocol))

    assert globals_of(path, "shop") == ("shop.Scale", "shop.core.Scale")
    assert globals_of(path, "shop.core") == ("shop.core.Scale",)
    assert globals_of(path, "shopping") == ("shopping.Scale",)
    assert globals_of(path, "sho") == ()


@pytest.mark.parametrize("compress", [0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3)])
@pytest.mark.parametrize("array", [None, np.arange(10_000.0)])
def test_files_of_joblib_are_read_with_and_without_arrays_and_compressed(
    shop: Any, tmp_path: Path, compress: Any, array: Any
) -> None:
    path = tmp_path / "model.joblib"
    joblib.dump([array, shop["shop"].Scale()], path, compress=compress)

    assert globals_of(path, "shop") == ("shop.Scale",)


def test_what_is_pickled_by_value_needs_no_module(tmp_path: Path) -> None:
    made = type("Scale", (), {"__module__": "__main__"})
    path = tmp_path / "model.pkl"
    path.write_bytes(cloudpickle.dumps([made(), lambda: 1]))

    assert b"__main__" in path.read_bytes()
    assert globals_of(path, "__main__") == ()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x04\x95__main__", b"\x1f\x8bx"])
def test_of_what_is_no_whole_pickle_nothing_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.pkl").write_bytes(content)

    assert globals_of(tmp_path / "model.pkl", "__main__") == ()
    assert globals_of(tmp_path / "gone.pkl", "__main__") == ()
