"""CatBoost. Source: `_load_pyfunc` of `mlflow.catboost` (MLflow 3.18)."""

from handler.manifest import ModelInfo
from packager.model.flavors.flavor import Flavor, Format
from packager.model.flavors.sections import Sections
from packager.model.needs import FRAMES, Needs

_MODEL_TYPES = ("CatBoost", "CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker")
# CatBoost also writes pmml, cpp and python, and reads none of them.
_FORMATS = (
    Format("cbm", False, "CatBoost's own format: trees and tables"),
    Format("json", False, "the same as JSON"),
    Format("onnx", False, "a graph of ONNX's own operators, read by CatBoost"),
    Format("coreml", False, "Apple's format for trees, read by CatBoost"),
)
# Tried with 1.2: each is imported by the functions that draw, and not before.
_DRAWS = "CatBoost draws with it; a prediction does without"
_NEEDS = Needs(
    FRAMES | {"catboost"},
    "a CatBoost model reads its own format without it",
    tuple((name, _DRAWS) for name in ("graphviz", "matplotlib", "plotly")),
)


def _read(sections: Sections) -> ModelInfo:
    flavor = sections.flavor
    model_type = flavor.get("model_type")
    if model_type not in _MODEL_TYPES:
        sections.issues.append(f"model_type {model_type!r} is none of CatBoost's classes")
    saved_as = flavor.get("save_format")
    if saved_as not in [item.name for item in _FORMATS]:
        sections.issues.append(f"save_format {saved_as!r} is none that CatBoost can read")
    return ModelInfo(
        flavor="catboost",
        data_path=sections.data_file("catboost"),
        serialization_format=str(saved_as),
        options={"model_type": model_type},
    )


FLAVOR = Flavor(
    name="catboost",
    loader_module="mlflow.catboost",
    formats=_FORMATS,
    read=_read,
    needs=lambda info, recorded: _NEEDS,
)
