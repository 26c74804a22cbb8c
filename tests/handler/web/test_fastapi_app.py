import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from mangum import Mangum

from handler.errors import ModelFetchError
from handler.fetch.fetch import fetch_model
from handler.host.model import ModelHost
from handler.loaders.load import load_model
from handler.requests.scorer import Scorer
from handler.telemetry import Telemetry
from handler.web.asgi import AsgiApp
from tests.handler.conftest import Bundle, Log

ROWS = {"dataframe_split": {"columns": ["x0", "x1"], "data": [[1.5, 2.0], [-3.0, 1.0]]}}


class Predictor:
    """A model that runs a function of the test."""

    def __init__(self, predict: Callable[[Any], Any]) -> None:
        self._predict = predict

    def predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        return self._predict(data)


@pytest.fixture
def bundle(
    sklearn_bundle: Callable[[str], Bundle], write_task_root: Callable[[Bundle], Path]
) -> Bundle:
    bundle = sklearn_bundle("embedded")
    write_task_root(bundle)
    return bundle


@contextmanager
def serving(
    bundle: Bundle, load: Callable[[], Any], telemetry: Telemetry, timeout_s: float | None = None
) -> Iterator[TestClient]:
    config = replace(bundle.config, request_timeout_s=timeout_s)
    host = ModelHost(load, telemetry=telemetry)
    app = AsgiApp(host, bundle.manifest, config, telemetry)
    with TestClient(app, follow_redirects=False) as client:
        yield client


@pytest.fixture
def client(bundle: Bundle, telemetry: Telemetry) -> Iterator[TestClient]:
    model = bundle.manifest.model

    def load() -> Scorer:
        return Scorer(load_model(fetch_model(bundle.manifest, bundle.config), model), model)

    with serving(bundle, load, telemetry) as client:
        yield client


def scorer_of(bundle: Bundle, predict: Callable[[Any], Any]) -> Scorer:
    return Scorer(Predictor(predict), bundle.manifest.model)


@pytest.mark.parametrize("path", ["/invocations", "/invocations/"])
def test_a_scoring_request_is_answered(client: TestClient, path: str) -> None:
    response = client.post(path, json=ROWS)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {"predictions": [1, 0]}


def test_csv_is_answered(client: TestClient) -> None:
    response = client.post(
        "/invocations", content="x0,x1\n1.5,2.0\n", headers={"content-type": "text/csv"}
    )
    assert response.json() == {"predictions": [1]}


