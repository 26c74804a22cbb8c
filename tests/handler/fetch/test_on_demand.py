"""What is packed is there when something imports it, and costs nothing before."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

IMPORT = """
import json, sys
from pathlib import Path
from handler.config import HandlerConfig
from handler.manifest import PackedEntry
from handler.fetch.on_demand import add_finders

root, cache = Path(sys.argv[1]), Path(sys.argv[2])
add_finders([PackedEntry("tools.zip", ("alpha", "beta"))], HandlerConfig(root, cache_dir=cache))
before = cache.exists()
try:
    import alpha, alpha.inner, beta
    found = [alpha.inner.VALUE, beta.VALUE, alpha.__file__]
except Exception as error:
    found = f"{type(error).__name__}: {error}"
files = sorted(path.name for path in cache.glob("*"))
print(json.dumps({"before": before, "found": found, "files": files}))
"""


@pytest.fixture
def task_root(tmp_path: Path) -> Path:
    folder = tmp_path / "task"
    folder.mkdir()
    with zipfile.ZipFile(folder / "tools.zip", "w") as archive:
        archive.writestr("alpha/__init__.py", "import beta\n")
        archive.writestr("alpha/inner.py", "VALUE = 1\n")
        archive.writestr("beta.py", "VALUE = 2\n")
    return folder


def run(task_root: Path, cache: Path) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT, str(task_root), str(cache)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_the_first_import_unpacks_and_the_next_process_finds_it(
    task_root: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    first = run(task_root, cache)
    assert first["before"] is False
    assert first["found"][:2] == [1, 2]  # type: ignore[index]
    (folder,) = (name for name in first["files"] if not name.endswith(".lock"))  # type: ignore[attr-defined]
    stamp = (cache / folder).stat().st_mtime_ns
    assert run(task_root, cache)["found"] == first["found"]
    assert (cache / folder).stat().st_mtime_ns == stamp


def test_a_package_of_the_functions_own_comes_first(task_root: Path, tmp_path: Path) -> None:
    program = f"import sys; sys.path.insert(0, {str(task_root)!r})\n" + IMPORT
    (task_root / "beta.py").write_text("VALUE = 7\n")
    done = subprocess.run(
        [sys.executable, "-c", program, str(task_root), str(tmp_path / "cache")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout)["found"][:2] == [1, 7]


def test_no_room_is_no_missing_package_and_says_so(task_root: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in the folder's place")
    found = run(task_root, tmp_path / "cache" / "below")["found"]
    assert str(found).startswith("HandlerError: ")
    assert "cannot be unpacked" in str(found)
    assert "EphemeralStorage" in str(found)


def test_a_module_that_is_not_there_stays_missing(task_root: Path, tmp_path: Path) -> None:
    program = IMPORT.replace("import alpha, alpha.inner, beta", "import gamma")
    done = subprocess.run(
        [sys.executable, "-c", program, str(task_root), str(tmp_path / "cache")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout)["found"] == "ModuleNotFoundError: No module named 'gamma'"


def test_a_cut_leaves_nothing_that_the_next_process_does_not_remove(
    task_root: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    folder = next(name for name in run(task_root, cache)["files"] if not name.endswith(".lock"))  # type: ignore[attr-defined]
    (cache / folder).rename(cache / f"{folder}.12345.part")  # as a kill leaves it

    found = run(task_root, cache)

    assert found["found"][:2] == [1, 2]  # type: ignore[index]
    assert found["files"] == [folder, f"{folder}.lock"]


def test_processes_that_come_at_once_all_get_it(task_root: Path, tmp_path: Path) -> None:
    argv = [sys.executable, "-c", IMPORT, str(task_root), str(tmp_path / "cache")]
    running = [subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    answers = [json.loads(process.communicate(timeout=60)[0]) for process in running]
    assert [answer["found"][:2] for answer in answers] == [[1, 2]] * 4
