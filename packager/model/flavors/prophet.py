"""Prophet. Source: `_load_pyfunc` of `mlflow.prophet` (MLflow 3.18)."""

from collections.abc import Collection

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
    data = sections.pyfunc.get("data") or sections.flavor.get("data")
    return ModelInfo(
        flavor="prophet",
        data_path=sections.file(data, "flavor 'prophet' names no data"),
        serialization_format="json",
    )


def _needs(info: ModelInfo, recorded: Collection[str]) -> Needs:
    return _NEEDS


FLAVOR = Flavor(
    name="prophet",
    loader_module="mlflow.prophet",
    formats=(Format("json", False, "Prophet's own: numbers, dates and tables"),),
    read=_read,
    needs=_needs,
)
