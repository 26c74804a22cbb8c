"""Folders that are not whole: the file is named, before anything else."""

import pickle
from pathlib import Path

import pytest

from packager.errors import ModelIncomplete
from packager.model.mlmodel import read_mlmodel
from packager.sources.model_uri import open_model
from tests.packager.model.test_mlmodel import changed, write_model

POINTER = (
    b"version https://git-lfs.github.com/spec/v1\n"
    b"oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"
)
PAGE = b"\n<!DOCTYPE html>\n<html><title>Sign in</title></html>"
PICKLE = pickle.dumps({"weights": list(range(1000)), "name": "a model"})
BROKEN = [
    (POINTER, "is a git-LFS pointer, not the data", "git lfs pull"),
    (b"/annex/objects/SHA256E-s1--2.pkl\n", "is a git-annex pointer", "git annex get"),
    (PAGE, "is a web page", "again"),
    (b"", "is empty", "again"),
    (PICKLE[: len(PICKLE) // 2], "is cut short", "again"),
]
# What is wrong besides is not what the user has to hear first.
WRONG = changed(sklearn={"serialization_format": "no such"}, signature="no mapping")


@pytest.mark.parametrize(("content", "problem", "way"), BROKEN)
def test_what_lies_in_a_files_place_is_said_first(
    tmp_path: Path, content: bytes, problem: str, way: str
) -> None:
    folder = write_model(tmp_path, WRONG)
    (folder / "model.skops").write_bytes(content)

    with pytest.raises(ModelIncomplete) as raised:
        read_mlmodel(folder)

    assert str(raised.value).startswith(
        f"the model in {folder} is not whole: model.skops {problem}"
    )
    assert raised.value.files == ("model.skops",)
    assert way in str(raised.value.hint)
    assert "serialization_format" not in str(raised.value)


@pytest.mark.parametrize(("content", "problem", "way"), BROKEN[:4])
def test_an_mlmodel_file_that_is_none_is_named(
    tmp_path: Path, content: bytes, problem: str, way: str
) -> None:
    folder = write_model(tmp_path)
    (folder / "MLmodel").write_bytes(content)

    with pytest.raises(ModelIncomplete, match=f"MLmodel {problem}"):
        read_mlmodel(folder)


@pytest.mark.parametrize("content", [content for content, *_ in BROKEN])
def test_a_bare_file_that_is_none_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "forest.pkl"
    path.write_bytes(content)

    with (
        pytest.raises(ModelIncomplete, match=r"forest\.pkl is"),
        open_model(path, flavor="sklearn"),
    ):
        pass


@pytest.mark.parametrize("lacking", ["model.skops", "code"])
def test_a_file_that_is_missing_is_said_first(tmp_path: Path, lacking: str) -> None:
    document = changed(
        pyfunc={"code": "code"}, sklearn={"serialization_format": "no such"}, signature="no mapping"
    )
    folder = write_model(tmp_path, document)
    (folder / "code").mkdir()
    (folder / "code" / "a.py").write_text("")
    (folder / lacking).rename(tmp_path / "elsewhere")

    with pytest.raises(ModelIncomplete, match=f": {lacking} is named but missing$"):
        read_mlmodel(folder)


def test_all_pointers_below_a_folder_are_listed_and_empty_modules_are_none(tmp_path: Path) -> None:
    folder = write_model(tmp_path, changed(pyfunc={"code": "code"}))
    (folder / "code" / "lib").mkdir(parents=True)
    (folder / "code" / "lib" / "__init__.py").write_bytes(b"")
    (folder / "code" / "lib" / "a.bin").write_bytes(POINTER)
    (folder / "model.skops").write_bytes(POINTER)

    with pytest.raises(ModelIncomplete) as raised:
        read_mlmodel(folder)

    assert raised.value.files == ("model.skops", "code/lib/a.bin")


def test_what_follows_a_whole_pickle_is_no_damage(tmp_path: Path) -> None:
    folder = write_model(tmp_path)
    (folder / "model.skops").write_bytes(PICKLE + b"\n")

    assert read_mlmodel(folder).info.data_path == "model.skops"
