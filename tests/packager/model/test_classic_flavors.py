"""Reading models of CatBoost, statsmodels, Prophet, spaCy and pmdarima, and what they need."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from packager.errors import MLmodelInvalid
from packager.model.mlmodel import ModelSpec, read_mlmodel
from packager.requirements.select import inference_requirements

CATBOOST = {"model_type": "CatBoostClassifier", "save_format": "cbm", "data": "model.cb"}


def read(folder: Path, flavor: str, section: dict[str, Any], *requirements: str) -> ModelSpec:
    data = section.get("data", "model.bin")
    document = {
        "flavors": {
            "python_function": {"loader_module": f"mlflow.{flavor}", "data": data},
            flavor: section,
        }
    }
    (folder / "MLmodel").write_text(yaml.safe_dump(document))
    (folder / "requirements.txt").write_text("\n".join(requirements))
    if flavor != "spacy":
        (folder / data).write_text("{}")
    return read_mlmodel(folder)


def read_spacy(folder: Path) -> ModelSpec:
    (folder / "model.spacy" / "vocab").mkdir(parents=True)
    (folder / "model.spacy" / "vocab" / "strings.json").write_text("[]")
    (folder / "model.spacy" / "config.cfg").write_text("[nlp]")
    return read(folder, "spacy", {"data": "model.spacy"}, "spacy==3.8.14", "sudachipy==0.6.10")


@pytest.mark.parametrize("model_format", ["cbm", "json", "onnx", "coreml"])
def test_a_catboost_model_is_read_with_its_class_and_format(
    tmp_path: Path, model_format: str
) -> None:
    info = read(tmp_path, "catboost", {**CATBOOST, "save_format": model_format}).info

    assert (info.flavor, info.data_path) == ("catboost", "model.cb")
    assert info.serialization_format == model_format
    assert info.options == {"model_type": "CatBoostClassifier"}
    assert not info.executes_code


@pytest.mark.parametrize(
    ("section", "complaint"),
    [
        ({"model_type": "Pool"}, "model_type 'Pool' is none of CatBoost's classes"),
        ({"save_format": "pmml"}, "save_format 'pmml' is none that CatBoost can read"),
    ],
)
def test_a_catboost_model_that_mlflow_cannot_load_is_refused(
    tmp_path: Path, section: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(MLmodelInvalid, match=complaint):
        read(tmp_path, "catboost", CATBOOST | section)


@pytest.mark.parametrize("flavor", ["statsmodels", "pmdarima"])
def test_results_and_forecasters_are_pickles(tmp_path: Path, flavor: str) -> None:
    info = read(tmp_path, flavor, {"data": "model.bin"}).info

    assert (info.flavor, info.serialization_format) == (flavor, "pickle")
    assert info.executes_code


def test_a_prophet_model_is_data_alone(tmp_path: Path) -> None:
    info = read(tmp_path, "prophet", {"data": "model.pr", "model_type": "Prophet"}).info

    assert (info.data_path, info.serialization_format) == ("model.pr", "json")
    assert not info.executes_code


def test_a_spacy_pipeline_is_a_folder_whose_configuration_calls_functions(tmp_path: Path) -> None:
    info = read_spacy(tmp_path).info

    assert (info.data_path, info.serialization_format) == ("model.spacy", "spacy")
    assert info.executes_code
    names = [item.path for item in info.files]
    assert names == ["MLmodel", "model.spacy/config.cfg", "model.spacy/vocab/strings.json"]


@pytest.mark.parametrize(
    ("flavor", "section"),
    [
        ("catboost", {key: CATBOOST[key] for key in ("model_type", "save_format")}),
        ("statsmodels", {}),
        ("prophet", {}),
        ("spacy", {}),
        ("pmdarima", {}),
    ],
)
def test_a_model_that_names_no_data_is_refused(
    tmp_path: Path, flavor: str, section: dict[str, Any]
) -> None:
    document = {"flavors": {"python_function": {"loader_module": f"mlflow.{flavor}"}}}
    document["flavors"][flavor] = section
    (tmp_path / "MLmodel").write_text(yaml.safe_dump(document))

    with pytest.raises(MLmodelInvalid, match=f"flavor '{flavor}' names no data"):
        read_mlmodel(tmp_path)


def test_what_draws_and_what_fits_stays_out_of_the_bundle(tmp_path: Path) -> None:
    for flavor, section, excluded in [
        ("catboost", CATBOOST, {"graphviz", "matplotlib", "plotly"}),
        ("prophet", {"data": "model.pr"}, {"matplotlib", "cmdstanpy"}),
    ]:
        recorded = (f"{flavor}==1.1", "pandas==2.3.2", "holidays==0.50", "cmdstanpy<1.3.0")
        found = inference_requirements(read(tmp_path, flavor, section, *recorded))

        assert {item.requirement for item in found.excluded} == excluded
        assert "cmdstanpy<1.3.0" in {item.requirement for item in found.dropped}
        assert ("holidays==0.50" in found.kept) == (flavor == "prophet")


def test_a_spacy_pipeline_keeps_the_packages_of_its_language(tmp_path: Path) -> None:
    spec = read_spacy(tmp_path)

    assert inference_requirements(spec).kept == ("spacy==3.8.14", "sudachipy==0.6.10")
