"""Prophet. Source: `_load_pyfunc` of `mlflow.prophet` (MLflow 3.18)."""

from handler.manifest import ModelInfo
from packager.model.flavors.flavor import Flavor, Format
from packager.model.flavors.sections import Sections
from packager.model.needs import Needs

_NEEDS = Needs(
    frozenset({"numpy", "pandas", "prophet", "holidays"}),
    "Prophet forecasts without it",
    (
        # Tried with 1.1 to 1.3: Prophet's imports go on without it.
        ("matplotlib", "Prophet draws with it; a forecast does without"),
        # The loader keeps Prophet from starting it.
        ("cmdstanpy", "Prophet is fitted with it; a forecast does without"),
    ),
)


def _read(sections: Sections) -> ModelInfo:
    return ModelInfo("prophet", sections.data_file("prophet"), "json")


FLAVOR = Flavor(
    name="prophet",
    loader_module="mlflow.prophet",
    formats=(Format("json", False, "Prophet's own: numbers, dates and tables"),),
    read=_read,
    needs=lambda info, recorded: _NEEDS,
)
