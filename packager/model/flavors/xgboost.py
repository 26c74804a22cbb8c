"""XGBoost. Source: `_load_pyfunc` of `mlflow.xgboost` (MLflow 3.18), and older files."""

from collections.abc import Collection
from typing import Any

from handler.manifest import ModelInfo
from packager.model.flavors.flavor import Flavor, Format
from packager.model.flavors.sections import Sections
from packager.model.needs import FRAMES, PLOTS, PYARROW, SKLEARN, Needs

_BOOSTER = "xgboost.core.Booster"
# To make one of these classes and fill it reads data and no more.
_DATA_CLASSES = ("xgboost.core.", "xgboost.sklearn.")
_PACKAGES = frozenset({"xgboost", "xgboost-cpu"})
_BOOSTER_NEEDS = Needs(FRAMES | _PACKAGES, "an XGBoost Booster reads its own format without it")
_NEEDS = Needs(SKLEARN | _PACKAGES, "an XGBoost model reads its own format without it")
_NOTE = "XGBoost's own format, in one of its own classes"


def _read(sections: Sections) -> ModelInfo:
    data_path = sections.file(sections.flavor.get("data"), "flavor 'xgboost' names no data")
    model_class = sections.flavor.get("model_class", _BOOSTER)
    if not _is_class_name(model_class):
        sections.issues.append(f"model_class {model_class!r} is not the name of a class")
    # XGBoost goes by the file's extension too, and takes any other for a format of its own.
    suffix = data_path.rpartition(".")[2]
    name = suffix if suffix in ("ubj", "json") else "xgb"
    if not str(model_class).startswith(_DATA_CLASSES):
        name = "custom class"
    return ModelInfo(
        flavor="xgboost",
        data_path=data_path,
        serialization_format=name,
        options={"model_class": model_class},
    )


def _is_class_name(value: Any) -> bool:
    return (
        isinstance(value, str)
        and "." in value
        and all(part.isidentifier() for part in value.split("."))
    )


def _needs(info: ModelInfo, recorded: Collection[str]) -> Needs:
    return _BOOSTER_NEEDS if info.options["model_class"] == _BOOSTER else _NEEDS


FLAVOR = Flavor(
    name="xgboost",
    loader_module="mlflow.xgboost",
    formats=(
        Format("ubj", False, _NOTE),
        Format("json", False, _NOTE),
        Format("xgb", False, _NOTE),
        Format("custom class", True, "log a class of XGBoost's own, not one derived from it"),
    ),
    read=_read,
    needs=_needs,
    not_needed=(PYARROW, *PLOTS),
    imports=("xgboost",),
)
