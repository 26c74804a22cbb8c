"""PyTorch. Source: `_load_pyfunc` of `mlflow.pytorch` (MLflow 3.18), and older files.

No format of torch's is data alone. `torch.export.load` evaluates the shape expressions in a
.pt2 file's JSON as Python (tried with torch 2.13: sympy's `sympify` calls `eval`), which MLflow's
own check of such files does not look at, and unpickles what the JSON says is pickled.
"""

import zipfile
from pathlib import Path

from handler.manifest import ModelInfo
from packager.model.flavors.flavor import Flavor, Format
from packager.model.flavors.sections import Sections
from packager.support.malformed import ZIP_ERRORS

_SAFE = "convert the model and log it with mlflow.onnx"
_PICKLED, _EXPORTED = "model.pth", "model.pt2"
_PICKLE_MODULE = "pickle_module_info.txt"
_CONFIG = "config"


def _read(sections: Sections) -> ModelInfo:
    # `data` of MLflow before 1.8 is the folder too.
    data = sections.path(
        sections.flavor.get("model_data") or sections.pyfunc.get("data"),
        "flavor 'pytorch' names no model_data",
    )
    folder = sections.folder / data
    # As MLflow's loader goes by what is there, not by what the MLmodel file says.
    name = _EXPORTED if (folder / _EXPORTED).exists() else _PICKLED
    if (folder / _PICKLED).exists():
        name = _PICKLED
    config = sections.pyfunc.get(_CONFIG)
    return ModelInfo(
        flavor="pytorch",
        data_path=f"{data}/{name}" if data else "",
        serialization_format="pt2" if name == _EXPORTED else _format(f"{data}/{name}", sections),
        options={
            "device": config.get("device") if isinstance(config, dict) else None,
            "pickle_module": _pickle_module(folder, sections) if name == _PICKLED else None,
        },
    )


def _format(name: str, sections: Sections) -> str:
    path = sections.folder / name
    # What torch.load goes by (torch 2.13, `_is_torchscript_zip`).
    if not zipfile.is_zipfile(path):
        return "pickle"
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.partition("/")[2] for name in archive.namelist()}
    except ZIP_ERRORS as error:
        sections.issues.append(f"{name} is damaged: {error}")
        return "pickle"
    return "torchscript" if "constants.pkl" in names else "pickle"


def _pickle_module(folder: Path, sections: Sections) -> str:
    try:
        name = (folder / _PICKLE_MODULE).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        # MLflow's loader would fail: the MLmodel file has the name too, since MLflow 1.0.
        name = str(sections.pyfunc.get("pickle_module_name") or "pickle")
    if not all(part.isidentifier() for part in name.split(".")):
        sections.issues.append(f"{_PICKLE_MODULE} has {name[:100]!r}, which is no module's name")
    return name


FLAVOR = Flavor(
    name="pytorch",
    loader_module="mlflow.pytorch",
    formats=(
        Format("pickle", True, _SAFE),
        Format("torchscript", True, f"a program, which may use files when loaded: {_SAFE}"),
        Format("pt2", True, f"torch evaluates expressions in it as Python: {_SAFE}"),
    ),
    read=_read,
)
