from pathlib import Path

import pytest

from packager.packages.trim import TEST_RULES, TRIM_RULES, tree_size, trim_tree


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_tests_stubs_sources_and_scripts_go_and_the_library_stays(tmp_path: Path) -> None:
    library = {"lib/__init__.py": "", "lib/data.csv": "1", "lib-1.0.dist-info/METADATA": "x"}
    write(
        tmp_path,
        library
        | {
            "lib/tests/__init__.py": "",
            "lib/tests/data/large.csv": "1,2",
            "lib/core.pyx": "cdef",
            "lib/core.pyi": "",
            "lib/include/lib.h": "",
            "bin/lib": "#!/usr/bin/python",
            "lib-1.0.dist-info/RECORD": "lib/__init__.py,,",
        },
    )

    trim_tree(tmp_path)

    assert names(tmp_path) == set(library)
    assert not (tmp_path / "bin").exists()


def test_each_rule_reports_the_bytes_it_saved(tmp_path: Path) -> None:
    write(tmp_path, {"lib/a.py": "12345", "lib/tests/test_a.py": "1234567", "lib/a.pyi": "123"})
    before = tree_size(tmp_path)

    saved = {item.glob: item.size_bytes for item in trim_tree(tmp_path)}

    assert saved["**/tests"] == 7
    assert saved["**/*.pyi"] == 3
    assert sum(saved.values()) == before - tree_size(tmp_path)


@pytest.mark.parametrize(
    "statement",
    [
        "from lib.tests._helper import x",
        "from .tests._helper import x",
        "import lib.tests._helper",
        "import os, lib.tests._helper",
        "import os; from .tests import _helper",
        "from lib.tests import _helper",
        "from .tests import (  # the (small) one\n        os,\n        _helper,\n    )",
        "from .tests \\\n        import os, \\\n        _helper",
        "if True: from .tests import _helper as helper",
    ],
)
def test_a_module_among_the_tests_stays_when_the_library_imports_it(
    tmp_path: Path, statement: str
) -> None:
    write(
        tmp_path,
        {
            "lib/__init__.py": f"def lazily():\n    {statement}\n",
            "lib/tests/__init__.py": "",
            "lib/tests/_helper.py": "from . import _deeper",
            "lib/tests/_deeper.py": "x = 1",
            "lib/tests/test_lib.py": "from lib.tests.test_other import y",
            "lib/tests/test_other.py": "y = 1",
        },
    )

    trim_tree(tmp_path)

    assert names(tmp_path) == {
        "lib/__init__.py",
        "lib/tests/__init__.py",
        "lib/tests/_helper.py",
        "lib/tests/_deeper.py",
    }


@pytest.mark.parametrize(
    "statement",
    ["from . import tests", "from lib import tests", "from lib import (\n    a,\n    tests,\n)"],
)
def test_a_test_package_that_the_library_imports_stays(tmp_path: Path, statement: str) -> None:
    library = {"lib/__init__.py": "", "lib/a.py": statement, "lib/tests/__init__.py": "x = 1"}
    write(tmp_path, library | {"lib/tests/test_a.py": "", "lib/sub/tests/__init__.py": ""})

    trim_tree(tmp_path)

    assert names(tmp_path) == set(library)


def test_what_only_looks_like_an_import_keeps_nothing(tmp_path: Path) -> None:
    text = '"""\nimport the tests (or none\nfrom tests import it, we must\n"""\n'
    text += "from ...... import tests\nimport tests_of_another\n"
    write(tmp_path, {"lib/__init__.py": text, "lib/tests/__init__.py": "", "lib/test/a.py": ""})

    trim_tree(tmp_path)

    assert names(tmp_path) == {"lib/__init__.py"}


def test_every_rule_says_why() -> None:
    assert all(rule.reason for rule in (*TRIM_RULES, *TEST_RULES))


def test_a_library_that_several_wheels_brought_is_kept_once_where_lambda_looks(
    tmp_path: Path,
) -> None:
    write(
        tmp_path,
        {
            "one.libs/libgfortran-1a2b.so.5": "fortran",
            "two.libs/libgfortran-1a2b.so.5": "fortran",
            "two.libs/libblas-3c4d.so": "blas",
            "one.libs/libodd-5e6f.so": "one's",
            "two.libs/libodd-5e6f.so": "another's",
        },
    )

    saved = {item.glob: item.size_bytes for item in trim_tree(tmp_path)}

    assert saved["*.libs/*"] == len("fortran")
    assert names(tmp_path) == {
        "lib/libgfortran-1a2b.so.5",
        "two.libs/libblas-3c4d.so",
        "one.libs/libodd-5e6f.so",
        "two.libs/libodd-5e6f.so",
    }
