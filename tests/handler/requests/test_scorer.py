import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from handler.errors import (
    ConfigError,
    MalformedRequest,
    PredictionError,
    SignatureMismatch,
    TypeHintMismatch,
)
from handler.manifest import ModelInfo
from handler.requests.scorer import Scorer
from tests.support.scorers import Recorder, column, scorer, tensor


class Broken:
    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        raise ValueError("secret in /var/task/model.py")


class Refusing:
    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        raise MalformedRequest("The picture is too small.")


@pytest.mark.parametrize(
    ("inputs", "request_body", "rows"),
    [
        ([column("double", "x")], {"dataframe_records": [{"x": 1}, {"x": 2}]}, 2),
        ([column("double", "x")], {"inputs": {"x": 1}}, 1),
        ([tensor("float64", [-1, 2])], {"inputs": [[1, 2], [3, 4], [5, 6]]}, 3),
        ([tensor("float64", [-1], "a")], {"inputs": {"a": [1, 2]}}, 2),
        ([], {"inputs": []}, 0),
        ([], {"inputs": 5}, None),
        ([], {"prompt": "hi"}, None),
    ],
)
def test_result_counts_the_rows_of_the_input(
    inputs: list[dict[str, Any]], request_body: dict[str, Any], rows: int | None
) -> None:
    result = scorer(Recorder([0]), *inputs).score(json.dumps(request_body).encode(), None)
    assert result.rows == rows


def test_model_that_raises_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    target = scorer(Broken(), column("double", "x"))
    with pytest.raises(PredictionError) as caught:
        target.score(b'{"dataframe_records": [{"x": 1}]}', "application/json")
    assert "ValueError" in caught.value.message
    assert "secret" not in caught.value.message
    assert (caught.value.status, caught.value.error_code) == (400, "BAD_REQUEST")
    assert "secret in /var/task/model.py" in caplog.text


def test_error_that_a_model_means_for_the_caller_is_passed_on() -> None:
    with pytest.raises(MalformedRequest, match="too small"):
        scorer(Refusing()).score(b'{"inputs": 1}', None)


def test_signature_is_enforced_before_params() -> None:
    params = [{"name": "k", "default": 1.0, "shape": None, "type": "double"}]
    target = scorer(Recorder(), column("double", "x"), params=params)
    with pytest.raises(SignatureMismatch, match="it lacks 'x'"):
        target.score(b'{"dataframe_records": [{}], "params": {"k": "bad"}}', None)


@pytest.mark.parametrize(
    "item", [{"type": "decimal"}, {"name": "x"}, {"type": "array"}, {"type": "tensor"}]
)
def test_unreadable_signature_is_found_at_start(item: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="signature cannot be read"):
        scorer(Recorder(), item)


def test_signatures_of_mlflow_1_without_required_are_read() -> None:
    target = scorer(Recorder([1]), {"type": "double", "name": "x"})
    assert target.score(b'{"inputs": {"x": [1]}}', None).body == b'{"predictions": [1]}'
    with pytest.raises(SignatureMismatch, match="it lacks 'x'"):
        target.score(b'{"inputs": {"y": [1]}}', None)


def test_answer_of_an_array_model_is_written_whole() -> None:
    model = Recorder(np.array([[0.25, 0.75]]))
    body = scorer(model, tensor("float64", [-1, 1])).score(b'{"inputs": [[1]]}', None).body
    assert body == b'{"predictions": [[0.25, 0.75]]}'


HINTED = ModelInfo(
    "pyfunc",
    "",
    "cloudpickle",
    signature={"inputs": [column("double")], "outputs": None, "params": None},
    is_signature_from_type_hint=True,
)


@pytest.mark.parametrize(
    ("body", "data"),
    [
        ({"inputs": ["1", 2, {"a": None}]}, ["1", 2, {"a": None}]),
        ({"inputs": [], "instances": [1]}, []),
        ({"messages": ["hi"]}, {"messages": ["hi"]}),
    ],
)
def test_a_type_hinted_model_gets_the_json_as_it_is(body: dict[str, Any], data: Any) -> None:
    model = Recorder()
    Scorer(model, HINTED).score(json.dumps(body).encode(), "application/json")
    assert model.data == data


def test_a_type_hinted_model_gets_the_frame_of_a_csv_unchecked() -> None:
    model = Recorder()
    Scorer(model, replace(HINTED, signature=None)).score(b"a,b\n1,x\n", "text/csv")
    assert model.data.to_dict("list") == {"a": [1], "b": ["x"]}


@pytest.mark.parametrize("body", [b'{"dataframe_records": []}', b'{"instances": [1]}', b"{}"])
def test_a_type_hinted_model_takes_inputs_alone(body: bytes) -> None:
    with pytest.raises(TypeHintMismatch, match="key inputs") as caught:
        Scorer(Recorder(), HINTED).score(body, None)
    codes = (caught.value.error_code, caught.value.sqlstate)
    assert codes == ("INVALID_PARAMETER_VALUE", "KAM00")


def test_details_of_the_signature_can_be_kept_from_the_caller() -> None:
    info = replace(
        HINTED,
        is_signature_from_type_hint=False,
        signature={"inputs": [column("double", "income")], "outputs": None, "params": None},
    )
    for hides in (False, True):
        with pytest.raises(SignatureMismatch) as caught:
            Scorer(Recorder(), info, hides_schema_details=hides).score(b'{"inputs": [{}]}', None)
        assert ("income" in caught.value.message) is not hides


def test_importing_the_scoring_code_imports_no_library() -> None:
    code = "import handler.requests.scorer, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"sklearn", "pandas", "numpy", "mlflow", "yaml", "boto3", "fastapi"}
    assert not heavy & set(done.stdout.split())
