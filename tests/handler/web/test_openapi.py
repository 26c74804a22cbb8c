import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator

from handler.errors import HandlerError
from handler.host.model import ModelHost
from handler.manifest import BundleManifest, ModelInfo, TargetInfo
from handler.requests.scorer import Scorer
from handler.web.asgi import AsgiApp
from handler.web.openapi import build_document
from tests.handler.conftest import Bundle
from tests.support.scorers import Recorder, column, tensor

Request = dict[str, Any]

MIXED = (
    column("string", "city"),
    column("double", "income", required=False),
    column("long", "visits"),
)
NESTED = (
    column("array", "marks", items={"type": "double"}),
    column("object", "point", properties={"p": {"type": "string"}}),
    column("datetime", "when", required=False),
    column("map", "counts", values={"type": "long"}),
    column("any", "free"),
)
NESTED_ROW = {"marks": [1.5], "point": {"p": "x"}, "when": "2026-01-02", "counts": {}, "free": [0]}
NAMED_TENSORS = (tensor("float32", [-1, 2], "a"), tensor("int64", [-1], "b"))
SPLIT = {"columns": ["visits", "city"], "data": [[1, "oslo"]]}


def model_info(*inputs: dict[str, Any], **more: Any) -> ModelInfo:
    signature = {"inputs": list(inputs), "outputs": None, "params": None} | more.pop("also", {})
    return ModelInfo("sklearn", "model.pkl", "pickle", signature=signature, **more)


def document_of(info: ModelInfo, *, has_parquet_reader: bool = False) -> dict[str, Any]:
    manifest = BundleManifest("1.2.3", TargetInfo("python3.12", "arm64"), info, "embedded", None)
    document = build_document(manifest, has_parquet_reader=has_parquet_reader)
    return dict(json.loads(json.dumps(document)))


def validator(document: dict[str, Any], name: str) -> Draft202012Validator:
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    Draft202012Validator.check_schema(document["components"]["schemas"][name])
    return Draft202012Validator(schema)


def is_taken(info: ModelInfo, request: Request) -> bool:
    try:
        Scorer(Recorder(1), info).score(json.dumps(request).encode(), "application/json")
    except HandlerError:
        return False
    return True


@pytest.mark.parametrize(
    ("inputs", "request_body"),
    [
        (MIXED, {"dataframe_split": SPLIT}),
        (MIXED, {"dataframe_split": SPLIT | {"index": ["a"]}}),
        (MIXED, {"dataframe_records": [{"city": "oslo", "income": None, "visits": 1}]}),
        (MIXED, {"inputs": [{"city": "oslo", "income": 1.5, "visits": 1}]}),
        (MIXED, {"inputs": {"city": ["oslo"], "income": [1.5], "visits": [1]}}),
        (MIXED, {"instances": {"city": ["oslo"], "visits": [1]}}),
        (MIXED, {"instances": [{"city": "oslo", "visits": 1}]}),
        (NESTED, {"dataframe_records": [NESTED_ROW]}),
        (NESTED, {"inputs": [NESTED_ROW]}),
        (NESTED, {"inputs": NESTED_ROW}),
        (NESTED, {"instances": NESTED_ROW}),
        ((column("double"), column("double")), {"dataframe_split": {"data": [[1, 2.5]]}}),
        ((column("double"), column("double")), {"inputs": [[1.0, 2.5]]}),
        ((tensor("float64", [-1, 2]),), {"inputs": [[1, 2], [3, 4]]}),
        ((tensor("float64", [-1, 2]),), {"instances": [[1, 2]]}),
        ((tensor("float64", [-1, 2]),), {"dataframe_split": {"data": [[1, 2]]}}),
        ((tensor("str", [-1]),), {"inputs": ["a", "b"]}),
        ((tensor("object", [-1]),), {"inputs": ["a", 1]}),
        (NAMED_TENSORS, {"inputs": {"a": [[1, 2]], "b": [3]}}),
        (NAMED_TENSORS, {"instances": [{"a": [1, 2], "b": 3}]}),
        (
            (tensor("bool", [1], "f"), tensor("uint8", [2], "g")),
            {"inputs": {"f": [True], "g": [1, 2]}},
        ),
        ((), {"inputs": [[1, "a"]]}),
        ((), {"dataframe_split": {"data": [[1, "a"]]}}),
        ((), {"dataframe_records": [{"a": 1}]}),
    ],
)
def test_a_documented_request_is_answered(
    inputs: tuple[dict[str, Any], ...], request_body: Request
) -> None:
    info = model_info(*inputs)
    assert list(validator(document_of(info), "ScoringRequest").iter_errors(request_body)) == []
    assert is_taken(info, request_body)


@pytest.mark.parametrize(
    ("inputs", "request_body"),
    [
        (MIXED, {}),
        (MIXED, {"dataframe_split": SPLIT, "dataframe_records": []}),
        (MIXED, {"dataframe_split": {"columns": ["city"], "data": [["oslo"]]}}),
        (MIXED, {"dataframe_records": [{"city": "oslo"}]}),
        (MIXED, {"dataframe_records": [{"city": "oslo", "visits": "many"}]}),
        (MIXED, {"dataframe_records": [{"city": "oslo", "visits": None}]}),
        (MIXED, {"inputs": {"city": ["oslo"]}}),
        (NESTED, {"dataframe_records": [NESTED_ROW | {"point": {}}]}),
        (NESTED, {"dataframe_records": [NESTED_ROW | {"when": "some day"}]}),
        (NESTED, {"dataframe_records": [NESTED_ROW | {"counts": {"k": "many"}}]}),
        ((tensor("float64", [-1, 2]),), {"inputs": [[1, 2, 3]]}),
        ((tensor("int8", [-1]),), {"inputs": [300]}),
        (NAMED_TENSORS, {"inputs": {"a": [[1, 2]]}}),
    ],
)
def test_what_the_document_forbids_is_refused(
    inputs: tuple[dict[str, Any], ...], request_body: Request
) -> None:
    info = model_info(*inputs)
    assert not validator(document_of(info), "ScoringRequest").is_valid(request_body)
    assert not is_taken(info, request_body)


