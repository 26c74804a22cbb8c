"""Imports that wait: each rule with two or three modules, in a real interpreter."""

# ruff: noqa: E501 - one line for each module reads better here

import platform
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from packager.bytecode import compile_bytecode
from packager.targets import find_target

HERE = find_target("python" + ".".join(platform.python_version_tuple()[:2]), "x86_64")

# The libraries whose imports wait are known by name, so these modules take scipy's.
HEAVY = """\
VALUE = 42
class Base:
    pass
class Error(Exception):
    pass
def double(x):
    return 2 * x
def decorate(function):
    return function
"""

Run = Callable[..., list[str]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that compiles modules (their names to texts) and runs code with them."""

    def run(code: str, *, ahead: str = "", keep_sources: bool = False, **modules: str) -> list[str]:
        texts = {"scipy.__init__": "", "scipy.heavy": HEAVY} | {
            name.replace("__init", ".__init__").replace("_dot_", ".").replace("..", "."): text
            for name, text in modules.items()
        }
        for name, text in texts.items():
            path = tmp_path / "tree" / f"{name.replace('.', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        tree = tmp_path / "tree"
        assert compile_bytecode(tree, HERE, defers=True, keep_sources=keep_sources)
        done = subprocess.run(
            [sys.executable, "-S", "-c", f"{ahead}\nimport sys\n{LOADED}\n{code}"],
            cwd=tree,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    return run


LOADED = """
def loaded(name):
    return f"scipy.{name}" in sys.modules
"""
# Prints whether the heavy module is there after the import, what a call gives, and whether it
# is there then.
USE = "from scipy import user\nprint(loaded('heavy'))\nprint(user.use())\nprint(loaded('heavy'))"


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("from scipy.heavy import VALUE\ndef use():\n    return VALUE", 42),
        ("from .heavy import VALUE as other\ndef use():\n    return other + other", 84),
        ("from . import heavy\ndef use():\n    return heavy.VALUE", 42),
        ("import scipy.heavy as h\ndef use():\n    return h.VALUE", 42),
        ("import scipy.heavy\ndef use():\n    return scipy.heavy.VALUE", 42),
        ("import scipy\nimport scipy.heavy\ndef use():\n    return scipy.heavy.VALUE", 42),
        ("from scipy.heavy import VALUE\nuse = lambda: VALUE", 42),
        ("from scipy.heavy import VALUE\nuse = lambda: (lambda x=VALUE: x)()", 42),
        (
            "from .heavy import VALUE\ndef use():\n    def inner(x=VALUE):\n"
            "        return lambda: x + VALUE\n    return inner()()",
            84,
        ),
        ("from .heavy import VALUE\ndef use():\n    return [VALUE + i for i in (1, 2)]", [43, 44]),
        ("from .heavy import VALUE\ndef use():\n    return sum(i for i in [VALUE] if VALUE)", 42),
        ("from .heavy import VALUE\ndef use():\n    return {VALUE: VALUE for _ in 'a'}", {42: 42}),
        ("from .heavy import VALUE\ndef use():\n    return f'{VALUE!r:>4}|{VALUE=}'", "  42|VALUE=42"),
        ("from .heavy import double\ndef use():\n    return double(x := 4) + x", 12),
        (
            "from .heavy import Base\ndef use():\n    class Own(Base):\n"
            "        parent = Base\n    return Own.parent.__name__",
            "Base",
        ),
        (
            "from .heavy import decorate\ndef use():\n    @decorate\n    def one():\n"
            "        return 1\n    return one()",
            1,
        ),
        (
            "from .heavy import Error\ndef use():\n    try:\n        raise Error('x')\n"
            "    except Error as error:\n        return str(error)",
            "x",
        ),
        (
            "from .heavy import VALUE\nclass Class:\n    def __method(self):\n        return VALUE\n"
            "    def call(self):\n        return self.__method()\ndef use():\n"
            "    return Class().call()",
            42,
        ),
        (
            "from .heavy import VALUE\nimport asyncio\nasync def later():\n    return VALUE\n"
            "def use():\n    return asyncio.run(later())",
            42,
        ),
        ("from .heavy import VALUE\ndef use():\n    yield_ = list(each())\n    return yield_\n"
         "def each():\n    yield VALUE", [42]),
        ("from . import heavy\ndef use():\n    heavy.VALUE = 5\n    return heavy.VALUE", 5),
        (
            "try:\n    from scipy import heavy as h\nexcept ImportError:\n    h = None\n"
            "def use():\n    return h.VALUE if h is not None else 'missing'",
            42,
        ),
        (
            '"""Text."""\nfrom __future__ import annotations\nfrom .heavy import Base\n'
            "def use(x: Base = None) -> Base:\n    return Base.__name__ + __doc__",
            "BaseText.",
        ),
        ("from .heavy import VALUE\ndef use():\n    return vars() or locals() or VALUE", 42),
    ],
)  # fmt: skip
def test_a_name_that_only_functions_use_is_imported_when_one_runs(
    run: Run, source: str, result: object
) -> None:
    assert run(USE, scipy_dot_user=source) == ["False", str(result), "True"]


@pytest.mark.parametrize(
    "source",
    [
        "from .heavy import VALUE\ndef use(VALUE):\n    return VALUE\nuse = lambda f=use: f(7)",
        "from .heavy import VALUE\ndef use():\n    VALUE = 7\n    return VALUE",
        "from .heavy import VALUE\ndef use():\n    for VALUE in [7]:\n        pass\n    return VALUE",
        "from .heavy import VALUE\ndef use():\n    return [VALUE for VALUE in [7]][0]",
        "from .heavy import VALUE\nuse = lambda: (lambda *VALUE: VALUE[0])(7)",
        "from .heavy import VALUE\ndef use():\n    import colorsys as VALUE\n    VALUE = 7\n"
        "    def inner():\n        return VALUE\n    return inner()",
        "from .heavy import VALUE\ndef use():\n    VALUE = 1\n    def inner():\n"
        "        nonlocal VALUE\n        VALUE = 7\n    inner()\n    return VALUE",
        "from .heavy import VALUE\ndef use():\n    try:\n        raise ValueError(7)\n"
        "    except ValueError as VALUE:\n        return VALUE.args[0]",
        "from .heavy import VALUE\ndef use():\n    match [7, 8]:\n        case [VALUE, *_]:\n"
        "            return VALUE",
        "from .heavy import VALUE\ndef use():\n    class VALUE:\n        x = 7\n    return VALUE.x",
        "from .heavy import VALUE\ndef use():\n    VALUE: int = 7\n    VALUE += 0\n    return VALUE",
        "from .heavy import VALUE\ndef use():\n    with open(__file__) as VALUE:\n        return 7",
    ],
)
def test_a_local_name_is_not_taken_for_the_deferred_one(run: Run, source: str) -> None:
    assert run(USE, scipy_dot_user=source) == ["False", "7", "False"]


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("from .heavy import VALUE\nx = VALUE + 1\ndef use():\n    return x", 43),
        ("from .heavy import VALUE\ndef use(x=VALUE):\n    return x", 42),
        ("from .heavy import VALUE\nuse = lambda *, x=VALUE: x", 42),
        ("from .heavy import decorate\n@decorate\ndef use():\n    return 1", 1),
        ("from .heavy import Base\nclass Own(Base):\n    pass\ndef use():\n    return 1", 1),
        ("from .heavy import VALUE\nclass Own:\n    x = VALUE\ndef use():\n    return Own.x", 42),
        ("from .heavy import VALUE\nclass Own:\n    VALUE = VALUE\ndef use():\n    return 1", 1),
        ("from .heavy import VALUE\nx = [VALUE for _ in 'a']\ndef use():\n    return x", [42]),
        ("from .heavy import Base\ndef use(x: Base = 1):\n    return x", 1),
        ("from .heavy import Base\ndef use(x: 'list[Base]' = 1):\n    return x", 1),
        ("from .heavy import Base\nclass Own:\n    x: 'Base'\ndef use():\n    return 1", 1),
        # Bound elsewhere too, in one way or another.
        ("from .heavy import VALUE\nVALUE += 1\ndef use():\n    return VALUE", 43),
        ("from .heavy import VALUE\ndel VALUE\ndef use():\n    return 'VALUE' in globals()", False),
        ("from .heavy import VALUE\nif True:\n    VALUE = 3\ndef use():\n    return VALUE", 3),
        (
            "from .heavy import VALUE\ndef set():\n    global VALUE\n    VALUE = 3\n"
            "def use():\n    set()\n    return VALUE",
            3,
        ),
        ("from .heavy import VALUE\n[VALUE := 3 for _ in 'a']\ndef use():\n    return VALUE", 3),
        ("VALUE = 1\nfrom .heavy import VALUE\ndef use():\n    return VALUE", 42),
        # Under conditions, or with more to do than import.
        ("if True:\n    from .heavy import VALUE\ndef use():\n    return VALUE", 42),
        (
            "try:\n    from .heavy import VALUE\n    HAS = True\nexcept ImportError:\n"
            "    HAS = VALUE = False\ndef use():\n    return HAS",
            True,
        ),
        (
            "try:\n    from .heavy import VALUE\nexcept ImportError:\n    print('no')\n"
            "def use():\n    return VALUE",
            42,
        ),
        ("with open(__file__):\n    from .heavy import VALUE\ndef use():\n    return VALUE", 42),
        # The names are looked up in ways that cannot be followed.
        ("from .heavy import VALUE\ndef use():\n    return globals()['VALUE']", 42),
        ("from .heavy import VALUE\ndef use():\n    return eval('VALUE')", 42),
        ("from .heavy import VALUE\nnames = list(vars())\ndef use():\n    return 'VALUE' in names", True),
        (
            "from .heavy import Error\ndef use():\n    match Error():\n        case Error():\n"
            "            return 1",
            1,
        ),
        ("from .heavy import VALUE as __v\ndef use():\n    return __v", 42),
        # Imported for what the import does.
        ("import scipy.heavy\ndef use():\n    return 1", 1),
        ("import scipy.heavy as h\ndef use():\n    return 1", 1),
        ("from scipy import heavy\ndef use():\n    return 1", 1),
    ],
)  # fmt: skip
def test_what_a_module_needs_to_be_imported_is_imported_with_it(
    run: Run, source: str, result: object
) -> None:
    assert run(USE, scipy_dot_user=source) == ["True", str(result), "True"]


def test_an_optional_import_that_fails_gives_what_the_module_said(run: Run) -> None:
    source = "try:\n    import pandas as pd\nexcept ImportError:\n    pd = None\ndef use():\n    return pd"

    assert run("from scipy import user; print(user.use(), user.pd)", scipy_dot_user=source) == [
        "None None"
    ]


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
