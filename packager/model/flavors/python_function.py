"""Python models of the user's own. Source: `mlflow/pyfunc/model.py` (MLflow 3.18).

A model is a pickle or a Python file that makes it; a loader of the user's own may read anything.
"""

import json
from pathlib import Path, PureWindowsPath
from typing import Any

from handler.facts_for_builder import CODE, OPENERS, PICKLE
from handler.manifest import ModelInfo
from packager.model.files import posix_name, resolve_inside
from packager.model.flavors.flavor import Flavor, Format
from packager.model.flavors.sections import Sections
from packager.model.mlflow_use import why_mlflow

LOADERS = ("mlflow.pyfunc.model", "mlflow.pyfunc.loaders.code_model")
"""MLflow's loaders of models that do without MLflow, where they name little of it."""
_CHATS = {
    "mlflow.pyfunc.loaders.chat_model": "it is a ChatModel",
    "mlflow.pyfunc.loaders.chat_agent": "it is a ChatAgent",
    "mlflow.pyfunc.loaders.responses_agent": "it is a ResponsesAgent",
}
_LOADED = "loader_module"
_NO_MODEL = "python_function names no model"
_NOTE = "the model is code: none is safe"


def _read(sections: Sections) -> ModelInfo:
    pyfunc = sections.pyfunc
    loader = str(pyfunc.get("loader_module"))
    data_path, saved_as = _data(sections, loader)
    artifacts = _artifacts(sections)
    code = pyfunc.get("code")
    code_names = [posix_name(sections.folder, code)] if isinstance(code, str) else []
    files = [data_path, *artifacts.values(), *("" if name == "." else name for name in code_names)]
    compression = _compression(sections)
    reason = _CHATS.get(loader) or why_mlflow(sections.folder, files, compression)
    return ModelInfo(
        flavor="python_function",
        data_path=data_path,
        serialization_format=saved_as,
        predict_fn=sections.predict_fn(),
        options={
            "loader_module": loader,
            "has_mlflow": reason is not None,
            "reason": reason,
            "artifacts": artifacts,
            "config": _config(sections),
            "compression": compression,
            "example": _example(sections),
            "cloudpickle": pyfunc.get("cloudpickle_version"),
        },
    )


def _data(sections: Sections, loader: str) -> tuple[str, str]:
    """Return the file or folder that the loader reads, and the format's name."""
    pyfunc = sections.pyfunc
    if loader not in LOADERS and loader not in _CHATS:
        data = pyfunc.get("data")
        return posix_name(sections.folder, data) if isinstance(data, str) else "", _LOADED
    code = pyfunc.get("model_code_path")
    if isinstance(code, str):
        # It is where the file was on the machine that trained the model, Windows perhaps.
        return sections.file(PureWindowsPath(code).name, _NO_MODEL), CODE
    return sections.file(pyfunc.get("python_model"), _NO_MODEL), PICKLE


def _artifacts(sections: Sections) -> dict[str, str]:
    artifacts = sections.pyfunc.get("artifacts") or {}
    try:
        return {
            str(name): posix_name(sections.folder, str(item["path"]))
            for name, item in artifacts.items()
        }
    except (AttributeError, KeyError, TypeError):
        sections.issues.append("artifacts is not a mapping of names to paths")
        return {}


def _config(sections: Sections) -> dict[str, Any] | None:
    config = sections.pyfunc.get("config") or None
    if config is None or isinstance(config, dict):
        return config
    sections.issues.append("config is not a mapping")
    return None


def _compression(sections: Sections) -> str | None:
    name = sections.pyfunc.get("python_model_compression")
    if name is None or (isinstance(name, str) and name in OPENERS):
        return name
    sections.issues.append(f"unknown python_model_compression {name!r}")
    return None


def _example(sections: Sections) -> str | None:
    """Return the input example's kind, for a model that asks for what its example was."""
    saved = sections.document.get("saved_input_example_info")
    if not sections.document.get("type_hint_from_example") or not isinstance(saved, dict):
        return None
    name = saved.get("artifact_path")
    if saved.get("type") != "json_object" or not isinstance(name, str):
        return None
    # What is wrong with the path is said where the example is read.
    path = resolve_inside(sections.folder, name, [])
    try:
        example: Any = json.loads(path.read_bytes()) if path else None
        if saved.get("params"):
            example = example["inputs"]
    except (KeyError, TypeError, OSError, ValueError, RecursionError):
        return None
    if not isinstance(example, list):
        return None
    is_flat = all(isinstance(item, (str, int, float, bool)) for item in example)
    return "list" if is_flat else "records"


def _files(folder: Path, info: ModelInfo, issues: list[str]) -> list[str]:
    """Return the artifacts; for a loader that is given the whole folder, all that is in it."""
    if info.serialization_format == _LOADED and not info.data_path:
        return sorted(path.name for path in folder.iterdir())
    return list(info.options["artifacts"].values())


def _takes_loader(loader_module: str) -> bool:
    """Tell whether it is one of MLflow's for Python models, or one of the user's own."""
    is_mlflows = loader_module.partition(".")[0] == "mlflow"
    return loader_module in (*LOADERS, *_CHATS) or not is_mlflows


MLFLOWS_COST = "about 23 MB more, and 0.4 s of CPU more at each cold start"
"""Of MLflow in a bundle with pandas: compare `chat` and `cloudpickle` in docs/flavors.md."""


def _warnings(info: ModelInfo) -> list[str]:
    if not info.options["has_mlflow"]:
        return []
    return [f"{info.options['reason']}, so MLflow itself is in the bundle: {MLFLOWS_COST}"]


FLAVOR = Flavor(
    name="python_function",
    loader_module=LOADERS[0],
    formats=tuple(Format(name, executes_code=True, note=_NOTE) for name in (PICKLE, CODE, _LOADED)),
    read=_read,
    imports=(),
    files=_files,
    needs_mlflow=lambda info: bool(info.options["has_mlflow"]),
    takes_loader=_takes_loader,
    warnings=_warnings,
    needs_section=False,
)