@pytest.mark.parametrize("path", ["/ping", "/health", "/ping/", "/health/"])
def test_a_health_check_is_answered_as_mlflow_does(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.text == "\n"


@pytest.mark.parametrize("path", ["/ping", "/health"])
def test_a_health_check_by_head_succeeds(client: TestClient, path: str) -> None:
    assert client.head(path).status_code == 200


@pytest.mark.parametrize("path", ["/version", "/version/"])
def test_the_version_is_that_of_the_protocol(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.text == "3.18.0"


def test_a_wrong_method_names_the_right_one(client: TestClient) -> None:
    response = client.get("/invocations")
    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert response.json() == {"detail": "Method Not Allowed"}


@pytest.mark.parametrize("path", ["/", "/predict", "/invocations/x"])
def test_an_unknown_path_is_not_found(client: TestClient, path: str) -> None:
    response = client.post(path, json=ROWS)
    assert response.status_code == 404
    assert response.json() == {"detail": "Not Found"}


def test_the_documentation_shows_the_models_own_example(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    content = document["paths"]["/invocations"]["post"]["requestBody"]["content"]
    example = content["application/json"]["example"]
    assert client.post("/invocations", json=example).status_code == 200
    assert sorted(document["paths"]) == ["/health", "/invocations", "/ping", "/version"]
    assert "/openapi.json" in client.get("/docs").text


def test_the_documentation_tells_no_signature_that_is_to_be_hidden(
    bundle: Bundle, telemetry: Telemetry
) -> None:
    host = ModelHost(lambda: scorer_of(bundle, len), telemetry=telemetry)
    config = replace(bundle.config, hides_schema_details=True)
    with TestClient(AsgiApp(host, bundle.manifest, config, telemetry)) as client:
        assert "x0" not in client.get("/openapi.json").text


def test_the_documentation_needs_no_manifest(bundle: Bundle, telemetry: Telemetry) -> None:
    host = ModelHost(lambda: scorer_of(bundle, len), telemetry=telemetry)
    app = AsgiApp(host, None, bundle.config, telemetry)
    assert "/invocations" in TestClient(app).get("/openapi.json").json()["paths"]


@pytest.mark.parametrize(
    ("body", "content_type", "status", "error_code"),
    [
        (b"{", "application/json", 400, "BAD_REQUEST"),
        (b"", "application/json", 400, "BAD_REQUEST"),
        (b"\xff\xfe\xfa", "application/json", 400, "BAD_REQUEST"),
        (b"{}", "text/html", 415, "BAD_REQUEST"),
        (
            b'{"dataframe_split": {"columns": ["x0"], "data": [[1]]}}',
            "application/json",
            400,
            "INVALID_PARAMETER_VALUE",
        ),
    ],
)
def test_a_wrong_request_gets_an_error_in_mlflows_shape(
    client: TestClient, body: bytes, content_type: str, status: int, error_code: str, log: Log
) -> None:
    headers = {"content-type": content_type}
    response = client.post("/invocations", content=body, headers=headers)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/json"
    assert set(response.json()) == {"error_code", "message", "sqlstate", "error_class"}
    assert response.json()["error_code"] == error_code
    assert log.of("invocation")[0]["error_code"] == error_code


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/invocations"), ("GET", "/ping"), ("GET", "/health")]
)
def test_a_model_that_is_not_there_is_a_503_that_names_no_bucket(
    bundle: Bundle, telemetry: Telemetry, log: Log, method: str, path: str
) -> None:
    def load() -> Scorer:
        raise ModelFetchError("no access to s3://our-bucket/key")

    with serving(bundle, load, telemetry) as client:
        response = client.request(method, path, json=ROWS)
        assert response.status_code == 503
        assert response.headers["content-type"] == "application/json"
        assert response.headers["retry-after"] == "1"
        assert response.json()["error_code"] == "TEMPORARILY_UNAVAILABLE"
        assert "could not be fetched" in response.json()["message"]
        assert "our-bucket" not in response.text
        assert "our-bucket" in log.of("model_failed")[0]["message"]
        assert client.get("/version").status_code == 200


def test_a_health_check_heals_the_model(bundle: Bundle, telemetry: Telemetry, log: Log) -> None:
    outcomes: list[Any] = [ModelFetchError("down"), scorer_of(bundle, len)]

    def load() -> Scorer:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    with serving(bundle, load, telemetry) as client:
        assert [client.get("/ping").status_code for _ in range(2)] == [503, 200]
    assert len(log.of("model_recovered")) == 1


def failing(data: Any) -> Any:
    raise ValueError("value secret-1 cannot be used")


def test_a_model_that_raises_keeps_its_traceback_in_the_log(
    bundle: Bundle, telemetry: Telemetry, log: Log
) -> None:
    with serving(bundle, lambda: scorer_of(bundle, failing), telemetry) as client:
        response = client.post("/invocations", json=ROWS)
    assert response.status_code == 400
    assert "Traceback" not in response.text
    assert ".py" not in response.text
    trace = "\n".join(log.of("invocation")[0]["error"])
    assert "builtins.ValueError" in trace
    assert "test_fastapi_app.py" in trace
    assert "secret-1" not in log.text


class BrokenScorer:
    """A bug in our own code."""

    def score(self, body: bytes, content_type: str | None) -> Any:
        raise KeyError("secret-2")


def test_an_unexpected_error_is_a_500_without_detail(
    bundle: Bundle, telemetry: Telemetry, log: Log
) -> None:
    with serving(bundle, BrokenScorer, telemetry) as client:
        response = client.post("/invocations", json=ROWS)
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/json"
    assert response.json()["error_code"] == "INTERNAL_ERROR"
    assert "secret-2" not in response.text
    assert "KeyError" not in response.text
    (line,) = log.of("invocation")
    assert line["level"] == "ERROR"
    assert "builtins.KeyError" in line["error"]


def test_a_request_that_takes_too_long_is_a_504(bundle: Bundle, telemetry: Telemetry) -> None:
    release = threading.Event()

    def predict(data: Any) -> Any:
        release.wait(30)
        return [0]

    with serving(bundle, lambda: scorer_of(bundle, predict), telemetry, 0.05) as client:
        response = client.post("/invocations", json=ROWS)
        release.set()
    assert response.status_code == 504
    assert response.json()["error_code"] == "DEADLINE_EXCEEDED"
    assert response.json()["message"] == "Request processing time exceeded limit"


def test_a_request_in_time_is_answered(bundle: Bundle, telemetry: Telemetry) -> None:
    with serving(bundle, lambda: scorer_of(bundle, lambda data: [7]), telemetry, 30) as client:
        assert client.post("/invocations", json=ROWS).json() == {"predictions": [7]}


def test_a_local_server_answers_ping_while_it_predicts(
    bundle: Bundle, telemetry: Telemetry
) -> None:
    predicting, release = threading.Event(), threading.Event()

    def predict(data: Any) -> Any:
        predicting.set()
        return [int(release.wait(10))]

    with serving(bundle, lambda: scorer_of(bundle, predict), telemetry) as client:
        answers: list[Any] = []
        request = threading.Thread(
            target=lambda: answers.append(client.post("/invocations", json=ROWS).json())
        )
        request.start()
        assert predicting.wait(10)
        assert client.get("/ping").status_code == 200
        release.set()
        request.join(10)
    assert answers == [{"predictions": [1]}]


def test_on_lambda_the_model_runs_in_the_main_thread(
    bundle: Bundle, telemetry: Telemetry, http_event: Callable[..., dict[str, Any]]
) -> None:
    threads: list[threading.Thread] = []

    def predict(data: Any) -> Any:
        threads.append(threading.current_thread())
        return [0]

    host = ModelHost(lambda: scorer_of(bundle, predict), telemetry=telemetry)
    app = AsgiApp(host, bundle.manifest, bundle.config, telemetry)
    event = http_event("POST", "/invocations", json.dumps(ROWS))
    answer = Mangum(app, lifespan="off")(event, None)  # type: ignore[arg-type]
    assert answer["statusCode"] == 200
    assert answer["isBase64Encoded"] is False
    assert threads == [threading.current_thread()]


def test_each_request_is_one_log_line_without_its_data(client: TestClient, log: Log) -> None:
    client.post("/invocations?name=secret-3", json=ROWS, headers={"x-name": "secret-4"})
    client.get("/secret-5/secret-6")
    scored, unknown = log.lines
    assert (scored["method"], scored["path"], scored["status"]) == ("POST", "/invocations", 200)
    assert (scored["rows"], scored["kind"], scored["cold_start"]) == (2, "http", True)
    assert scored["score_ms"] >= 0
    assert (unknown["path"], unknown["status"], unknown["cold_start"]) == (None, 404, False)
    assert "secret" not in log.text
    fields = {key: scored[key] for key in scored if key != "timestamp" and key[-3:] != "_ms"}
    assert "1.5" not in json.dumps(fields)


def test_a_client_that_goes_away_is_no_error(
    bundle: Bundle, telemetry: Telemetry, log: Log
) -> None:
    host = ModelHost(lambda: scorer_of(bundle, len), telemetry=telemetry)
    app = AsgiApp(host, bundle.manifest, bundle.config, telemetry)

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        pass

    scope = {"type": "http", "method": "POST", "path": "/invocations", "headers": []}
    asyncio.run(app(scope | {"query_string": b""}, receive, send))
    assert [(line["status"], line["level"]) for line in log.lines] == [(499, "INFO")]
