from dataclasses import replace
from pathlib import Path

import pytest

from handler.manifest import ModelInfo
from packager.model.mlmodel import ModelSpec
from packager.requirements.select import inference_requirements

DATA = ModelInfo("", "model", "", logged_executes_code=False)
SKOPS = ModelSpec(
    folder=Path("model"),
    info=replace(
        DATA,
        flavor="sklearn",
        serialization_format="skops",
        trusted_types=("sklearn.tree._tree.Tree",),
    ),
    python_version="3.11.7",
    requirements=(),
)
PICKLE = replace(SKOPS, info=ModelInfo("sklearn", "model.pkl", "pickle"))


def of_flavor(name: str, serialization_format: str, **options: str) -> ModelSpec:
    info = replace(
        DATA, flavor=name, serialization_format=serialization_format, options=dict(options)
    )
    return replace(SKOPS, info=info)


XGBOOST = of_flavor("xgboost", "ubj", model_class="xgboost.sklearn.XGBClassifier")
BOOSTER = of_flavor("xgboost", "ubj", model_class="xgboost.core.Booster")
LIGHTGBM = of_flavor("lightgbm", "lgb")
PICKLED_LIGHTGBM = replace(SKOPS, info=ModelInfo("lightgbm", "model.pkl", "cloudpickle"))
ONNX = of_flavor("onnx", "onnx")
# What MLflow 3.17 writes for models of these flavors, in an environment with everything.
GUESSES = (
    *("mlflow==3.17.2", "numpy==2.4.6", "pandas==3.1.1", "rich==15.0.0", "scipy==1.17.1"),
    *("scikit-learn==1.9.1", "psutil==7.0", "pyarrow==25.0.1", "matplotlib==3.10"),
)


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
    kept, _ = sort_out(
        replace(SKOPS, info=replace(SKOPS.info, code_path="code", logged_executes_code=True)),
        "zipp==4.1.2",
    )

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
        PICKLE, info=replace(PICKLE.info, flavor="onnx"), requirements=("pyarrow==25.0.1",)
    )
    requirements = inference_requirements(spec, with_parquet=True)

    assert requirements.kept == ("pyarrow==25.0.1",)
    assert requirements.parquet_reader is None


def test_a_skops_model_needs_none_of_what_skops_writes_reports_with() -> None:
    skops = replace(SKOPS, requirements=("scikit-learn==1.7.2", "skops==0.16.0"))
    assert [drop.requirement for drop in inference_requirements(skops).excluded] == ["prettytable"]

    pickle = replace(PICKLE, requirements=("scikit-learn==1.7.2", "skops==0.16.0"))
    assert inference_requirements(pickle).excluded == ()


@pytest.mark.parametrize(
    ("spec", "own", "kept"),
    [
        (XGBOOST, ("xgboost==3.4.1",), {"numpy", "pandas", "scipy", "scikit-learn", "xgboost"}),
        (BOOSTER, ("xgboost==3.4.1",), {"numpy", "pandas", "scipy", "xgboost"}),
        (LIGHTGBM, ("lightgbm==4.7.0",), {"numpy", "pandas", "scipy", "scikit-learn", "lightgbm"}),
        (ONNX, ("onnx==1.23.2", "onnxruntime==1.31.1"), {"numpy", "pandas", "onnxruntime"}),
    ],
    ids=["xgboost", "booster", "lightgbm", "onnx"],
)
def test_a_file_of_data_keeps_what_its_library_reads_it_with(
    spec: ModelSpec, own: tuple[str, ...], kept: set[str]
) -> None:
    found, dropped = sort_out(spec, *GUESSES, *own)

    assert {line.partition("==")[0] for line in found} == kept
    assert set(found) | set(dropped) == {*GUESSES, *own}


def test_nothing_is_guessed_away_from_a_class_of_the_models_own() -> None:
    info = replace(XGBOOST.info, logged_executes_code=True)
    kept, _ = sort_out(replace(XGBOOST, info=info), "xgboost==3.4.1", "psutil==7.0")

    assert kept == ["xgboost==3.4.1", "psutil==7.0"]


def test_a_pickled_lightgbm_model_sheds_what_drew_its_plots() -> None:
    kept, _ = sort_out(
        PICKLED_LIGHTGBM, "lightgbm==4.7.0", "matplotlib==3.10", "psutil==7.0", "pyarrow"
    )

    assert kept == ["lightgbm==4.7.0", "psutil==7.0"]


