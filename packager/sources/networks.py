"""Bare files of ONNX, PyTorch, Keras and TensorFlow."""

import json
import pickletools
import re
import zipfile
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from packager.errors import ModelError
from packager.model.onnx_files import read_external_files
from packager.sources.bareformat import BareFormat, Found
from packager.support.filebytes import first_bytes
from packager.support.malformed import ZIP_ERRORS

_ZIP = b"PK\x03\x04"
# MetaInfoDef.tensorflow_version and the next field's tag (tensorflow/core/protobuf/
# meta_graph.proto): the string's length, then the string.
_TENSORFLOW = re.compile(rb"\x2a([\x05-\x20])(\d+\.\d+\.\d+)")
_NEXT_FIELD = b"\x32"
_BACKENDS = {
    "tensorflow": "tensorflow",
    "tensorflow-cpu": "tensorflow",
    "torch": "torch",
    "jax": "jax",
}
"""Keras's names of its backends, by the distributions that have them."""
# What torch.load rebuilds a dictionary of tensors from, and no module.
_TENSORS = (
    *("collections ", "torch._utils ", "torch.serialization ", "torch.storage "),
    *("torch ", "_codecs ", "numpy", "torch.nn.parameter ", "torch._tensor "),
)


def _is_onnx(path: Path) -> bool:
    # Field 1 of the protocol buffer, a number: the format's version.
    return first_bytes(path, 1) == b"\x08"


def _read_onnx(path: Path) -> Found:
    try:
        beside = read_external_files(path)
    except ValueError as error:
        raise ModelError(f"{path} is no ONNX file, or is damaged: {error}") from error
    return Found.plain(
        "model.onnx",
        {
            "onnx_session_options": None,
            "onnx_version": None,
            "providers": ["CUDAExecutionProvider", "CPUExecutionProvider"],
        },
        beside=beside,
    )


def _is_zip(path: Path) -> bool:
    return first_bytes(path, 4) == _ZIP


def _members(path: Path) -> dict[str, str]:
    """Return the names in a zip of PyTorch by their names below its one folder."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except ZIP_ERRORS as error:
        raise ModelError(f"{path} is damaged or cut short: {error}") from error
    return {name.partition("/")[2]: name for name in names}


def _is_torchscript(path: Path) -> bool:
    return _is_zip(path) and "constants.pkl" in _members(path)


def _is_eager_torch(path: Path) -> bool:
    if not _is_zip(path):
        return first_bytes(path, 1) == b"\x80"  # a pickle: torch before 1.6
    members = _members(path)
    return "data.pkl" in members and "constants.pkl" not in members


def _read_exported(path: Path) -> Found:
    if "models/model.json" not in _members(path) and "serialized_exported_program.json" not in (
        name.rpartition("/")[2] for name in _members(path).values()
    ):
        raise ModelError(f"{path} is no program that torch.export.save wrote")
    return _torch("data/model.pt2", {})


def _read_saved_torch(path: Path) -> Found:
    return _torch("data/model.pth", {"data/pickle_module_info.txt": "pickle"})


def _read_eager_torch(path: Path) -> Found:
    if _is_zip(path) and _is_state_dict(path):
        raise ModelError(
            f"{path} holds a state dict: tensors by name, and not the module that computes with"
            " them",
            hint="Load it into the module and save that: torch.jit.script(module).save(FILE) or"
            " torch.export.save(torch.export.export(module, inputs), 'FILE.pt2').",
        )
    return _read_saved_torch(path)


def _is_state_dict(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            content = archive.read(_members(path)["data.pkl"])
        names = [
            str(argument)
            for opcode, argument, _ in pickletools.genops(content)
            if opcode.name in ("GLOBAL", "STACK_GLOBAL")
        ]
    except ZIP_ERRORS as error:
        raise ModelError(f"{path} is damaged: {error}") from error
    return all(name.startswith(_TENSORS) for name in names)


def _torch(data: str, texts: dict[str, str]) -> Found:
    return Found(
        data=data,
        section={"code": None, "model_data": "data"},
        pyfunc={"data": "data", "pickle_module_name": "pickle", "config": {"device": None}},
        texts=texts,
    )


def _read_keras(path: Path) -> Found:
    try:
        with zipfile.ZipFile(path) as archive:
            described = json.loads(archive.read("metadata.json"))
            json.loads(archive.read("config.json"))
        version = str(described["keras_version"])
    except (*ZIP_ERRORS, TypeError) as error:
        raise ModelError(f"{path} is no model of Keras, or is damaged: {error}") from error
    library, backend = _backend(path)
    return Found(
        data="data/model.keras",
        section={"data": "data", "keras_backend": backend, "save_exported_model": False},
        pyfunc={"data": "data"},
        version=version,
        requirements=(library,),
        texts={"data/keras_module.txt": "keras"},
        notes=(f"Backend: {backend}",),
    )


def _backend(path: Path) -> tuple[str, str]:
    """Return the requirement and the name of Keras's backend, which no file records."""
    beside = path.parent / "requirements.txt"
    if beside.is_file():
        for line in _lines(beside):
            name = _name(line)
            if name in _BACKENDS:
                return line.strip(), _BACKENDS[name]
    for name, backend in _BACKENDS.items():
        try:
            return f"{name}=={metadata.version(name).partition('+')[0]}", backend
        except metadata.PackageNotFoundError:
            continue
    raise ModelError(
        f"{path} does not record which backend it ran on",
        hint=f"Write keras and tensorflow, torch or jax with their versions into {beside}.",
    )


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise ModelError(f"{path} is not UTF-8 text", hint="Save it as UTF-8.") from error


def _name(line: str) -> str | None:
    try:
        return canonicalize_name(Requirement(line.partition("#")[0]).name)
    except InvalidRequirement:  # an option, or nothing
        return None


def _is_saved_model(path: Path) -> bool:
    return (path / "saved_model.pb").is_file()


def _read_saved_model(path: Path) -> Found:
    content = (path / "saved_model.pb").read_bytes()
    if not content.startswith(b"\x08"):
        raise ModelError(f"{path / 'saved_model.pb'} is empty, or no graph of TensorFlow")
    if not (path / "variables").is_dir():
        raise ModelError(f"{path} is no whole SavedModel: its folder 'variables' is missing")
    return Found(
        data="tf2model",
        section={"code": None, "model_type": "tf2-module", "saved_model_dir": "tf2model"},
        pyfunc={},
        version=_tensorflow_version(content),
    )


def _tensorflow_version(content: bytes) -> str | None:
    for found in _TENSORFLOW.finditer(content):
        end = found.start(2) + found[1][0]
        if content[end : end + 1] == _NEXT_FIELD:
            return content[found.start(2) : end].decode("ascii", "replace")
    return None


FORMATS = (
    BareFormat("onnx", (".onnx",), _read_onnx, _is_onnx),
    BareFormat("pytorch", (".pt2",), _read_exported, _is_zip),
    BareFormat("pytorch", (".pt", ".pth"), _read_saved_torch, _is_torchscript),
    BareFormat("pytorch", (".pt", ".pth"), _read_eager_torch, _is_eager_torch, is_told=True),
    BareFormat("keras", (".keras",), _read_keras, _is_zip),
    BareFormat("tensorflow", ("",), _read_saved_model, _is_saved_model),
)
