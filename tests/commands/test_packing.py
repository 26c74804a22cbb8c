"""How a bundle is packed: trimmed, sourceless, as a zip or as an image."""

import json
import zipfile

from tests.commands.workshop import Workshop
from tests.support.commands import THIS_PYTHON
from tests.support.wheels import make_wheel

HERE = f"python{THIS_PYTHON}"
LIBRARY = {"lib/__init__.py": "VALUE = 1\n", "lib/tests/test_lib.py": "", "lib/core.pyx": "cdef"}


def build(workshop: Workshop, *options: str) -> dict[str, object]:
    done = workshop.build("--no-index", "--find-links", str(workshop.index), "--json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def names_of(workshop: Workshop, package: str) -> set[str]:
    with zipfile.ZipFile(workshop.output / "function.zip") as archive:
        return {name for name in archive.namelist() if name.startswith(f"{package}/")}


def test_tests_and_sources_are_left_out_unless_they_are_wanted(workshop: Workshop) -> None:
    make_wheel(workshop.index, "lib", "1.0", files=LIBRARY)
    workshop.require("lib")

    report = build(workshop, "--runtime", HERE)
    assert names_of(workshop, "lib") == {"lib/__init__.pyc"}
    assert sum(item["size_bytes"] for item in report["trimmed"]) > 0

    build(workshop, "--runtime", HERE, "--no-trim", "--with-sources")
    names = names_of(workshop, "lib")
    assert set(LIBRARY) <= names
    assert [name for name in names if "__pycache__" in name]


def test_an_image_keeps_the_sources_that_libraries_like_torch_read(workshop: Workshop) -> None:
    make_wheel(workshop.index, "lib", "1.0", files=LIBRARY)
    workshop.require("lib")

    build(workshop, "--runtime", HERE, "--package", "image")

    tag = f"cpython-{THIS_PYTHON.replace('.', '')}"
    assert names_of(workshop, "lib") == {
        "lib/__init__.py",
        f"lib/__pycache__/__init__.{tag}.pyc",
    }


def test_what_passes_the_limit_of_a_zip_becomes_an_image_by_itself_and_says_why(
    workshop: Workshop,
) -> None:
    make_wheel(workshop.index, "heavy", "1.0", files={"heavy/weights.bin": bytes(300_000_000)})
    workshop.require("heavy==1.0")

    report = build(workshop)

    assert report["plan"]["package_type"] == "image"
    assert "262.1 MB" in " ".join(report["plan"]["notes"])
    assert (workshop.output / "Dockerfile").is_file()
    assert not (workshop.output / "model.zip").exists()
    template = (workshop.output / "template.yaml").read_text()
    assert "PackageType: Image" in template
    assert "model/model.pkl" in names_of(workshop, "model")  # embedded, without being asked


def test_torch_becomes_an_image_by_itself_and_says_why(workshop: Workshop) -> None:
    make_wheel(workshop.index, "torch", "2.9")
    workshop.require("torch")

    report = build(workshop)

    assert report["plan"]["package_type"] == "image"
    assert "torch" in " ".join(report["plan"]["notes"])

    report = build(workshop, "--package", "zip")
    assert report["plan"]["package_type"] == "zip"
