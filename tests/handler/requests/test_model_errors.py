import json
from typing import Any

import pytest

from handler.errors import HandlerError
from handler.requests.scorer import Scorer
from tests.support.scorers import scorer

pytestmark = pytest.mark.filterwarnings("ignore")  # MLflow warns about itself when imported


class Raising:
    """A model that refuses everything."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        raise self._error


def refusal_of(model: Scorer) -> tuple[int, Any]:
    with pytest.raises(HandlerError) as caught:
        model.score(b'{"inputs": [1]}', None)
    return caught.value.status, json.loads(caught.value.to_json())


def test_a_models_own_error_keeps_its_status_and_keys() -> None:
    from mlflow.exceptions import MlflowException
    from mlflow.protos.databricks_pb2 import RESOURCE_DOES_NOT_EXIST

    error = MlflowException("no such shop", RESOURCE_DOES_NOT_EXIST, shop={7})

    assert refusal_of(scorer(Raising(error))) == (
        404,
        {
            "error_code": "RESOURCE_DOES_NOT_EXIST",
            "message": "no such shop",
            "sqlstate": "KAM00",
            "error_class": "RESOURCE_NOT_FOUND",
            "shop": "{7}",
        },
    )


def test_a_models_own_error_of_an_old_mlflow_is_passed_on() -> None:
    from mlflow.exceptions import MlflowException

    error = MlflowException.invalid_parameter_value("too small")
    del error.sqlstate, error.error_class
    status, body = refusal_of(scorer(Raising(error)))

    assert status == 400
    assert (body["error_code"], body["message"]) == ("INVALID_PARAMETER_VALUE", "too small")


def test_any_other_error_of_a_model_tells_its_type_alone() -> None:
    status, body = refusal_of(scorer(Raising(KeyError("secret"))))

    assert (status, body["error_code"]) == (400, "BAD_REQUEST")
    assert "KeyError" in body["message"]
    assert "secret" not in body["message"]


def test_a_module_that_the_function_lacks_is_no_fault_of_the_request() -> None:
    """A 400 would not ring the alarm, and no request can be answered."""

    class Importing:
        def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
            import there_is_no_such_module  # type: ignore[import-not-found] # noqa: F401

    status, body = refusal_of(scorer(Importing()))

    assert (status, body["error_code"]) == (500, "INTERNAL_ERROR")
    assert "'there_is_no_such_module'" in body["message"]
