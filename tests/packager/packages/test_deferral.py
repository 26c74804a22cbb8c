"""Names that wait: each rule with two or three modules, in a real interpreter."""

# ruff: noqa: E501 - one line for each module reads better here

import pytest

from tests.support.late_modules import Run

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
