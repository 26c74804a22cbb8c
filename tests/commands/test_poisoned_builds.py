"""Builds that cannot give a working bundle: each says why, and leaves the output as it was."""

import os
import pickle
import resource
import zipfile

import pytest

from packager.local.process import confinement
from tests.commands.workshop import MLMODEL, Workshop
from tests.support.elf_files import AARCH64, X86_64, make_elf
from tests.support.wheels import make_sdist, make_wheel


def test_a_healthy_model_builds_here(workshop: Workshop) -> None:
    done = workshop.build("--no-index", "--find-links", str(workshop.index))

    assert done.returncode == 0, done.stderr
    assert (workshop.output / "function.zip").is_file()
    assert "not made" in done.stdout  # nobody may believe that it ran


def test_a_library_for_another_architecture(workshop: Workshop) -> None:
    make_wheel(workshop.index, "odd", "1.0", files={"odd/core.so": make_elf(X86_64)})
    workshop.require("odd==1.0")

    workshop.refuses("odd/core.so", "x86_64", "arm64", exit_code=3)


def test_a_library_that_needs_a_newer_glibc(workshop: Workshop) -> None:
    elf = make_elf(AARCH64, needed=["libc.so.6"], versions={"libc.so.6": ["GLIBC_2.35"]})
    make_wheel(workshop.index, "new", "1.0", files={"new/core.so": elf})
    workshop.require("new==1.0")

    workshop.refuses("new/core.so", "GLIBC_2.35", "2.34", exit_code=3)


def test_a_wheel_that_is_tagged_for_a_newer_glibc(workshop: Workshop) -> None:
    make_wheel(workshop.index, "new", "1.0", tag="cp312-cp312-manylinux_2_35_aarch64")
    workshop.require("new==1.0")

    workshop.refuses("new 1.0", "glibc 2.34", "manylinux_2_35_aarch64")


def test_requirements_that_contradict_each_other(workshop: Workshop) -> None:
    make_wheel(workshop.index, "one", "1.0", requires=["shared<2"])
    make_wheel(workshop.index, "shared", "2.0")
    workshop.require("one==1.0", "shared==2.0")

    workshop.refuses("cannot be met", "shared<2")


def test_a_package_that_would_have_to_be_compiled(workshop: Workshop) -> None:
    make_sdist(workshop.index, "raw", "1.0")
    workshop.require("raw==1.0")

    workshop.refuses("raw==1.0", "source distribution only")


def test_a_dependency_of_300_mb(workshop: Workshop) -> None:
    make_wheel(workshop.index, "heavy", "1.0", files={"heavy/weights.bin": bytes(300_000_000)})
    workshop.require("heavy==1.0")

    zipped = ("--package", "zip")
    workshop.refuses("300.0 MB  heavy", "262.1 MB", "--package image", exit_code=3, options=zipped)
    # Lambda attaches no layers to images.
    workshop.refuses("300.0 MB  heavy", exit_code=3, options=("--layer",))


def test_a_module_that_the_model_names_and_nobody_requires(workshop: Workshop) -> None:
    (workshop.model / "model.pkl").write_bytes(b"clacking.models\nThing\n.")

    workshop.refuses(
        "there is no module lacking in the bundle: model.pkl names it",
        "--code-path",
        exit_code=3,
    )


def test_a_module_that_a_requirement_imports_and_nobody_brings(workshop: Workshop) -> None:
    make_wheel(workshop.index, "lib", "1.0", files={"lib/__init__.py": "import absent\n"})
    workshop.require("lib")
    (workshop.model / "model.pkl").write_bytes(b"clib\nThing\n.")

    workshop.refuses("no module absent", "lib imports it", "--with NAME", exit_code=3)


def test_a_bundle_that_has_to_be_proven_and_cannot_run_here(workshop: Workshop) -> None:
    said = workshop.refuses(
        "the bundle is not proven (not run: the bundle is for arm64",
        "nothing was written",
        exit_code=3,
        options=("--require-proof",),
    )

    assert "machine of its architecture" in said


