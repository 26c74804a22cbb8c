"""Packages whose modules wait: what they pass on, copy, star-import and find."""

# ruff: noqa: E501 - one line for each module reads better here

import subprocess
import sys
from pathlib import Path

from packager.packages.bytecode import compile_bytecode
from tests.support.late_modules import HEAVY, HERE, Run


def test_what_is_only_passed_on_is_imported_when_it_is_asked_for(run: Run) -> None:
    modules = {
        "scipy.api__init": "from ..heavy import VALUE, double\nfrom ._own import own\n",
        "scipy.api._own": "def own():\n    return 'own'\n",
    }
    code = """
from scipy import api
print(loaded("heavy"), loaded("api._own"))
print(api.own(), loaded("heavy"))
from scipy.api import double
print(double(4), loaded("heavy"), "VALUE" in vars(api))
print(api.VALUE, "VALUE" in vars(api))
"""
    assert run(code, **modules) == ["False False", "own False", "8 True False", "42 True"]


def test_star_imports_get_every_name(run: Run) -> None:
    code = """
from scipy import listed, unlisted, with_listed, with_unlisted
print(loaded("heavy"))
print(with_listed.VALUE, hasattr(with_listed, "double"))
print(with_unlisted.VALUE, with_unlisted.double(1))
from scipy.unlisted import *
print(VALUE, "_private" in globals())
"""
    modules = {
        "scipy.listed": "from .heavy import VALUE, double\n__all__ = ['VALUE']\n",
        "scipy.unlisted": "from .heavy import VALUE, double\nfrom .heavy import VALUE as _private\n",
        "scipy.with_listed": "from .listed import *\n",
        "scipy.with_unlisted": "from .unlisted import *\n",
    }
    # Where the list is not plain to see, a star import is not deferred.
    assert run(code, **modules) == ["True", "42 False", "42 2", "42 False"]


def test_a_star_import_of_a_plain_list_waits_itself(run: Run) -> None:
    modules = {
        "scipy.listed": "from .heavy import VALUE\n__all__ = ['VALUE', 'own']\ndef own():\n    return 1\n",
        "scipy.api__init": "from ..listed import *\n__all__ = [s for s in dir() if s[0] != '_']\n",
    }
    code = """
from scipy import api
print(loaded("listed"), api.__all__)
from scipy.api import *
print(VALUE, own(), loaded("heavy"))
"""
    assert run(code, **modules) == ["False ['VALUE', 'own']", "42 1 True"]


def test_dir_in_a_module_sees_the_names_above_it_alone(run: Run) -> None:
    source = (
        "from .heavy import VALUE\nbefore = [s for s in dir() if s[0] != '_']\n"
        "from .heavy import double\ndef names():\n    a = 1\n    return dir()\n"
    )
    code = "from scipy import user; print(user.before, user.names(), 'double' in dir(user))"

    assert run(code, scipy_dot_user=source) == ["['VALUE'] ['a'] True"]


def test_a_modules_own_getattr_is_asked_for_the_rest(run: Run) -> None:
    source = """
from .heavy import VALUE
def __getattr__(name):
    if name == "old":
        return "older"
    if name == "known":
        return globals()["__name__"]
    raise AttributeError(f"no {name} here")
"""
    code = """
from scipy import user
print(loaded("heavy"), user.old, user.known, user.VALUE)
try:
    user.unknown
except AttributeError as error:
    print(error)
"""
    assert run(code, scipy_dot_user=source) == ["False older scipy.user 42", "no unknown here"]


def test_a_missing_name_is_an_error_as_ever(run: Run) -> None:
    code = """
from scipy import user
print(hasattr(user, "nothing"))
try:
    from scipy.user import nothing
except ImportError as error:
    print(str(error).partition(" (")[0])
try:
    user.broken()
except ImportError as error:
    print(str(error).partition(" (")[0])
"""
    source = "from .heavy import VALUE, absent\ndef broken():\n    return absent\n"

    assert run(code, scipy_dot_user=source) == [
        "False",
        "cannot import name 'nothing' from 'scipy.user'",
        "cannot import name 'absent' from 'scipy.heavy'",
    ]


def test_a_submodule_that_another_module_used_to_import_is_found(run: Run) -> None:
    # `scipy.sub.leaf` was there because `importer` imported it.
    modules = {
        "scipy.sub__init": "",
        "scipy.sub.leaf": "VALUE = 'leaf'\n",
        "scipy.importer": "from .sub import leaf\ndef use():\n    return leaf\n",
        "scipy.user": "import scipy\nimport scipy.importer\ndef use():\n    return scipy.sub.leaf.VALUE\n",
    }
    code = "from scipy import user; print(loaded('importer'), user.use())"

    assert run(code, **modules)[0].endswith(" leaf")


