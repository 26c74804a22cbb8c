"""scikit-learn. Source: `_load_pyfunc` of `mlflow.sklearn` (MLflow 3.18), and older files."""

from handler.manifest import ModelInfo
from packager.model.flavors.flavor import Flavor
from packager.model.flavors.objects import OBJECT_FORMAT_NAMES, OBJECT_FORMATS, skops_needs
from packager.model.flavors.sections import Sections
from packager.model.needs import PYARROW


def _read(sections: Sections) -> ModelInfo:
    pyfunc, flavor = sections.pyfunc, sections.flavor
    data_path = pyfunc.get("model_path") or pyfunc.get("data") or flavor.get("pickled_model")
    return ModelInfo(
        flavor="sklearn",
        data_path=sections.file(data_path, "flavor 'python_function' names no model_path"),
        # Absent in early files: MLflow's loader then takes pickle.
        serialization_format=sections.format(OBJECT_FORMAT_NAMES, "pickle"),
        predict_fn=sections.predict_fn(),
        trusted_types=sections.trusted_types(),
    )


FLAVOR = Flavor(
    name="sklearn",
    loader_module="mlflow.sklearn",
    formats=OBJECT_FORMATS,
    read=_read,
    needs=skops_needs,
    not_needed=(PYARROW,),
    imports=(),
    needs_section=False,
)