def test_a_lightgbm_model_in_skops_format_trusts_the_standard_library() -> None:
    trusted = ("collections.OrderedDict", "lightgbm.basic.Booster")
    info = replace(DATA, flavor="lightgbm", serialization_format="skops", trusted_types=trusted)
    kept, _ = sort_out(replace(LIGHTGBM, info=info), "lightgbm==4.7.0", "skops==0.16.0", *GUESSES)

    assert "rich==15.0.0" not in kept
    assert {"lightgbm==4.7.0", "skops==0.16.0", "scikit-learn==1.9.1"} <= set(kept)


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("xgboost==3.4.1", "xgboost-cpu==3.4.1"),
        ("xgboost==2.1.1", "xgboost-cpu==2.1.1"),
        ("XGBoost", "xgboost-cpu"),
        ("xgboost>=2,<4", "xgboost-cpu<4,>=2"),
        ("xgboost>=3.1,<4", "xgboost-cpu<4,>=3.1"),
        ("xgboost==3.*", "xgboost-cpu==3.*"),
        ("xgboost[plotting]~=3.0; python_version > '3'", None),
        ("onnxruntime-gpu==1.26.0", "onnxruntime==1.26.0"),
    ],
)
def test_what_lambda_cannot_use_is_replaced_by_the_same_version_for_the_cpu(
    line: str, instead: str | None
) -> None:
    requirements = inference_requirements(replace(PICKLE, requirements=(line, "scipy==1.17.1")))

    (replacement,) = requirements.replaced
    instead = instead or 'xgboost-cpu[plotting]~=3.0; python_version > "3"'
    assert (replacement.requirement, replacement.replacement) == (line, instead)
    assert replacement.reason
    assert instead in requirements.lines
    assert line not in requirements.lines
    assert {line, "scipy==1.17.1"} <= set(requirements.recorded_lines)


@pytest.mark.parametrize(
    "line",
    [
        "xgboost==2.1.0",
        "xgboost<2",
        "xgboost===old",
        "xgboost @ https://example.org/xgboost-3.4.1-py3-none-any.whl",
        "scikit-learn==1.9.1",
    ],
)
def test_what_has_no_twin_for_the_cpu_stays(line: str) -> None:
    requirements = inference_requirements(replace(PICKLE, requirements=(line,)))

    assert requirements.replaced == ()
    assert line in requirements.lines


def test_both_names_of_xgboost_become_one() -> None:
    """MLflow records both where the smaller one is installed."""
    both = replace(XGBOOST, requirements=("xgboost-cpu==3.2.0", "xgboost==3.2.0"))
    requirements = inference_requirements(both)

    assert [line for line in requirements.lines if "xgboost" in line] == ["xgboost-cpu==3.2.0"]


def test_a_package_that_wants_the_replaced_one_does_not_bring_it_back() -> None:
    requirements = inference_requirements(replace(XGBOOST, requirements=("xgboost==3.4.1",)))

    assert [drop.requirement for drop in requirements.excluded] == ["xgboost"]


@pytest.mark.parametrize(("others", "count"), [((), 2), (("torch==2.13.0",), 0)])
def test_nccl_does_not_come_with_xgboost_alone(others: tuple[str, ...], count: int) -> None:
    spec = replace(PICKLE, requirements=("xgboost==2.1.0", *others))
    names = [drop.requirement for drop in inference_requirements(spec).excluded]

    assert len([name for name in names if name.startswith("nvidia-nccl")]) == count


def test_onnx_runtime_comes_without_what_only_its_tools_want() -> None:
    spec = replace(ONNX, requirements=("onnxruntime==1.23.2", "onnx==1.19.1"))
    names = {drop.requirement for drop in inference_requirements(spec).excluded}

    assert names == {"coloredlogs", "flatbuffers", "packaging", "protobuf", "sympy"}


@pytest.mark.parametrize(
    ("others", "added"),
    [((), ["scikit-learn"]), (("scikit-learn==1.9.1",), []), (("xgboost==3.4.1",), [])],
)
def test_lightgbm_never_comes_without_a_wheel_that_has_its_openmp_library(
    others: tuple[str, ...], added: list[str]
) -> None:
    requirements = inference_requirements(
        replace(PICKLED_LIGHTGBM, requirements=("lightgbm==4.7.0", "cloudpickle==3.1.3", *others))
    )

    assert [item.requirement for item in requirements.added] == added
    assert set(added) <= set(requirements.lines)


def test_a_cloudpickle_of_which_only_mlflow_required_the_reader_brings_it() -> None:
    spec = replace(PICKLED_LIGHTGBM, requirements=("mlflow==1.30", "lightgbm", "scikit-learn"))
    requirements = inference_requirements(spec)

    assert [item.requirement for item in requirements.added] == ["cloudpickle"]
