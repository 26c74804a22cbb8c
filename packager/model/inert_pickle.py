"""What a pickle names: classes, functions and the code that it brings. Nothing of it is run.

The standard library's unpickler follows the opcodes, but every name that it looks up is something
inert, which takes whatever is done to it. That is faster than `pickletools`, and gets over what
joblib writes in between: arrays that are no part of the pickle.

Sources: `joblib/numpy_pickle.py` (1.5), `cloudpickle/cloudpickle.py` (3.1), `dill/_dill.py` (0.4).
"""

import math
import os
import pickle
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import IO, Any

_IMPORTERS = frozenset({"subimport", "dynamic_subimport", "_import_module"})
"""Functions of cloudpickle's and dill's that import the module that is their first argument."""
_CODE_MAKERS = frozenset({"CodeType", "_create_code"})
_IMPORT_NAME = dict.fromkeys(range(6, 13), 108) | {13: 75}
"""The opcode of `import`, by the minor version of Python 3 (`dis.opmap`)."""
_EXTENDED_ARG = dict.fromkeys(range(6, 13), 144) | {13: 71}
_PROTOCOL = b"\x80"
"""The first opcode of a pickle, but of the oldest."""
_GUARDS = frozenset({"ImportError", "ModuleNotFoundError", "Exception"})


@dataclass(frozen=True)
class Code:
    """A code object: a function, or what stands in one."""

    name: str
    names: tuple[str, ...]
    """Globals, attributes and modules that it uses."""
    inner: tuple["Code", ...]
    """Functions and comprehensions inside of it."""
    instructions: bytes

    @property
    def is_guarded(self) -> bool:
        """Whether it may be made for a module that is not there."""
        return not _GUARDS.isdisjoint(self.names)

    def imports(self, python: str | None) -> Iterator[str]:
        """Yield the modules that it imports itself, when it is run.

        :param python: the version that made it, as `3.11`. Of one that is not known here nothing
            is yielded.
        """
        minor = int(python.partition(".")[2]) if python else -1
        if minor not in _IMPORT_NAME:
            return
        index = 0
        for opcode, argument in zip(*[iter(self.instructions)] * 2, strict=False):
            index = index << 8 | argument
            if opcode == _EXTENDED_ARG[minor]:
                continue
            if opcode == _IMPORT_NAME[minor] and index < len(self.names):
                yield self.names[index]
            index = 0


@dataclass
class PickledNames:
    """What the pickles in a file name."""

    members: dict[str, None] = field(default_factory=dict)
    """Classes and functions that other packages have, as `sklearn.tree._tree.Tree`."""
    modules: dict[str, None] = field(default_factory=dict)
    """Of these, and modules that are named as such."""
    codes: list[Code] = field(default_factory=list)

    def add(self, module: str, name: str) -> None:
        """Note that the pickle names this member of the module."""
        self.members[f"{module}.{name}"] = None
        self.modules[module] = None


class _Kind(type):
    """Makes `_Inert` its own instance, item and attribute."""

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls

    def __setitem__(cls, key: Any, value: Any) -> None:
        pass


class _Inert(metaclass=_Kind):
    """Whatever a pickle makes: called, built and filled, it stays what it is."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        return cls

    @classmethod
    def __setstate__(cls, state: Any) -> None:
        pass

    @classmethod
    def append(cls, item: Any) -> None:
        pass

    extend = add = append


class _Dtype:
    """A numpy dtype: how long its values are."""

    def __init__(self, text: Any = "O8", *_: Any) -> None:
        self.text = str(text)

    def __setstate__(self, state: Any) -> None:
        pass

    @property
    def holds_objects(self) -> bool:
        return self.text.startswith("O")

    @property
    def size_bytes(self) -> int:
        kind, digits = self.text[:1], re.sub(r"\D", "", self.text)
        return int(digits) * (4 if kind == "U" else 1)


class _Reader(pickle.Unpickler):
    def __init__(self, file: IO[bytes], names: PickledNames) -> None:
        super().__init__(_Exactly(file))
        self._file, self._names = file, names

    def find_class(self, module: str, name: str) -> Any:
        if module.startswith("joblib.") and name == "NumpyArrayWrapper":
            return self._array_class()
        self._names.add(module, name)
        if (module, name) == ("numpy", "dtype"):
            return _Dtype
        if name in _CODE_MAKERS:
            return self._code
        if name == "_builtin_type":
            return self._builtin
        if name in _IMPORTERS:
            return self._import
        return _Inert

    def persistent_load(self, pid: Any) -> Any:
        return _Inert

    def _builtin(self, name: Any = None, *_: Any) -> Any:
        return self._code if name in _CODE_MAKERS else _Inert

    def _import(self, module: Any = None, *_: Any) -> Any:
        if isinstance(module, str):
            self._names.modules[module] = None
        return _Inert

    def _code(self, *args: Any) -> Any:
        """Note a code object. Before its instructions stand numbers, and dill's line table."""
        start = next((i for i, item in enumerate(args) if isinstance(item, int)), 0)
        place = next((i for i, item in enumerate(args[start:]) if isinstance(item, bytes)), None)
        if place is None:
            raise ValueError("no instructions")
        instructions, constants, names, _, _, name = args[start + place : start + place + 6]
        code = Code(
            name=str(name),
            names=tuple(map(str, names)),
            inner=tuple(item for item in constants if isinstance(item, Code)),
            instructions=instructions,
        )
        self._names.codes.append(code)
        return code

    def _array_class(self) -> type:
        read = partial(_pass_array, self._file, self._names)
        return type("_Array", (), {"__setstate__": lambda self, state: read(state)})


class _Exactly:
    """A file that the unpickler cannot read ahead of."""

    def __init__(self, file: IO[bytes]) -> None:
        self.read: Callable[[int], bytes] = file.read
        self.readline: Callable[[], bytes] = file.readline


def read_pickles(file: IO[bytes]) -> PickledNames:
    """Return what the pickle at the file's beginning names, and those that follow it at once.

    :param file: uncompressed, and seekable.
    :raises ValueError: they cannot be read.
    """
    names = PickledNames()
    file.seek(0)
    try:
        _Reader(file, names).load()
        # Old files of torch's are several, and then numbers.
        while file.read(1) == _PROTOCOL:
            file.seek(-1, os.SEEK_CUR)
            _Reader(file, names).load()
    except Exception as error:  # a damaged one raises anything
        raise ValueError(f"{type(error).__name__}: {error}") from error
    return names


def _pass_array(file: IO[bytes], names: PickledNames, state: dict[str, Any]) -> None:
    """Get over the array that follows its description in a file of joblib's."""
    dtype: _Dtype = state["dtype"]
    if dtype.holds_objects:
        _Reader(file, names).load()
        return
    if state.get("numpy_array_alignment_bytes") is not None:
        file.seek(file.read(1)[0], os.SEEK_CUR)
    file.seek(math.prod(state["shape"]) * dtype.size_bytes, os.SEEK_CUR)
