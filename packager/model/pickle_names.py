"""What a pickle names of MLflow, read from its opcodes: nothing is executed."""

import importlib
import pickletools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, cast

from handler.facts_for_builder import OPENERS, SIGNATURES
from packager.model.source_names import is_name, is_provided
from packager.support.malformed import COMPRESSION_ERRORS

_MAX_OPCODES = 5_000_000
"""Seconds; what is longer is left to MLflow."""
_LARGE = 1 << 24
"""Bytes: what is larger is an array's, and read in pieces."""
_MARK = b"mlflow"
# What MLflow's own wrapper around `predict` says of where it is from, and the module that
# cloudpickle takes TypeFromExample out of.
_HARMLESS = (
    "mlflow.pyfunc.utils",
    "mlflow.pyfunc.utils.data_validation",
    "mlflow.types.type_hints",
)
_FUNCTION_MODEL = "mlflow.pyfunc.model._FunctionPythonModel"


def why_of_pickle(path: Path, compression: str | None) -> str | None:
    """Return what in the pickle needs MLflow itself; None: nothing.

    What cannot be told for sure needs it.
    """
    with importlib.import_module(OPENERS[compression]).open(path, "rb") as file:
        reader = _Reader()
        source = _Pieces(file)
        try:
            for opcode, argument, _ in pickletools.genops(cast("IO[bytes]", source)):
                reader.step(opcode.name, argument)
                if reader.steps > _MAX_OPCODES:
                    return "is too long to be read"
        except (ValueError, TypeError, OverflowError, *COMPRESSION_ERRORS):
            return "cannot be read"
        if source.has_mark or reader.has_bytes:
            return "has bytes that mention mlflow"
        return next(reader.reasons(), None)


class _Pieces:
    """A file for `genops` that never holds a large array."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.has_mark = False

    def readline(self) -> bytes:
        return self._file.readline()

    def read(self, size: int) -> Any:
        if size < _LARGE:
            return self._file.read(size)
        left, end = size, b""
        while left:
            piece = self._file.read(min(left, _LARGE))
            if not piece:
                raise EOFError
            self.has_mark = self.has_mark or _MARK in end + piece
            end = piece[-len(_MARK) :]
            left -= len(piece)
        return _Length(size)


class _Length:
    """What `genops` takes for so many bytes: it asks how many they are, and copies some."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size

    def __index__(self) -> int:
        return 0  # an empty bytearray


class _Reader:
    """Follows which strings become names of globals."""

    def __init__(self) -> None:
        self.steps = 0
        self.has_bytes = False
        self._memo: dict[int, Any] = {}
        self._top: list[Any] = [None, None]
        self._loose: Counter[str] = Counter()
        self._doubts: list[str] = []
        self._globals: list[str] = []
        self._is_function_model = False
        self._is_func_first = False
        self._is_signature = False
        self._in_signature: list[str] = []
        self._sealed: set[int] = set()

    def step(self, opcode: str, argument: Any) -> None:
        self.steps += 1
        match opcode:
            case "MEMOIZE":
                self._remember(len(self._memo))
            case "PUT" | "BINPUT" | "LONG_BINPUT":
                self._remember(int(argument))
            case "GET" | "BINGET" | "LONG_BINGET":
                self._recall(int(argument))
            case "GLOBAL" | "INST":
                self._name(*argument.split(" ", 1))
            case "STACK_GLOBAL":
                module, name = self._top
                if isinstance(module, str):
                    self._loose[module] -= 1
                self._name(module, name)
            case "FRAME" | "PROTO":
                pass
            case _:
                if isinstance(argument, (bytes, bytearray)):
                    self.has_bytes = self.has_bytes or _MARK in argument
                self._push(argument if isinstance(argument, str) else None)

    def reasons(self) -> Iterator[str]:
        yield from self._doubts
        yield from (f"names {name}" for name in self._globals if not is_provided(name))
        for text, count in self._loose.items():
            if count > 0 and text not in _HARMLESS and not is_provided(text):
                yield f"names {text}"

    def _push(self, value: Any) -> None:
        self._top = [self._top[1], value]
        if not isinstance(value, str):
            return
        if is_name(value):
            self._loose[value] += 1
        # Of a logged function's attributes the signature is first; before MLflow 2.20 it is last.
        if self._is_function_model:
            self._is_function_model, self._is_signature = False, value == "signature"
            self._is_func_first = value == "func"
        elif value == "func":
            self._is_signature = False
            self._in_signature.clear()
        elif value == "signature" and self._is_func_first:
            # The one before was not the attribute's name.
            self._globals += self._in_signature
            self._in_signature.clear()
            self._is_signature = True

    def _remember(self, index: int) -> None:
        self._memo[index] = self._top[1]
        if self._is_signature and not isinstance(self._top[1], str):
            self._sealed.add(index)

    def _recall(self, index: int) -> None:
        if index in self._sealed and not self._is_signature:
            self._doubts.append("uses a part of its signature")
        self._push(self._memo.get(index))

    def _name(self, module: Any, name: Any) -> None:
        self._push(None)
        if not isinstance(module, str) or not isinstance(name, str):
            self._doubts.append("has names that cannot be read")
        elif is_name(module):
            is_part = self._is_signature and name in SIGNATURES.get(module, ())
            found = self._in_signature if is_part else self._globals
            found.append(f"{module}.{name}")
            self._is_function_model = found[-1] == _FUNCTION_MODEL
