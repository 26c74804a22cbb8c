"""The libraries whose imports may wait: data."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Library:
    """A top-level package that is rewritten."""

    name: str
    reason: str


LIBRARIES = (
    Library("sklearn", "every estimator imports scipy.stats, pandas and the metrics to be fitted"),
    Library("scipy", "a package's __init__ imports all of its functions for one of them"),
    Library("joblib", "multiprocessing, asyncio and loky, where one process predicts"),
    Library("narwhals", "twelve kinds of data frames, to ask whether an array is one"),
    Library("skops", "imports every estimator that scikit-learn has"),
    Library("xgboost", "its scikit-learn wrapper imports the training"),
    Library("lightgbm", "its scikit-learn wrapper imports the training"),
    Library("mlflow", "imports a server's client, evaluation and agents to load one model"),
)

LEFT_ALONE = ("joblib.externals",)
"""Not rewritten: loky's modules import each other in circles that work from one side only."""

NEVER_LATE = ("sklearn._loss",)
"""Imported when they were before. Up to scikit-learn 1.7 this one is also, by the name that its
extension module gives itself, `_loss`: pickled models name it so, and do not import it."""

WAITED_FOR = ("matplotlib", "numpy.f2py", "numpy.testing", "pandas", "threadpoolctl")
"""Not rewritten, but imported when they are first used."""

# Without packages: `xml` in one module may count on another's `import xml.dom`.
STANDARD = frozenset(
    (
        *("bz2", "cProfile", "csv", "difflib", "doctest", "gzip", "hashlib", "inspect", "lzma"),
        *("pdb", "pickle", "pickletools", "platform", "pprint", "pydoc", "random", "secrets"),
        *("shutil", "socket", "ssl", "subprocess", "tarfile", "tempfile", "textwrap", "timeit"),
        *("tokenize", "uuid", "zipfile"),
    )
)
"""Modules of the standard library that cost something and do nothing when they are imported."""

SHORTCUTS: Mapping[tuple[str, str], str] = {
    # Writes a table of array libraries into the docstrings of all ufuncs: 70 ms of scipy.special.
    ("scipy._lib._array_api", "xp_capabilities"): "return lambda function: function"
}
"""By module and function: the body that it gets, since all that it does is documentation."""

FILLERS = frozenset({"LazyLoader"})
"""Classes called with `globals()` only to put a name into them later (mlflow.utils.lazy_load)."""

HOLDING: Mapping[str, tuple[str, str]] = {"not IS_TRACING_SDK_ONLY": ("mlflow", "mlflow.models")}
"""By condition: the library in which it holds wherever that has this module. Imports below it
may wait as if they stood alone."""

COPIERS = frozenset({"clone_module"})
"""Functions `f(name of a module, globals())` that copy its names, importing numpy.testing,
numpy.f2py and so on, which numpy itself imports on demand (array_api_compat)."""

_NAMES = frozenset(library.name for library in LIBRARIES)


def is_rewritten(module: str) -> bool:
    """Tell whether a module is one of these libraries'."""
    return module.partition(".")[0] in _NAMES and not _is_in(module, LEFT_ALONE)


def is_deferrable(module: str) -> bool:
    """Tell whether a module, or a name in one, may be imported when it is first used."""
    if _is_in(module, NEVER_LATE):
        return False
    top = module.partition(".")[0]
    return top in _NAMES or top in STANDARD or _is_in(module, WAITED_FOR)


def _is_in(module: str, packages: tuple[str, ...]) -> bool:
    return any(f"{module}.".startswith(f"{name}.") for name in packages)
