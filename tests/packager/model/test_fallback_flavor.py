"""What has no row of its own in the table of flavors is MLflow's to load, and is never refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from packager.model.flavors.table import flavor_named
from packager.model.mlmodel import ModelSpec, read_mlmodel
from packager.requirements.select import inference_requirements

TRANSFORMERS = {"model_binary": "model", "task": "text-classification"}


def logged(folder: Path, name: str, section: dict[str, Any], *requirements: str) -> ModelSpec:
    """Return a model as MLflow's `save_model` of this flavor leaves it, in outline."""
    document = {
        "flavors": {"python_function": {"loader_module": f"mlflow.{name}"}, name: section},
        "mlflow_version": "3.17.2",
    }
    files = {
        "MLmodel": yaml.safe_dump(document),
        "requirements.txt": "\n".join(requirements),
        "model/weights.bin": "weights",
        "components/tokenizer.json": "{}",
        **dict.fromkeys(("conda.yaml", "python_env.yaml", "LICENSE.txt"), "{}"),
        **dict.fromkeys(("input_example.json", "serving_input_example.json"), "{}"),
        "registered_model_meta": "model_version: 3",
    }
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return read_mlmodel(folder)


def warnings_of(spec: ModelSpec) -> str:
    return " ".join(flavor_named(spec.info.flavor).warnings(spec.info))


@pytest.mark.parametrize("name", ["transformers", "shap", "paddle", "of_tomorrow"])
def test_any_loader_of_mlflows_is_taken(tmp_path: Path, name: str) -> None:
    info = logged(tmp_path, name, {}).info

    assert info.flavor == name
    assert info.options["loader_module"] == f"mlflow.{name}"
    assert info.executes_code


def test_every_file_is_kept_but_those_for_other_readers(tmp_path: Path) -> None:
    info = logged(tmp_path, "transformers", TRANSFORMERS).info

    assert [entry.path for entry in info.files] == [
        *("LICENSE.txt", "MLmodel", "components/tokenizer.json", "model/weights.bin")
    ]


def test_mlflow_comes_along_without_its_server(tmp_path: Path) -> None:
    spec = logged(tmp_path, "shap", {}, "mlflow==3.17.2", "shap==0.51.0", "pytest==9.2.0")

    requirements = inference_requirements(spec)

    assert {"mlflow-skinny==3.17.2", "shap==0.51.0"} <= set(requirements.lines)
    assert "mlflow==3.17.2" not in requirements.lines
    assert [drop.requirement for drop in requirements.dropped] == ["pytest==9.2.0"]
    excluded = {drop.requirement for drop in requirements.excluded}
    assert excluded == {"mlflow", "databricks-sdk", "gitpython", "python-dotenv", "uvicorn"}


def test_what_the_model_asks_for_itself_is_not_left_out_of_mlflow(tmp_path: Path) -> None:
    spec = logged(tmp_path, "langchain", {}, "mlflow==3.17.2", "databricks-sdk==0.156.0")

    excluded = {drop.requirement for drop in inference_requirements(spec).excluded}

    assert "databricks-sdk" not in excluded


def test_a_model_that_recorded_no_mlflow_gets_the_one_that_logged_it(tmp_path: Path) -> None:
    spec = logged(tmp_path, "shap", {}, "shap==0.51.0")

    assert "mlflow-skinny==3.17.2" in inference_requirements(spec).lines


def test_a_flavor_with_a_loader_of_its_own_still_does_without_mlflow(tmp_path: Path) -> None:
    spec = logged(tmp_path, "shap", {}, "mlflow==3.17.2")
    info = replace(spec.info, flavor="sklearn", options={})

    assert not [
        line
        for line in inference_requirements(replace(spec, info=info)).lines
        if line.startswith("mlflow")
    ]


def test_the_cost_is_said(tmp_path: Path) -> None:
    assert "MLflow itself loads the model" in warnings_of(logged(tmp_path, "shap", {}))


@pytest.mark.parametrize("name", ["spark", "h2o", "johnsnowlabs"])
def test_a_flavor_that_starts_java_is_built_and_it_is_said_what_is_missing(
    tmp_path: Path, name: str
) -> None:
    assert "starts the program 'java'" in warnings_of(logged(tmp_path, name, {}))


def test_weights_that_stayed_on_the_hub_are_warned_about(tmp_path: Path) -> None:
    complete = logged(tmp_path / "complete", "transformers", TRANSFORMERS)
    partial = logged(tmp_path / "partial", "transformers", {"source_model_revision": "a1b2"})

    assert complete.info.options["is_offline"]
    assert "Hub" not in warnings_of(complete)
    assert not partial.info.options["is_offline"]
    assert "save_pretrained=True" in warnings_of(partial)
