"""ONNX. Source: `_load_pyfunc` of `mlflow.onnx` (MLflow 3.18), and older files."""

from pathlib import Path, PurePosixPath
from typing import Any

from handler.manifest import ModelInfo
from packager.model.flavors.flavor import Flavor, Format
from packager.model.flavors.sections import Sections
from packager.model.needs import Needs
from packager.model.onnx_files import read_external_files

# What MLflow takes for a model that names none. On Lambda the first is never there.
_PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
# Tried with 1.16 to 1.31: none of them is imported by `onnxruntime` or an InferenceSession.
_UNUSED = "ONNX Runtime requires it for its tools; a session does without"
_NEEDS = Needs(
    frozenset({"numpy", "pandas", "onnxruntime", "onnxruntime-gpu"}),
    "ONNX Runtime predicts without it",
    tuple(
        (name, _UNUSED) for name in ("coloredlogs", "flatbuffers", "packaging", "protobuf", "sympy")
    ),
)


def _read(sections: Sections) -> ModelInfo:
    return ModelInfo(
        flavor="onnx",
        data_path=sections.data_file("onnx"),
        serialization_format="onnx",
        options={
            "providers": _providers(sections),
            "session_options": sections.mapping("onnx_session_options"),
        },
    )


def _providers(sections: Sections) -> list[list[Any]]:
    """Return pairs of name and options; MLflow also takes a name alone, or one for all."""
    value = sections.flavor.get("providers") or _PROVIDERS
    providers: list[list[Any]] = []
    for item in value if isinstance(value, list | tuple) else [value]:
        match item:
            case str(name):
                providers.append([name, {}])
            case [str(name), dict(options)]:
                providers.append([name, options])
            case _:
                sections.issues.append(f"providers names {item!r}, which is no execution provider")
    return providers


def _files(folder: Path, info: ModelInfo, issues: list[str]) -> list[str]:
    """Return the names of the files in which the model keeps its tensors."""
    try:
        names = read_external_files(folder / info.data_path)
    except ValueError as error:
        issues.append(f"{info.data_path} is not an ONNX file: {error}")
        return []
    return [str(PurePosixPath(info.data_path).parent / name) for name in names]


FLAVOR = Flavor(
    name="onnx",
    loader_module="mlflow.onnx",
    formats=(Format("onnx", False, "a graph of ONNX's own operators"),),
    read=_read,
    needs=lambda info, recorded: _NEEDS,
    files=_files,
)
