"""What the model and the handler import is in the bundle, wherever its target runs."""

import py_compile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cloudpickle
import pytest

from handler.manifest import EngineInfo, ModelInfo
from packager.checking.story import check_bundle
from packager.requirements.select import UNWANTED, Drop
from tests.support.bundles import ECHO, make_bundle
from tests.support.checked import failures

PICKLE = ModelInfo("sklearn", "model.pkl", "pickle")


def names(*modules: str) -> bytes:
    """Return a pickle that names a class of each module."""
    return b"".join(f"c{module}\nThing\n".encode() for module in modules) + b"."


def missing(
    folder: Path,
    files: Mapping[str, str | bytes],
    model: bytes = names("lib"),
    dropped: tuple[Drop, ...] = (),
    **changes: object,
) -> str:
    """Return what the check says of a bundle for a machine that is not this one."""
    changes = {"info": PICKLE, "architecture": "arm64", **changes}
    files = ECHO | {"model/model.pkl": model} | dict(files)
    bundle = make_bundle(folder, model=None, files=files, **changes)  # type: ignore[arg-type]
    report = check_bundle(bundle, is_static=True, dropped=dropped)
    (entry,) = [entry for entry in report.entries if entry.name == "imports"]
    assert entry.status in ("passed", "failed")
    return failures(report).get("imports", "")


def test_a_module_that_the_pickle_names_and_nobody_brings_is_named_with_the_way(
    tmp_path: Path,
) -> None:
    text = missing(tmp_path, {}, names("sklearn.dummy"))

    assert "there is no module sklearn in the bundle: model.pkl names it" in text
    assert "--with scikit-learn" in text


def test_a_module_that_a_library_imports_in_turn_is_named_with_who_needs_it(tmp_path: Path) -> None:
    files = {
        "lib/__init__.py": "from .inner import thing",
        "lib/inner.py": "import deep.down\nimport json",
        "deep/__init__.py": "",
        "deep/down.py": "import helper",
    }

    text = missing(tmp_path, files)

    assert "no module helper" in text
    assert "deep.down imports it, which model.pkl needs, through lib" in text
    assert missing(tmp_path, {**files, "helper.py": ""}) == ""


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    import absent\nexcept ImportError:\n    absent = None",
        "try:\n    import json\nexcept ImportError:\n    import absent",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import absent",
        "import sys\nif sys.platform == 'win32':\n    import absent\nelse:\n    import json",
        "import sys\nif sys.version_info > (3, 0):\n    import json\nelse:\n    import absent",
        "def late():\n    import absent",
        "for name in ():\n    import absent\nimport json",
        "match 1:\n    case 2:\n        import absent\n    case _:\n        pass",
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import absent",
        "import six.moves.urllib, dateutil.parser, boto3.session",
        "from lib import whatever",
        "import xml.etree.ElementTree",
    ],
)
def test_an_import_that_may_fail_or_is_lambdas_own_is_not_missed(
    tmp_path: Path, source: str
) -> None:
    assert missing(tmp_path, {"lib/__init__.py": source}) == ""


@pytest.mark.parametrize(
    "source",
    [
        "import absent",
        "import json, absent.part as part",
        "from absent import thing",
        "try:\n    import json\nexcept ImportError:\n    json = None\nimport absent",
        "import sys\nif sys.flags.debug:\n    import json\nimport absent",
        "import sys\nif sys.flags.debug:\n    raise ImportError\nimport absent",
        "while True:\n    break\nimport absent",
        "names = [name for name in ''] if __debug__ else None\nassert names\nimport absent",
        "import contextlib\nwith contextlib.suppress(OSError):\n    pass\nimport absent",
    ],
)
def test_an_import_that_must_succeed_is_missed(tmp_path: Path, source: str) -> None:
    assert "no module absent" in missing(tmp_path, {"lib/__init__.py": source})


def test_what_is_compiled_is_read_as_its_source_is(tmp_path: Path) -> None:
    (tmp_path / "lib.py").write_text("import absent\n")
    py_compile.compile(str(tmp_path / "lib.py"), str(tmp_path / "lib.pyc"), doraise=True)
    bytecode = (tmp_path / "lib.pyc").read_bytes()

    text = missing(tmp_path / "dist", {"lib.pyc": bytecode})

    assert "no module absent" in text


def test_an_extension_module_is_there_by_its_file_and_by_the_name_that_it_gives_itself(
    tmp_path: Path,
) -> None:
    files = {"lib/__init__.py": "", "lib/_loss.cpython-311-aarch64-linux-gnu.so": b"\x7fELF"}

    assert missing(tmp_path, files, names("lib._loss", "_loss")) == ""


def test_a_part_of_a_package_that_the_pickle_names_is_missed_unless_the_package_makes_it(
    tmp_path: Path,
) -> None:
    renamed = missing(tmp_path / "1", {"lib/__init__.py": ""}, names("lib.forest"))
    made = {"lib/__init__.py": "import sys\nsys.modules['lib.forest'] = sys"}

    assert "no module lib.forest" in renamed
    assert missing(tmp_path / "2", made, names("lib.forest")) == ""


