"""Whatever has no row of its own: MLflow itself loads it.

Source: `mlflow.pyfunc.load_model` and each flavor's `save_model` (MLflow 3.18).
"""

from dataclasses import replace
from typing import Any

from handler.manifest import ModelInfo
from packager.model.files import loaded_names
from packager.model.flavors import python_function
from packager.model.flavors.flavor import Flavor, Format
from packager.model.flavors.sections import Sections

_FORMAT = "mlflow"
_PREFIX = "mlflow."
_PROGRAMS = {"spark": "java", "h2o": "java", "johnsnowlabs": "java"}
"""What flavors start besides Python. No Lambda runtime has it, and no wheel brings it along."""
_OF_HUGGING_FACE = ("transformers", "sentence_transformers")


def _read(sections: Sections) -> ModelInfo:
    loader_module = str(sections.pyfunc["loader_module"])
    name = loader_module.removeprefix(_PREFIX)
    info = python_function.FLAVOR.read(sections)
    options = {
        "loader": FLAVOR.name,
        "has_mlflow": True,
        "program": _PROGRAMS.get(name),
        "is_offline": _is_complete(name, sections),
    }
    return replace(info, flavor=name, serialization_format=_FORMAT, options=info.options | options)


def _is_complete(name: str, sections: Sections) -> bool:
    """Tell whether a model of Hugging Face's libraries has its weights with it."""
    if name not in _OF_HUGGING_FACE:
        return False
    section: dict[str, Any] = sections.document["flavors"].get(name) or {}
    # mlflow.transformers records one of the two: a folder, or a commit of the hub.
    return name != "transformers" or "model_binary" in section


def _warnings(info: ModelInfo) -> list[str]:
    loader_module, program = info.options["loader_module"], info.options["program"]
    warnings = [
        f"there is no loader for {loader_module} here: MLflow itself loads the model, so"
        f" mlflow-skinny and what it requires are in the bundle: {python_function.MLFLOWS_COST}"
    ]
    if program is not None:
        warnings.append(
            f"{loader_module} starts the program {program!r}, which Lambda's Python runtimes do not"
            " have, so this bundle cannot load the model: it takes a container image of your own"
            " with it, or a model that is logged with another flavor"
        )
    if info.flavor in _OF_HUGGING_FACE and not info.options["is_offline"]:
        warnings.append(
            "the model has no weights with it: each cold start downloads them from the Hugging"
            " Face Hub. Log it with save_pretrained=True, or complete it with"
            " mlflow.transformers.persist_pretrained_model"
        )
    return warnings


FLAVOR = Flavor(
    name="fallback",
    loader_module="mlflow.*",
    formats=(
        Format(_FORMAT, executes_code=True, note="log it with a flavor that has a safe format"),
    ),
    read=_read,
    files=lambda folder, info, issues: loaded_names(folder),
    needs_mlflow=lambda info: True,
    takes_loader=lambda loader_module: loader_module.startswith(_PREFIX),
    warnings=_warnings,
    needs_section=False,
)
