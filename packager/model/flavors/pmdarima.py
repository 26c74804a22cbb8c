"""pmdarima. Source: `_load_pyfunc` of `mlflow.pmdarima` (MLflow 3.18)."""

from handler.manifest import ModelInfo
from packager.model.flavors.flavor import Flavor, Format
from packager.model.flavors.sections import Sections
from packager.model.needs import PLOTS, PYARROW


def _read(sections: Sections) -> ModelInfo:
    return ModelInfo("pmdarima", sections.data_file("pmdarima"), "pickle")


FLAVOR = Flavor(
    name="pmdarima",
    loader_module="mlflow.pmdarima",
    formats=(Format("pickle", True, "pmdarima has no other format"),),
    read=_read,
    not_needed=(PYARROW, *PLOTS),
    imports=("pmdarima",),
)