def test_a_namespace_is_there_and_what_is_not_in_it_is_missed(tmp_path: Path) -> None:
    files = {"google/auth/__init__.py": "", "lib.py": "from google import auth, protobuf"}

    assert "no module google.protobuf" in missing(tmp_path, files)


def test_the_models_own_modules_are_looked_at_too(tmp_path: Path) -> None:
    info = ModelInfo("sklearn", "model.pkl", "pickle", code_path="code")

    text = missing(tmp_path, {"model/code/lib.py": "import cv2"}, info=info)

    assert "no module cv2 in the bundle: lib imports it" in text
    assert "--with opencv-python-headless" in text


def test_a_model_that_is_source_is_read_like_a_module(tmp_path: Path) -> None:
    info = ModelInfo("python_function", "model.py", "code")

    assert "no module absent" in missing(tmp_path, {"model/model.py": "import absent"}, info=info)


def test_a_compiled_model_needs_only_what_computes_it(tmp_path: Path) -> None:
    info = ModelInfo(
        "sklearn", "model.pkl", "pickle", engine=EngineInfo("arrays", "model.npz", compared_rows=9)
    )

    assert missing(tmp_path, {}, info=info) == ""


def test_what_the_handler_imports_is_looked_at_too(tmp_path: Path) -> None:
    text = missing(tmp_path, {"handler/main.py": "import fastapi", "lib.py": ""})

    assert "no module fastapi in the bundle: handler.main imports it" in text


def test_modules_in_a_layer_are_there(tmp_path: Path) -> None:
    layer = {"python/lib/__init__.py": "import absent"}

    assert "no module absent" in missing(tmp_path, {}, layer=layer)


def test_a_package_that_was_left_out_names_the_way_back_and_no_option_that_was_given(
    tmp_path: Path,
) -> None:
    by_rule = missing(tmp_path, {}, dropped=(Drop("lib==1.0", "a rule"),))
    by_user = missing(tmp_path, {}, dropped=(Drop("lib", UNWANTED),))

    assert "with --keep lib" in by_rule
    assert "without --drop lib" in by_user
    assert "--keep" not in by_user


def test_a_package_that_is_there_without_the_module_is_of_another_version(tmp_path: Path) -> None:
    files = {"lib-2.0.dist-info/METADATA": "", "other.py": ""}

    text = missing(tmp_path, files)

    assert "nor has lib 2.0 such a module" in text
    assert "--with" not in text


def test_what_only_another_python_can_read_is_not_called_checked(tmp_path: Path) -> None:
    files = ECHO | {"model/model.pkl": names("lib"), "lib.pyc": b"\xff\xff\r\n" + bytes(20)}
    bundle = make_bundle(tmp_path, model=None, files=files, info=PICKLE)

    report = check_bundle(bundle, is_static=True)

    statuses = {entry.name: entry.status for entry in report.entries}
    assert statuses["imports"] == "not made"


def missing_of(folder: Path, function: Callable[[Any], Any], **changes: Any) -> str:
    """Return what the check says of a model that is this function, pickled by value."""
    function.__module__ = "__main__"
    info = ModelInfo("sklearn", "model.pkl", "cloudpickle", logged_executes_code=True)
    files = {"cloudpickle/__init__.py": "", "cloudpickle/cloudpickle.py": ""}
    model = cloudpickle.dumps(function)
    return missing(folder, files, model, info=info, **changes)


def predict(rows: Any) -> Any:
    import json

    import cv2  # type: ignore[import-not-found]

    return cv2, json


def test_what_a_pickled_function_imports_when_it_is_called_is_named_with_the_function(
    tmp_path: Path,
) -> None:
    text = missing_of(tmp_path, predict)

    assert "no module cv2 in the bundle: predict in model.pkl names it" in text
    assert "--with opencv-python-headless" in text


@pytest.mark.parametrize(
    ("reason", "way"),
    [("nobody needs it", "--keep opencv-python"), (UNWANTED, "without --drop opencv-python")],
)
def test_the_hint_names_what_left_the_package_out(tmp_path: Path, reason: str, way: str) -> None:
    assert way in missing_of(tmp_path, predict, dropped=(Drop("opencv-python==4.10", reason),))


def test_an_import_of_a_pickled_function_that_may_fail_is_not_missed(tmp_path: Path) -> None:
    def careful(rows: Any) -> Any:
        try:
            import cv2
        except ImportError:
            return rows
        return cv2

    assert missing_of(tmp_path, careful) == ""


def test_a_method_that_predicting_does_not_reach_may_import_anything(tmp_path: Path) -> None:
    class Model:
        def predict(self, rows: Any) -> Any:
            return self.double(rows)

        def double(self, rows: Any) -> Any:
            import absent  # type: ignore[import-not-found]

            return absent.double(rows)

        def plot(self) -> Any:
            import lacking  # type: ignore[import-not-found]

            return lacking.figure()

    text = missing_of(tmp_path, Model)  # type: ignore[arg-type]

    assert "absent" in text
    assert "lacking" not in text


def test_an_import_in_a_module_with_many_names_is_read(tmp_path: Path) -> None:
    many = "\n".join(f"name_{number} = {number + 1000}" for number in range(400))

    text = missing(tmp_path, {"lib/__init__.py": f"{many}\nimport absent\nfrom lacking import a"})

    assert "no module absent" in text
    assert "no module lacking" in text
