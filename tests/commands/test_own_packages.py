"""Packages that no public index has: wheels of one's own, private indexes, the model's code."""

import json
import zipfile

import pytest

from tests.commands.workshop import Workshop
from tests.support.wheels import make_wheel


def names_in_zip(workshop: Workshop) -> set[str]:
    with zipfile.ZipFile(workshop.output / "function.zip") as archive:
        return {
            name.split("/")[0].removesuffix(".pyc").removesuffix(".py")
            for name in archive.namelist()
        }


def build(workshop: Workshop, *options: str) -> dict[str, object]:
    done = workshop.build("--no-index", "--find-links", str(workshop.index), "--json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_wheel_given_with_the_command_is_in_the_zip(workshop: Workshop) -> None:
    wheel = make_wheel(workshop.folder / "mine", "my-lib", "1.0", requires=["helper"])
    make_wheel(workshop.index, "helper", "2.0")

    build(workshop, "--with", str(wheel))

    assert {"my_lib", "helper"} <= names_in_zip(workshop)


def test_a_wheel_that_was_built_again_under_its_old_name_is_not_taken_from_a_cache(
    workshop: Workshop,
) -> None:
    for text in ("old", "new"):
        files = {"my_lib/version.txt": text}
        wheel = make_wheel(workshop.folder / "mine", "my-lib", "1.0", files=files)
        build(workshop, "--with", str(wheel))

    with zipfile.ZipFile(workshop.output / "function.zip") as archive:
        assert archive.read("my_lib/version.txt") == b"new"


def test_a_login_in_a_requirements_url_never_gets_into_a_lock(workshop: Workshop) -> None:
    url = "my-lib @ https://user:secret@example.org/my_lib-1.0-py3-none-any.whl"
    workshop.require(url)
    assert "secret" not in workshop.refuses("my-lib", "login", "netrc")

    workshop.require()
    assert "secret" not in workshop.refuses("my-lib", "login", exit_code=2, options=("--with", url))


@pytest.mark.parametrize(
    "options", [["--upgrade", "--locked"], ["--upgrade", "--lock", "LOCK"], ["--no-index"]]
)
def test_options_that_contradict_each_other_are_wrong_usage(
    workshop: Workshop, options: list[str]
) -> None:
    lock = workshop.folder / "pylock.toml"
    lock.write_text('lock-version = "1.0"\n')

    done = workshop.build(*(option.replace("LOCK", str(lock)) for option in options))

    assert done.returncode == 2
    assert options[0] in done.stderr


def test_a_wheel_that_the_model_brings_is_in_the_zip_and_the_lock_holds_next_time(
    workshop: Workshop,
) -> None:
    make_wheel(workshop.model / "code", "my-lib", "1.0")
    workshop.require("./code/my_lib-1.0-py3-none-any.whl")

    build(workshop)
    # The same model from another place, as if downloaded again, by another user.
    workshop.model = workshop.model.rename(workshop.folder / "downloaded-again")
    workshop.cache = workshop.folder / "another-users"
    build(workshop, "--locked")

    assert "my_lib" in names_in_zip(workshop)


def test_a_repository_is_refused_and_the_command_that_is_told_then_builds(
    workshop: Workshop,
) -> None:
    workshop.require("git+https://example.org/a/feature-lib.git@v1#egg=feature-lib", "-e .")
    said = workshop.refuses("--drop feature-lib", "--drop .", "--with feature-lib==VERSION")
    assert "Resolving" not in said

    make_wheel(workshop.index, "feature-lib", "1.3")
    build(workshop, *("--drop", "feature-lib", "--drop", ".", "--with", "feature-lib==1.3"))
    assert "feature_lib" in names_in_zip(workshop)


def test_an_index_of_the_models_is_asked_only_where_the_user_agrees(workshop: Workshop) -> None:
    make_wheel(workshop.model / "wheels", "my-lib", "1.0")
    workshop.require(
        "my-lib",
        "--find-links wheels",
        "--extra-index-url https://user:secret@127.0.0.1:9/simple",
    )
    said = workshop.refuses("my-lib")
    assert "secret" not in said

    workshop.require("my-lib", "--find-links wheels")
    build(workshop, "--use-model-indexes")
    assert "my_lib" in names_in_zip(workshop)


def test_an_index_that_was_not_asked_is_warned_about_without_its_login(
    workshop: Workshop,
) -> None:
    workshop.require("--extra-index-url https://user:secret@127.0.0.1:9/simple")

    warnings = build(workshop)["warnings"]

    (warning,) = [line for line in warnings if "--use-model-indexes" in line]
    assert "https://***@127.0.0.1:9/simple" in warning


def test_a_wheel_that_the_model_names_and_lacks_is_told(workshop: Workshop) -> None:
    workshop.require("code/my_lib-1.0-py3-none-any.whl")

    workshop.refuses("code/my_lib-1.0-py3-none-any.whl is named but missing", "--with")


def test_constraints_keep_and_drop_decide_what_gets_in(workshop: Workshop) -> None:
    for version in ("1.0", "2.0"):
        make_wheel(workshop.index, "lib", version, requires=["plots"])
    make_wheel(workshop.index, "plots", "1.0")
    make_wheel(workshop.index, "pytest", "9.0")
    workshop.require("lib", "pytest")
    (workshop.folder / "constraints.txt").write_text("lib<2  # not yet\n")

    report = build(
        workshop,
        *("--constraints", str(workshop.folder / "constraints.txt")),
        *("--keep", "pytest", "--drop", "plots"),
    )

    packages = {item["name"]: item["version"] for item in report["plan"]["packages"]}
    assert packages["lib"] == "1.0"
    assert "pytest" in packages
    assert "plots" not in packages
    assert "plots" not in names_in_zip(workshop)


def test_a_lock_that_no_longer_fits_is_refused_in_ci(workshop: Workshop) -> None:
    make_wheel(workshop.index, "lib", "1.0")
    workshop.require("lib")
    build(workshop)
    workshop.require("lib>=1")

    done = workshop.build("--no-index", "--find-links", str(workshop.index), "--locked")

    assert done.returncode == 3
    assert "- lib\n" in done.stderr
    assert "+ lib>=1" in done.stderr
