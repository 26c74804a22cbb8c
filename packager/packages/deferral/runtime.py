"""What modules with deferred imports need when they run.

It travels in the bundle, beside the libraries, as the module `_deferred_imports`. Modules
name it in their first line: `__deferred__ = __import__("_deferred_imports").Deferred(...)`.
"""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


class Deferred:
    """The imports of one module that wait."""

    __slots__ = ("imports", "namespace", "submodules")

    def __init__(
        self,
        namespace: dict[str, Any],
        imports: tuple[tuple[Any, ...], ...],
        submodules: tuple[str, ...],
    ) -> None:
        """Make a module answer for its deferred names.

        :param namespace: the module's globals.
        :param imports: for each name: itself, the module to import, the name in that (None: the
            module itself), the level as in `__import__`; and what the name is if that fails,
            where the module has said so.
        :param submodules: of a package: what its folder holds. They used to be attributes of it
            by somebody's import, which may now be deferred.
        """
        self.namespace = namespace
        self.imports = {row[0]: row[1:] for row in imports}
        self.submodules = submodules
        namespace["__getattr__"] = self.find
        namespace["__dir__"] = self.names

    def __call__(self, name: str) -> Any:
        """Return what a deferred name stands for; it is a global from then on.

        Several threads may come here at once: they all get the first one's.

        :raises ImportError: as the import statement would have done.
        """
        namespace = self.namespace
        if name not in namespace:
            namespace.setdefault(name, self._load(*self.imports[name]))
        namespace[f"__has_{name}__"] = True  # what functions look at
        return namespace[name]

    def find(self, name: str) -> Any:
        """Be the module's `__getattr__` (PEP 562)."""
        if name in self.imports:
            return self(name)
        if name in self.submodules:
            return self._submodule(name)
        if name == "__all__":
            # Asked for where there is none by `from module import *` alone.
            return [name for name in self.names() if name[0] != "_"]
        module = self.namespace["__name__"]
        raise AttributeError(f"module {module!r} has no attribute {name!r}")

    def names(self) -> list[str]:
        """Be the module's `__dir__`."""
        return sorted({*self.namespace, *self.imports})

    def after(self, own: Callable[[str], Any]) -> Callable[[str], Any]:
        """Return a `__getattr__` that asks the module's own one too."""

        def find(name: str) -> Any:
            if name in self.imports:
                return self(name)
            try:
                return own(name)
            except AttributeError:
                if name in self.submodules:
                    return self._submodule(name)
                raise

        return find

    def copy(self, module: str, namespace: dict[str, Any]) -> list[str]:
        """Make a module's public names this one's too, and return them.

        What that module itself imports on demand (numpy.testing) waits here too.
        """
        __import__(module)
        found = sys.modules[module]
        public = [name for name in dir(found) if not name.startswith("_")]
        names = list(dict.fromkeys((*found.__all__, *public)))
        for name in names:
            if name in vars(found):
                namespace[name] = vars(found)[name]
            else:
                self.imports[name] = (module, name, 0)
        return names

    def _load(self, module: str, attribute: str | None, level: int, *default: Any) -> Any:
        """Import as the statement would have done."""
        try:
            if module == "" and attribute in self.submodules:
                return self._submodule(attribute)
            if attribute is not None:
                found = __import__(module, self.namespace, None, (attribute,), level)
                return _member(found, attribute)
            found = __import__(module, self.namespace)
        except ImportError:
            if default:
                return default[0]
            raise
        for part in module.split(".")[1:]:
            found = _member(found, part)
        return found

    def _submodule(self, name: str) -> ModuleType:
        """Return a module of this package; not by its attributes, which lead here."""
        full = f"{self.namespace['__name__']}.{name}"
        __import__(full)  # waits for another thread that is at it
        return sys.modules[full]


def _member(module: ModuleType, name: str) -> Any:
    """Return `module.name` as `from module import name` does.

    :raises ImportError: there is no such thing.
    """
    try:
        return getattr(module, name)
    except AttributeError:
        full = f"{module.__name__}.{name}"
        if full in sys.modules:
            return sys.modules[full]
        raise ImportError(
            f"cannot import name {name!r} from {module.__name__!r}", name=module.__name__
        ) from None
