import platform
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from packager.aws.runtimes import RUNTIMES, Target, find_target
from packager.packages.bytecode import compile_bytecode

HERE = find_target("python" + ".".join(platform.python_version_tuple()[:2]), "x86_64")


def run(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-B", "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )


def test_compiled_modules_import_without_their_sources(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("VALUE = 42\n")

    assert compile_bytecode(tmp_path, HERE)

    assert not list(tmp_path.rglob("*.py"))
    assert run(tmp_path, "import package; print(package.VALUE)").stdout == "42\n"


def test_a_package_that_finds_its_modules_as_sources_keeps_them(tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text(
        "import glob, os\nNAMES = glob.glob(os.path.join(os.path.dirname(__file__), '*.py'))\n"
    )
    (tmp_path / "package" / "plugin.py").write_text("")
    (tmp_path / "other.py").write_text("")

    compile_bytecode(tmp_path, HERE)

    assert run(tmp_path, "import package; print(len(package.NAMES))").stdout == "2\n"
    assert not (tmp_path / "other.py").exists()


@pytest.mark.parametrize(
    "code",
    [
        "import glob, os\nFOUND = glob.glob(os.path.join(os.path.dirname(__file__), 'p*.py'))\n",
        "import os\nFOUND = [n for n in os.listdir(os.path.dirname(__file__))"
        " if n.endswith('.py') and n[0] == 'p']\n",
        "import os\nFOUND = [n for n in os.listdir(os.path.dirname(__file__))"
        ' if n.endswith( ".py" ) and n[0] == "p"]\n',
    ],
)
def test_any_module_that_looks_for_sources_keeps_those_of_its_folder(
    tmp_path: Path, code: str
) -> None:
    for name, text in {"__init__": "", "finder": code, "plugin": "", "other/module": ""}.items():
        path = tmp_path / "package" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    compile_bytecode(tmp_path, HERE)

    code = "from package.finder import FOUND; import package.other.module; print(len(FOUND))"
    assert run(tmp_path, code).stdout == "1\n"
    assert not list((tmp_path / "package" / "other").glob("*.py"))


def test_a_source_that_another_module_reads_stays_beside_it(tmp_path: Path) -> None:
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text(
        'import pathlib\nABOUT = (pathlib.Path(__file__).parent / "__version__.py").read_text()\n'
    )
    (package / "__version__.py").write_text("__version__ = '1.3'")
    (package / "other.py").write_text("")

    compile_bytecode(tmp_path, HERE)

    assert run(tmp_path, "import package; print(package.ABOUT)").stdout == "__version__ = '1.3'\n"
    assert [path.name for path in package.glob("*.py")] == ["__version__.py"]


def test_tracebacks_name_the_file_where_lambda_has_it(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def fail():\n    raise ValueError('x')\n")

    compile_bytecode(tmp_path, HERE)

    assert (
        'File "/var/task/broken.py", line 2' in run(tmp_path, "import broken; broken.fail()").stderr
    )


def test_kept_sources_are_never_compiled_again(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("VALUE = 1\n")
    compile_bytecode(tmp_path, HERE, keep_sources=True)
    # Unchecked bytecode: the import system must not even compare it with the source.
    (tmp_path / "module.py").write_text("VALUE = 2\n")

    assert run(tmp_path, "import module; print(module.VALUE)").stdout == "1\n"


def test_a_file_that_is_no_python_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "template.py").write_text("def {{ name }}(:\n")

    assert compile_bytecode(tmp_path, HERE)

    assert (tmp_path / "template.py").read_text() == "def {{ name }}(:\n"


def test_without_the_targets_python_the_sources_stay(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("VALUE = 1\n")
    absent = Target(replace(RUNTIMES[0], name="python3.99"), "x86_64")

    assert not compile_bytecode(tmp_path, absent)

    assert [path.name for path in tmp_path.iterdir()] == ["module.py"]


def test_sources_that_are_read_as_configuration_stay(tmp_path: Path) -> None:
    """OpenCV runs `config.py` and `config-3.py`, whose name it puts together, by `exec`."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import os, sys\nhere = os.path.dirname(os.path.realpath(__file__))\n"
        "names = ['config-{}.py'.format(sys.version_info[0]), 'local_%s.py' % 'x']\n"
        "for name in names:\n    exec(open(os.path.join(here, name)).read())\n"
    )
    (package / "config-3.py").write_text("FIRST = 1\n")
    (package / "local_x.py").write_text("SECOND = 2\n")
    (package / "other.py").write_text("")

    compile_bytecode(tmp_path, HERE)

    code = "import package; print(package.FIRST + package.SECOND)"
    assert run(tmp_path, code).stdout == "3\n"
    assert not (package / "other.py").exists()