def test_a_function_named_like_its_module_is_never_hidden_by_it(run: Run) -> None:
    modules = {
        "scipy.cluster__init": "from .linkage import linkage, other\n",
        "scipy.cluster.linkage": "def linkage():\n    return 'function'\ndef other():\n    pass\n",
    }
    # The second import puts the module into the package, had the first not been made before.
    code = "import scipy.cluster\nfrom scipy.cluster.linkage import other\nprint(scipy.cluster.linkage())"

    assert run(code, **modules) == ["function"]


def test_what_an_import_switches_on_is_on(run: Run) -> None:
    modules = {
        "scipy.enable": "import scipy.heavy\nscipy.heavy.VALUE = 'enabled'\n",
        "scipy.user": "from scipy import enable  # noqa\nfrom .heavy import VALUE\ndef use():\n    return VALUE\n",
    }
    assert run("from scipy import user; print(user.use())", **modules) == ["enabled"]


def test_what_must_not_be_late_is_not(run: Run) -> None:
    """`_loss` is how pickles of scikit-learn 1.7 name a module of that extension's."""
    modules = {
        "sklearn.__init__": "",
        "sklearn._loss__init": "import sys\nsys.modules['_loss'] = sys.modules[__name__]\nHalf = 0.5\n",
        "sklearn.boosting": "from ._loss import Half\ndef half():\n    return Half\n",
    }
    code = "import sklearn.boosting\nfrom _loss import Half\nprint(Half)"

    assert run(code, **modules) == ["0.5"]


def test_circles_of_imports_work_in_either_direction(run: Run) -> None:
    modules = {
        "scipy.first": "from .second import two\ndef one():\n    return 1\ndef both():\n    return one() + two()\n",
        "scipy.second": "from .first import one\ndef two():\n    return 2\ndef both():\n    return one() + two()\n",
        "scipy.pack__init": "from . import part\nfrom .part import value\ndef name():\n    return part.__name__\n",
        "scipy.pack.part": "from . import value as own\nfrom .. import pack\nvalue = 5\ndef twice():\n    return own + pack.value\n",
    }
    code = """
from scipy import second, first, pack
print(first.both(), second.both(), pack.part.twice(), pack.name())
"""
    assert run(code, **modules) == ["3 3 10 scipy.pack.part"]


def test_threads_that_come_at_once_all_get_the_same_object(run: Run) -> None:
    modules = {
        "scipy.slow": "import time\ntime.sleep(0.2)\nclass Thing:\n    pass\n",
        "scipy.user": "from .slow import Thing\nfrom . import slow\ndef use():\n    return Thing is slow.Thing, id(Thing)\n",
    }
    code = """
import concurrent.futures
from scipy import user
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    answers = list(pool.map(lambda i: user.use() if i % 2 else (True, id(user.Thing)), range(8)))
print(len(set(answers)), answers[0][0])
"""
    assert run(code, **modules) == ["1 True"]


def test_a_replaced_name_is_used_and_put_back(run: Run) -> None:
    code = """
from unittest import mock
from scipy import user
with mock.patch("scipy.user.VALUE", 5):
    print(user.use())
print(user.use())
user.VALUE = 6
print(user.use())
"""
    source = "from .heavy import VALUE\ndef use():\n    return VALUE"
    assert run(code, scipy_dot_user=source) == ["5", "42", "6"]
    code = "from scipy import user; user.VALUE = 6; print(user.use(), loaded('heavy'))"
    assert run(code, scipy_dot_user=source) == ["6 False"]


def test_classes_are_pickled_by_the_name_of_their_package(run: Run) -> None:
    modules = {
        "scipy.api__init": "from ._own import Own\n",
        "scipy.api._own": "class Own:\n    __module__ = 'scipy.api'\n",
    }
    code = """
import pickle
data = b"cscipy.api\\nOwn\\n."
own = pickle.loads(data)
print(own.__name__, pickle.loads(pickle.dumps(own)) is own)
"""
    assert run(code, **modules) == ["Own True"]


def test_tracebacks_and_line_numbers_stay(run: Run) -> None:
    source = '"""Text."""\n\nfrom .heavy import double\n\n\ndef use():\n    return double(\n        1 / 0\n    )\n'
    code = """
import traceback
from scipy import user
try:
    user.use()
except ZeroDivisionError as error:
    last = traceback.extract_tb(error.__traceback__)[-1]
    print(last.filename, last.lineno, user.__doc__)
"""
    assert run(code, scipy_dot_user=source) == ["/var/task/scipy/user.py 8 Text."]


