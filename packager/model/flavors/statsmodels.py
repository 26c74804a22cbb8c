"""statsmodels. Source: `_load_pyfunc` of `mlflow.statsmodels` (MLflow 3.18)."""

from handler.manifest import ModelInfo
from packager.model.flavors.flavor import Flavor, Format
from packager.model.flavors.sections import Sections
from packager.model.needs import PLOTS, PYARROW


def _read(sections: Sections) -> ModelInfo:
    data = sections.pyfunc.get("data") or sections.flavor.get("data")
    return ModelInfo(
        flavor="statsmodels",
        data_path=sections.file(data, "flavor 'statsmodels' names no data"),
        serialization_format="pickle",
    )


FLAVOR = Flavor(
    name="statsmodels",
    loader_module="mlflow.statsmodels",
    formats=(Format("pickle", True, "statsmodels has no other format"),),
    read=_read,
    not_needed=(PYARROW, *PLOTS),
)
