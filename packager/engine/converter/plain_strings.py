"""Write a pickle anew with its pandas strings stored by Python instead of by pyarrow.

`python -m converter.plain_strings` in the model's own environment: replaces the file in place. The
strings, their missing values and their dtype's behaviour stay as they are; pandas (2.3 to 3.1) has
both storages for this dtype, and takes pyarrow's wherever it is installed.
"""

import pickle
import sys
from pathlib import Path
from typing import Any

from handler.loaders.objects import read_object
from handler.manifest import MODEL_FOLDER, read_manifest

try:
    from cloudpickle import Pickler
except ImportError:  # then nothing in the pickle needs it
    Pickler = pickle.Pickler

_ARRAYS = ("ArrowStringArray", "ArrowStringArrayNumpySemantics")


class _PlainStrings(Pickler):  # type: ignore[misc]
    """Pickles strings of pyarrow's as Python's."""

    def reducer_override(self, obj: Any) -> Any:
        name = type(obj).__name__
        is_pandas = type(obj).__module__.partition(".")[0] == "pandas"
        if is_pandas and name in _ARRAYS:
            return obj.astype(_plain(obj.dtype)).__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        if is_pandas and name == "StringDtype" and obj.storage != "python":
            return _plain(obj).__reduce_ex__(pickle.HIGHEST_PROTOCOL)
        return getattr(super(), "reducer_override", lambda other: NotImplemented)(obj)


def _plain(dtype: Any) -> Any:
    return type(dtype)("python", na_value=dtype.na_value)


def main() -> None:
    """Rewrite the file of the model in the working directory."""
    folder = Path.cwd() / MODEL_FOLDER
    info = read_manifest(Path.cwd()).model
    if info.code_path is not None:
        sys.path.insert(0, str(folder / info.code_path))
    path = folder / info.data_path
    model = read_object(path, info)
    with path.open("wb") as file:
        _PlainStrings(file, pickle.HIGHEST_PROTOCOL).dump(model)


if __name__ == "__main__":
    main()
