"""statsmodels. Source: `_load_pyfunc` of `mlflow.statsmodels` (MLflow 3.18)."""

from handler.manifest import ModelInfo
from packager.model.flavors.flavor import Flavor, Format
from packager.model.flavors.sections import Sections
from packager.model.needs import PLOTS, PYARROW


def _read(sections: Sections) -> ModelInfo:
    return ModelInfo("statsmodels", sections.data_file("statsmodels"), "pickle")


FLAVOR = Flavor(
    name="statsmodels",
    loader_module="mlflow.statsmodels",
    formats=(Format("pickle", True, "statsmodels has no other format"),),
    read=_read,
    not_needed=(PYARROW, *PLOTS),
    imports=("statsmodels",),
)
