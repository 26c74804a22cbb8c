"""spaCy. Source: `_load_pyfunc` of `mlflow.spacy` (MLflow 3.18)."""

from handler.manifest import ModelInfo
from packager.model.flavors.flavor import Flavor, Format
from packager.model.flavors.sections import Sections
from packager.model.needs import PYARROW


def _read(sections: Sections) -> ModelInfo:
    data = sections.pyfunc.get("data") or sections.flavor.get("data")
    return ModelInfo(
        flavor="spacy",
        data_path=sections.path(data, "flavor 'spacy' names no data"),
        serialization_format="spacy",
    )


FLAVOR = Flavor(
    name="spacy",
    loader_module="mlflow.spacy",
    # Sections refer to each other, values hold JSON, and what a name stands for any installed
    # package may register: no reading of the configuration can tell what will be called.
    formats=(Format("spacy", True, "spaCy has no other: config.cfg names functions to call"),),
    read=_read,
    not_needed=(PYARROW,),
)