def test_params_are_documented_with_their_defaults() -> None:
    params = [
        {"name": "k", "type": "double", "default": 0.5, "shape": None},
        {"name": "words", "type": "string", "default": ["a"], "shape": [-1]},
    ]
    document = document_of(model_info(column("double", "x"), also={"params": params}))
    documented = document["components"]["schemas"]["Params"]["properties"]
    assert {name: schema["default"] for name, schema in documented.items()} == {
        "k": 0.5,
        "words": ["a"],
    }
    requests = validator(document, "ScoringRequest")
    body = {"inputs": [{"x": 1.0}], "params": {"k": 2.0, "words": ["b", "c"]}}
    assert requests.is_valid(body)
    assert not requests.is_valid(body | {"params": {"words": "b"}})


@pytest.mark.parametrize(
    ("outputs", "good", "bad"),
    [
        (None, "anything", None),
        ([tensor("int64", [-1])], [1, 0], ["a"]),
        ([tensor("float64", [-1, 2])], [[0.5, 0.5]], [[1.0]]),
        ([tensor("int64", [-1], "a")], {"a": [1]}, [1]),
        ([column("string")], ["a", None], [1]),
        ([column("double", "y")], [{"y": 0.5}], [{"y": "a"}]),
        ([column("double", "y")], [0.5], ["a"]),
        ([column("double", "y"), column("long", "n")], [{"y": 0.5, "n": 1}], [{"n": 0.5}]),
    ],
)
def test_the_answer_is_documented_from_the_outputs(
    outputs: list[dict[str, Any]] | None, good: Any, bad: Any
) -> None:
    document = document_of(model_info(column("double", "x"), also={"outputs": outputs}))
    answers = validator(document, "ScoringAnswer")
    assert answers.is_valid({"predictions": good})
    assert bad is None or not answers.is_valid({"predictions": bad})


def test_the_model_is_named() -> None:
    info = model_info(model_id="m-1", run_id="r-1", mlflow_version="3.18.0")
    described = document_of(info)["info"]
    assert (described["title"], described["version"]) == ("MLflow sklearn model", "m-1")
    for fact in ("r-1", "3.18.0", "1.2.3", "python3.12, arm64"):
        assert fact in described["description"]


def test_the_formats_are_those_that_the_model_can_take() -> None:
    def media_types(info: ModelInfo, **reader: bool) -> list[str]:
        operation = document_of(info, **reader)["paths"]["/invocations"]["post"]
        return list(operation["requestBody"]["content"])

    both = ["application/json", "text/csv"]
    assert media_types(model_info(*MIXED)) == both
    assert media_types(model_info()) == both
    assert media_types(model_info(*NESTED)) == ["application/json"]
    assert media_types(model_info(tensor("float64", [-1, 2]))) == ["application/json"]
    assert media_types(model_info(column("datetime", "t"))) == ["application/json"]
    with_reader = media_types(model_info(*MIXED), has_parquet_reader=True)
    assert with_reader == [*both, "application/vnd.apache.parquet"]


def test_the_example_is_shown_as_json_and_as_csv() -> None:
    example = {"dataframe_split": {"columns": ["city", "visits"], "data": [["oslo, north", 1]]}}
    info = model_info(*MIXED, input_example=example)
    content = document_of(info)["paths"]["/invocations"]["post"]["requestBody"]["content"]
    assert content["application/json"]["example"] == example
    shown = content["text/csv"]["example"]
    assert shown == 'city,visits\n"oslo, north",1\n'
    result = Scorer(Recorder(1), info).score(shown.encode(), "text/csv")
    assert result.rows == 1


def test_errors_are_documented_with_mlflows_fields() -> None:
    document = document_of(model_info(*MIXED))
    responses = document["paths"]["/invocations"]["post"]["responses"]
    assert sorted(responses) == ["200", "400", "415", "500", "503", "504"]
    assert "Retry-After" in responses["503"]["headers"]
    errors = validator(document, "Error")
    for kind in HandlerError.__subclasses__():
        assert errors.is_valid(json.loads(HandlerError.to_json(kind("what happened"))))


def test_a_signature_that_cannot_be_read_is_documented_as_none() -> None:
    document = document_of(model_info({"type": "unheard of", "name": "x"}))
    assert validator(document, "ScoringRequest").is_valid({"inputs": [1]})


def test_the_document_is_made_by_the_first_request_for_it(
    sklearn_bundle: Callable[[str], Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.delitem(sys.modules, "handler.web.openapi")
    bundle = sklearn_bundle("embedded")
    host = ModelHost(lambda: Scorer(Recorder(1), bundle.manifest.model))
    client = TestClient(AsgiApp(host, bundle.manifest, bundle.config))
    assert "handler.web.openapi" not in sys.modules
    first = client.get("/openapi.json").json()
    assert "handler.web.openapi" in sys.modules
    assert client.get("/openapi.json").json() == first
    assert first["info"]["title"] == "MLflow sklearn model"
    assert "swagger-ui" in client.get("/docs").text