def test_a_module_that_replaces_itself_is_left_alone(run: Run) -> None:
    for source in (
        "import sys\nfrom .heavy import VALUE\nclass Own:\n    value = 1\nsys.modules[__name__] = Own()\n",
        "import sys, types\nfrom .heavy import VALUE\nclass Own(types.ModuleType):\n    value = 1\n"
        "sys.modules[__name__].__class__ = Own\n",
    ):
        code = "from scipy import user; print(user.value, loaded('heavy'))"
        assert run(code, scipy_dot_user=source) == ["1 True"]


def test_names_copied_from_another_module_wait_where_they_wait_there(run: Run) -> None:
    # As array_api_compat copies numpy, which imports numpy.testing when it is asked for.
    modules = {
        "copied__init": "__all__ = ['own', 'late']\ndef own():\n    return 1\ndef __getattr__(name):\n"
        "    import importlib\n    return importlib.import_module(f'copied.{name}')\n",
        "copied.late": "VALUE = 9\n",
        "scipy.compat": "from .heavy import double\nfrom .heavy import clone_module\n"
        "__all__ = clone_module('copied', globals())\ndef mine():\n    return own() + double(2)\n",
        "scipy.heavy": HEAVY + "def clone_module(name, names):\n    raise NotImplementedError\n",
    }
    code = """
from scipy import compat
print(compat.__all__, compat.mine(), "copied.late" in sys.modules)
print(compat.late.VALUE)
from scipy.compat import *
print(late.VALUE)
"""
    assert run(code, **modules) == ["['own', 'late'] 5 False", "9", "9"]


def test_other_libraries_are_compiled_as_they_are(run: Run) -> None:
    source = "from scipy.heavy import VALUE\ndef use():\n    return VALUE"

    assert run("import other; print(loaded('heavy'))", other=source) == ["True"]


def test_bytecode_beside_sources_does_what_the_sources_say(tmp_path: Path) -> None:
    """The other half is `Packing`'s: with sources, nothing is deferred."""
    (tmp_path / "scipy").mkdir()
    (tmp_path / "scipy" / "__init__.py").write_text("from . import other\n")
    (tmp_path / "scipy" / "other.py").write_text("")

    compile_bytecode(tmp_path, HERE, keep_sources=True)

    assert not list(tmp_path.glob("_deferred_imports*"))
    code = "import scipy, sys; print('scipy.other' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    trees = [tmp_path / "one", tmp_path / "two"]
    for tree in trees:
        (tree / "scipy").mkdir(parents=True)
        (tree / "scipy" / "__init__.py").write_text("from .heavy import VALUE, double, Base\n")
        (tree / "scipy" / "heavy.py").write_text(HEAVY)
        compile_bytecode(tree, HERE, defers=True)

    first, second = ({p.name: p.read_bytes() for p in t.rglob("*.pyc")} for t in trees)
    assert first == second
    assert first.keys() == {"__init__.pyc", "heavy.pyc", "_deferred_imports.pyc"}


# MLflow's root module, in small.
ROOT = """
from mlflow.version import IS_SMALL
from mlflow.lazy import LazyLoader
IS_TRACING_SDK_ONLY = IS_SMALL
other = LazyLoader("mlflow.other", globals(), "other")
if not IS_TRACING_SDK_ONLY:
    from mlflow.models import Model
"""
LAZY = """
class LazyLoader:
    def __init__(self, name, names, local):
        self.fill = lambda: names.update({local: 42})
"""
MLFLOW = {
    "mlflow__init": ROOT,
    "mlflow.version": "IS_SMALL = False\n",
    "mlflow.lazy": LAZY,
    "mlflow.models": "class Model:\n    pass\n",
}


def test_imports_below_a_condition_that_holds_wait(run: Run) -> None:
    code = "import mlflow\nprint('mlflow.models' in sys.modules)\nprint(mlflow.Model.__name__)"

    assert run(code, **MLFLOW) == ["False", "Model"]


def test_imports_below_that_condition_stay_where_a_library_lacks_what_it_is_about(run: Run) -> None:
    modules = {**MLFLOW, "mlflow.version": "IS_SMALL = True\n"}
    del modules["mlflow.models"]

    assert run("import mlflow\nprint(hasattr(mlflow, 'Model'))", **modules) == ["False"]


def test_a_loader_that_is_given_the_names_of_its_module_can_fill_them(run: Run) -> None:
    assert run("import mlflow\nmlflow.other.fill()\nprint(mlflow.other)", **MLFLOW) == ["42"]


def test_a_submodule_never_takes_the_place_of_what_its_package_calls_so(run: Run) -> None:
    modules = {
        "scipy.api__init": "from .load import helper\ndef load():\n    return helper()\n",
        "scipy.api.load": "def helper():\n    return 'loaded'\n",
    }
    code = """
import scipy.api
print(scipy.api.load())
import scipy.api.load
print(scipy.api.load())
"""
    assert run(code, **modules) == ["loaded", "loaded"]
