"""LightGBM. Source: `_load_pyfunc` of `mlflow.lightgbm` (MLflow 3.18), and older files."""

from collections.abc import Collection

from handler.manifest import ModelInfo
from packager.model.flavors.flavor import Flavor, Format
from packager.model.flavors.objects import OBJECT_FORMAT_NAMES, OBJECT_FORMATS, skops_needs
from packager.model.flavors.sections import Sections
from packager.model.needs import PLOTS, PYARROW, SKLEARN, Needs

_BOOSTER = "lightgbm.basic.Booster"
# scikit-learn stays for a Booster too: lightgbm takes its OpenMP library from there.
_NEEDS = Needs(SKLEARN | {"lightgbm"}, "a LightGBM Booster reads its own format without it")


def _read(sections: Sections) -> ModelInfo:
    data_path = sections.file(sections.flavor.get("data"), "flavor 'lightgbm' names no data")
    if sections.flavor.get("model_class", _BOOSTER) == _BOOSTER:
        return ModelInfo("lightgbm", data_path, "lgb")
    return ModelInfo(
        flavor="lightgbm",
        data_path=data_path,
        serialization_format=sections.format(OBJECT_FORMAT_NAMES, "cloudpickle"),
        trusted_types=sections.trusted_types(),
    )


def _needs(info: ModelInfo, recorded: Collection[str]) -> Needs | None:
    return _NEEDS if info.serialization_format == "lgb" else skops_needs(info, recorded)


FLAVOR = Flavor(
    name="lightgbm",
    loader_module="mlflow.lightgbm",
    formats=(Format("lgb", False, "LightGBM's own text"), *OBJECT_FORMATS),
    read=_read,
    needs=_needs,
    not_needed=(PYARROW, *PLOTS),
    imports=("lightgbm",),
)
