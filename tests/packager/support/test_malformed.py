"""Damaged model files: whatever their readers raise, it is said, and nothing else happens."""

import bz2
import gzip
import io
import json
import lzma
import pickle
import random
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import yaml

from packager.errors import MLmodelInvalid, ModelError
from packager.model.mlmodel import read_mlmodel
from packager.model.pickle_bytecode import holds_bytecode
from packager.model.pickle_names import why_of_pickle
from packager.sources.model_uri import open_model

CONFIG = json.dumps({"layers": ["dense", "dropout"] * 40}).encode()
PICKLE = pickle.dumps({"weights": list(range(200)), "module": "torch.nn"}, protocol=2)
MEMBERS = {
    "model.keras": {"metadata.json": b'{"keras_version": "3.12.0"}', "config.json": CONFIG},
    "model.skops": {"schema.json": b'{"_sklearn_version": ' + CONFIG + b"}"},
    "model.pt": {"m/data.pkl": PICKLE, "m/version": b"3"},
    "model.pt2": {"m/models/model.json": CONFIG},
}
FLAVORS = {".keras": "keras", ".skops": "sklearn", ".pt": "pytorch", ".pt2": "pytorch"}
OPENERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "lzma": lzma.compress,
}
END_OF_ZIP = b"PK\x05\x06" + b"\xff" * 18


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("name", MEMBERS)
def test_a_bare_zip_with_flipped_bits_is_a_model_or_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "requirements.txt").write_text("keras==3.12.0\ntorch==2.13.0\n")
    whole, path, flavor = zipped(MEMBERS[name]), tmp_path / name, FLAVORS[Path(name).suffix]
    numbers = random.Random(7)
    for bit in numbers.sample(range(len(whole) * 8), 400):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        # Anything else that is raised fails the test.
        with suppress(ModelError), open_model(str(path), flavor=flavor):
            pass


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes(byte ^ 0xFF for byte in content[middle:-8]) + content[-8:]


@pytest.mark.parametrize("compression", OPENERS)
def test_a_damaged_compressed_pickle_cannot_be_read(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "python_model.pkl"
    content = pickle.dumps(random.Random(7).randbytes(50_000))
    path.write_bytes(flipped(OPENERS[compression](content)))
    assert why_of_pickle(path, compression) == "cannot be read"
    assert not holds_bytecode(path)


@pytest.mark.parametrize("start", [b"PK\x03\x04", b"\x80\x02N."])
def test_a_torch_model_with_a_bogus_end_of_a_zip_is_named(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "model.pth").write_bytes(start + END_OF_ZIP)
    flavors = {
        "python_function": {"loader_module": "mlflow.pytorch", "data": "data"},
        "pytorch": {"model_data": "data"},
    }
    (tmp_path / "MLmodel").write_text(yaml.safe_dump({"flavors": flavors}))
    with pytest.raises(MLmodelInvalid, match=r"data/model\.pth is damaged"):
        read_mlmodel(tmp_path)


def test_requirements_beside_a_keras_file_that_are_not_utf_8_are_named(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    path.write_bytes(zipped(MEMBERS["model.keras"]))
    (tmp_path / "requirements.txt").write_text("keras==3.12.0\njax==0.7.2\n", encoding="utf-16")
    with (
        pytest.raises(ModelError, match=r"requirements\.txt is not UTF-8 text"),
        open_model(str(path)),
    ):
        pass
