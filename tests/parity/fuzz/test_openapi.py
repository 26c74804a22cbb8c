from collections.abc import Callable

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from .models import MODELS, Function

CASES = 40
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
OPERATIONS = [
    *(("/invocations", "POST", mode) for mode in GenerationMode),
    *(
        (path, method, GenerationMode.POSITIVE)
        for path in ("/ping", "/health")
        for method in ("GET", "HEAD")
    ),
    ("/version", "GET", GenerationMode.POSITIVE),
]

pytestmark = pytest.mark.filterwarnings("ignore")  # as in production; numpy warns of overflows


@pytest.mark.parametrize("model", MODELS)
def test_the_document_is_valid_openapi(functions: Callable[[str], Function], model: str) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", functions(model).app)
    schema.validate()
    assert schema.raw_schema["openapi"] == "3.1.0"
    assert set(schema) == {"/invocations", "/ping", "/health", "/version"}


@pytest.mark.parametrize("model", ["features", "tensor"])
@pytest.mark.parametrize(("path", "method", "mode"), OPERATIONS)
def test_answers_are_as_documented(
    functions: Callable[[str], Function], model: str, path: str, method: str, mode: GenerationMode
) -> None:
    operation = schemathesis.openapi.from_asgi("/openapi.json", functions(model).app)[path][method]
    statuses: set[int] = set()

    @settings(
        max_examples=CASES if path == "/invocations" else 1,
        database=None,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def attempt(case: schemathesis.Case) -> None:
        response = case.call()
        statuses.add(response.status_code)
        case.validate_response(response, checks=CHECKS)

    attempt()
    assert 200 in statuses if mode is GenerationMode.POSITIVE else 400 in statuses
