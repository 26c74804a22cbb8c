"""Objects that stand here for those of another Python: attributes and calls are asked of it.

A stand-in's class has the module and name that scikit-learn, XGBoost or LightGBM give it today,
and what older releases name or hold otherwise is as it is today (`releases.py`): what reads a
fitted model reads a stand-in of it unchanged.
"""

import builtins
import importlib.abc
import importlib.machinery
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from .exchange import receive, send
from .releases import ABSENT, CHANGED, current_name

_UNKNOWN = object()


class RemoteError(Exception):
    """What the other Python raised, where it is no error of Python's own."""


class Session:
    """A worker in another Python, and what is known of its objects.

    :param python: the other interpreter.
    :param request: which model, and how it is loaded: what `worker.py` reads.
    :raises RemoteError: it cannot be started, or it cannot load the model; says why.
    """

    def __init__(self, python: str, request: dict[str, Any]) -> None:
        argv = [python, "-m", f"{__package__}.worker", json.dumps(request)]
        # Where this package is importable from, whatever the working directory is.
        root = Path(__file__).parents[len(str(__package__).split("."))]
        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, cwd=root)
        except OSError as error:
            raise RemoteError(f"{python} cannot be started: {error.strerror}") from error
        self._lock = threading.Lock()
        self._kinds: dict[tuple[str, str, bool], type[StandIn]] = {}
        self._known: dict[int, StandIn] = {}
        try:
            self.model, self.predict = self._receive()
        except Exception:
            self.close()
            raise

    def ask(self, verb: str, *arguments: Any) -> Any:
        """Return what the worker answers, a stand-in where that cannot travel.

        :raises Exception: what it raised there, if it is an error of Python's own.
        :raises RemoteError: any other.
        """
        with self._lock:  # the function's own requests may come on several threads
            assert self._process.stdin is not None
            send(self._process.stdin, (verb, arguments), _refer)
            return self._receive()

    def close(self) -> None:
        """End the worker."""
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with suppress(OSError):
                pipe.close()
        self._process.wait()

    def _receive(self) -> Any:
        assert self._process.stdout is not None
        try:
            outcome, answer = receive(self._process.stdout, self._find)
        except EOFError as error:
            status = self._process.wait()
            raise RemoteError(f"{error}, with status {status}") from error
        if outcome == "done":
            return answer
        name, message = answer
        kind = getattr(builtins, name, None)
        if isinstance(kind, type) and issubclass(kind, Exception):
            raise kind(message)
        raise RemoteError(f"{name}: {message}")

    def _find(self, description: dict[str, Any]) -> "StandIn":
        number = description["number"]
        if number not in self._known:
            module, name = current_name(description["module"], description["name"])
            key = (module, name, description["is_callable"])
            if key not in self._kinds:
                parent = _CallableStandIn if description["is_callable"] else StandIn
                own = {"__module__": module, "__qualname__": name}
                self._kinds[key] = type(name.rpartition(".")[2], (parent,), own)
            self._known[number] = self._kinds[key](self, number)
        return self._known[number]


class StandIn:
    """An object of the other Python. What has been asked for once is kept: it is fitted."""

    def __init__(self, session: Session, number: int) -> None:
        self.__dict__.update(_session=session, _number=number, _seen={})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        seen = self.__dict__["_seen"]
        found = seen.get(name, _UNKNOWN)
        if found is _UNKNOWN:
            found = seen[name] = self._look_up(name)
        return found

    def logged(self, name: str) -> Any:
        """Return the attribute as the model's own release has it.

        :raises AttributeError: it has none.
        """
        return self._session.ask("get", self, name)

    def as_json(self) -> bytes:
        """Return an XGBoost Booster as its release writes it to a `.json` file."""
        return bytes(self._session.ask("as_json", self))

    def _look_up(self, name: str) -> Any:
        try:
            value = self.logged(name)
        except AttributeError:
            if name not in ABSENT:
                raise
            with suppress(AttributeError, LookupError, TypeError):
                return ABSENT[name](self)
            raise
        return CHANGED[name](self, value) if name in CHANGED else value


class _CallableStandIn(StandIn):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._session.ask("call", self, list(arguments), options)


def _refer(value: Any) -> dict[str, Any]:
    if not isinstance(value, StandIn):
        raise TypeError(f"a {type(value).__name__} of this Python cannot be sent to the other")
    return {"number": value.__dict__["_number"]}


class Libraries(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports a library's modules from the other Python, where this one has no such library."""

    def __init__(self, session: Session, names: Sequence[str]) -> None:
        self._session = session
        self._names = names

    def install(self) -> None:
        """Take part in all imports from now on, after all others."""
        sys.meta_path.append(self)

    def find_spec(
        self, fullname: str, path: Any = None, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return what loads the module; None: the other Python has none either."""
        if fullname.partition(".")[0] not in self._names:
            return None
        # Before 0.22 scikit-learn's modules had no underscore.
        for name in dict.fromkeys((fullname, fullname.replace("._", "."))):
            with suppress(ImportError):
                module = self._session.ask("import", name)
                return importlib.machinery.ModuleSpec(
                    fullname, self, loader_state=module, is_package=True
                )
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Let the module's names be those of the other Python's."""
        assert module.__spec__ is not None
        stand_in = module.__spec__.loader_state
        ask: Callable[[str], Any] = stand_in.__getattr__
        module.__dict__["__getattr__"] = ask
