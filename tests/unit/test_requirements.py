from dataclasses import replace
from pathlib import Path

import pytest

from handler.manifest import ModelInfo
from packager.errors import DependencyError
from packager.mlmodel import ModelSpec
from packager.requirements import inference_requirements

SKOPS = ModelSpec(
    folder=Path("model"),
    info=ModelInfo("sklearn", "model.skops", "skops", trusted_types=("sklearn.tree._tree.Tree",)),
    python_version="3.11.7",
    requirements=(),
)
PICKLE = replace(SKOPS, info=ModelInfo("sklearn", "model.pkl", "pickle"))


def sort_out(spec: ModelSpec, *lines: str) -> tuple[list[str], list[str]]:
    requirements = inference_requirements(replace(spec, requirements=lines))
    return list(requirements.kept), [drop.requirement for drop in requirements.dropped]


@pytest.mark.parametrize(
    "line",
    [
        "mlflow==3.18.0",
        "mlflow-skinny[extra]>=3",
        "MLflow",
        "boto3==1.40.0",
        "pytest==9.2.0",
        "setuptools",
        "pyarrow==25.0.1",
    ],
)
def test_what_inference_never_needs_is_dropped_with_a_reason(line: str) -> None:
    requirements = inference_requirements(replace(PICKLE, requirements=(line,)))

    assert requirements.kept == ()
    assert requirements.dropped[0].requirement == line
    assert requirements.dropped[0].reason


def test_a_skops_model_sheds_what_mlflow_inferred_from_imports() -> None:
    kept, dropped = sort_out(
        SKOPS, "scikit-learn==1.7.2", "skops==0.16.0", "torch==2.13.0", "zipp==4.1.2"
    )

    assert kept == ["scikit-learn==1.7.2", "skops==0.16.0"]
    assert dropped == ["torch==2.13.0", "zipp==4.1.2"]


def test_a_skops_model_keeps_the_library_of_a_trusted_type() -> None:
    info = replace(SKOPS.info, trusted_types=("imblearn.pipeline.Pipeline", "lightgbm.sklearn.X"))
    kept, _ = sort_out(
        replace(SKOPS, info=info), "imbalanced-learn==0.14", "lightgbm==4.6", "torch"
    )

    assert kept == ["imbalanced-learn==0.14", "lightgbm==4.6"]


def test_nothing_is_guessed_away_when_a_trusted_types_library_is_not_recognised() -> None:
    info = replace(SKOPS.info, trusted_types=("sksurv.tree.SurvivalTree",))
    kept, _ = sort_out(replace(SKOPS, info=info), "scikit-survival==0.25", "zipp==4.1.2")

    assert kept == ["scikit-survival==0.25", "zipp==4.1.2"]


def test_nothing_is_guessed_away_from_a_model_with_code_of_its_own() -> None:
    kept, _ = sort_out(replace(SKOPS, info=replace(SKOPS.info, code_path="code")), "zipp==4.1.2")

    assert kept == ["zipp==4.1.2"]


def test_a_pickle_may_need_anything_and_keeps_it() -> None:
    kept, _ = sort_out(PICKLE, "torch==2.13.0", "zipp==4.1.2")

    assert kept == ["torch==2.13.0", "zipp==4.1.2"]


def test_a_parquet_reader_is_added_where_the_model_needs_none() -> None:
    spec = replace(SKOPS, requirements=("scikit-learn==1.7.2", "pyarrow==25.0.1"))

    assert inference_requirements(spec).parquet_reader is None
    requirements = inference_requirements(spec, with_parquet=True)
    assert requirements.parquet_reader == "pyarrow"
    assert "pyarrow" in requirements.lines


def test_a_reader_that_the_model_needs_itself_is_left_alone() -> None:
    spec = replace(
        PICKLE, info=replace(PICKLE.info, flavor="other"), requirements=("pyarrow==25.0.1",)
    )
    requirements = inference_requirements(spec, with_parquet=True)

    assert requirements.kept == ("pyarrow==25.0.1",)
    assert requirements.parquet_reader is None


def test_a_skops_model_needs_none_of_what_skops_writes_reports_with() -> None:
    skops = replace(SKOPS, requirements=("scikit-learn==1.7.2", "skops==0.16.0"))
    assert [drop.requirement for drop in inference_requirements(skops).excluded] == ["prettytable"]

    pickle = replace(PICKLE, requirements=("scikit-learn==1.7.2", "skops==0.16.0"))
    assert inference_requirements(pickle).excluded == ()


def test_a_line_that_is_no_requirement_is_named() -> None:
    with pytest.raises(DependencyError, match="--extra-index-url") as raised:
        sort_out(PICKLE, "--extra-index-url https://example.org/simple")

    assert raised.value.hint


def test_a_line_that_is_no_requirement_is_named_without_its_password() -> None:
    with pytest.raises(DependencyError) as raised:
        sort_out(SKOPS, "--extra-index-url https://user:secret@example.org/simple")

    assert "--extra-index-url https://***@example.org" in str(raised.value)