def test_a_proof_without_a_check(workshop: Workshop) -> None:
    options = ("--require-proof", "--no-check")

    workshop.refuses("--require-proof needs the checks", exit_code=2, options=options)


def test_a_dependency_with_a_module_called_handler(workshop: Workshop) -> None:
    make_wheel(workshop.index, "rude", "1.0", files={"handler.py": ""})
    workshop.require("rude==1.0")

    workshop.refuses("handler.py", "the dependency rude")


def test_model_code_with_a_module_called_handler(workshop: Workshop) -> None:
    text = MLMODEL.replace("    predict_fn", "    code: code\n    predict_fn")
    (workshop.model / "MLmodel").write_text(text)
    (workshop.model / "code").mkdir()
    (workshop.model / "code" / "handler.py").write_text("")

    workshop.refuses("code/handler.py", "the function's own package")


@pytest.mark.parametrize("path", ["../../evil.py", "/etc/evil.py"])
def test_a_wheel_that_would_write_outside_of_its_folder(workshop: Workshop, path: str) -> None:
    make_wheel(workshop.index, "climber", "1.0", files={"climber/__init__.py": "", path: ""})
    workshop.require("climber==1.0")

    workshop.refuses("climber-1.0", path)
    assert not list(workshop.folder.rglob("evil.py"))


def test_a_wheel_with_a_symbolic_link(workshop: Workshop) -> None:
    wheel = make_wheel(workshop.index, "linker", "1.0")
    with zipfile.ZipFile(wheel, "a") as archive:
        member = zipfile.ZipInfo("linker/passwd")
        member.create_system = 3
        member.external_attr = 0o120777 << 16
        archive.writestr(member, "/etc/passwd")
    workshop.require("linker==1.0")

    workshop.refuses("a symbolic link: linker/passwd")


def test_a_symbolic_link_in_the_model(workshop: Workshop) -> None:
    (workshop.model / "model.pkl").unlink()
    (workshop.model / "model.pkl").symlink_to("/etc/hostname")

    workshop.refuses("model.pkl is a symbolic link")


def test_a_path_that_leaves_the_model(workshop: Workshop) -> None:
    text = (workshop.model / "MLmodel").read_text().replace("model.pkl", "../../secret.pkl")
    (workshop.model / "MLmodel").write_text(text)

    workshop.refuses("'../../secret.pkl' is not a path inside the model folder")


def test_a_file_that_cannot_be_read(workshop: Workshop) -> None:
    (workshop.model / "model.pkl").chmod(0)

    # Root reads everything; without the power to, even root is a user like any other.
    done = workshop.build("--no-index", "--find-links", str(workshop.index), prefix=confinement())

    assert done.returncode == 1
    assert "model.pkl" in done.stderr
    assert "Permission denied" in done.stderr
    assert "Traceback" not in done.stderr
    workshop.holds_the_old_bundle()


def test_a_disk_that_is_full(workshop: Workshop) -> None:
    (workshop.model / "model.pkl").write_bytes(pickle.dumps(os.urandom(3_000_000)))

    done = workshop.build(
        *("--no-index", "--find-links", str(workshop.index)),
        # The kernel refuses what would make a file larger than this, as it would on a full disk.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000)),
    )

    assert done.returncode != 0
    assert "too large" in done.stderr
    assert "Traceback" not in done.stderr
    workshop.holds_the_old_bundle()


def test_an_index_that_is_down(workshop: Workshop) -> None:
    workshop.require("anything==1.0")

    done = workshop.build("--index-url", "http://user:secret@127.0.0.1:9/simple")

    assert done.returncode == 1
    assert "the package index cannot be read" in done.stderr
    assert "--index-url" in done.stderr
    assert "secret" not in done.stderr
    workshop.holds_the_old_bundle()
