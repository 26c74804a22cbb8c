"""Sample events: they fit the model they were made from, and look as AWS sends them."""

import base64
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from mangum import Mangum

from handler.errors import MalformedRequest, SignatureMismatch
from handler.manifest import BundleManifest, ModelInfo
from handler.requests.scorer import Scorer
from packager.aws.http_events import GATEWAYS
from packager.bundle.sample_events import sample_events, write_events
from tests.packager.bundle.test_template import ROOT, manifest, render_script

GET_ONLY = [
    "alb-ping",
    "function-url-ping",
    "http-api-health",
    "http-api-ping",
    "http-api-version",
    "rest-api-ping",
]
DOUBLES = [{"type": "double", "name": name, "required": True} for name in ("a", "b")]
SPLIT = {"dataframe_split": {"columns": ["a", "b"], "data": [[0.5, 1.5], [2.5, 3.5], [4.5, 5.5]]}}


class Echo:
    """A predictor that gives back how much it got."""

    def predict(self, data: Any, params: dict[str, Any]) -> Any:
        return [0] * len(data)


def bundle(inputs: list[dict[str, Any]] | None, example: dict[str, Any] | None) -> BundleManifest:
    signature = {"inputs": inputs, "outputs": None, "params": None} if inputs else None
    info = ModelInfo("sklearn", "model.skops", "skops", signature=signature, input_example=example)
    return manifest(model=info)


def column(kind: str, name: str | None = "x", **more: Any) -> dict[str, Any]:
    item = {"type": kind, "required": True, **more}
    return item if name is None else {**item, "name": name}


def tensor(dtype: str, shape: list[int], **more: Any) -> dict[str, Any]:
    return {"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}, **more}


MODELS: dict[str, BundleManifest] = {
    "example": bundle(DOUBLES, SPLIT),
    "records": bundle(DOUBLES, {"dataframe_records": [{"a": 1.5, "b": 2.5}]}),
    "inputs-records": bundle(DOUBLES, {"inputs": [{"a": 1.5, "b": 2.5}]}),
    "null": bundle(
        [*DOUBLES, column("string", "s", required=False)],
        {"dataframe_split": {"columns": ["a", "b", "s"], "data": [[0.5, 1.5, None]]}},
    ),
    "text": bundle(
        [column("string", "s"), column("string", "t")],
        {"dataframe_split": {"columns": ["s", "t"], "data": [["x", "y"], ["z", "w"]]}},
    ),
    "scalars": bundle(
        [
            column(kind, kind)
            for kind in ("boolean", "integer", "long", "float", "double", "string")
        ],
        None,
    ),
    "datetime": bundle([column("datetime")], None),
    "unnamed": bundle([column("double", None), column("double", None)], None),
    "unnamed-example": bundle(
        [column("double", None), column("double", None)], {"inputs": [[0.5, 1.5]]}
    ),
    "array": bundle([column("array", items={"type": "double"})], None),
    "object": bundle(
        [column("object", properties={"p": {"type": "string", "required": True}})], None
    ),
    "tensor": bundle([tensor("float64", [-1, 4])], None),
    "tensor-int": bundle([tensor("int64", [-1, 2, 2])], None),
    "tensor-example": bundle([tensor("float64", [-1, 2])], {"inputs": [[0.5, 1.5], [2.5, 3.5]]}),
    "tensors": bundle([tensor("float32", [-1, 2], name="l"), tensor("bool", [-1], name="r")], None),
    "no-signature": bundle(None, SPLIT),
    "words": bundle([column("string", None)], {"inputs": ["to be", "or not"]}),
    "columns-of-lists": bundle(DOUBLES, {"inputs": {"a": [0.5, 1.5], "b": [2.5, 3.5]}}),
}


def body_of(event: dict[str, Any]) -> bytes:
    body = event["body"].encode()
    return base64.b64decode(body) if event["isBase64Encoded"] else body


def content_type_of(event: dict[str, Any]) -> str:
    return {name.lower(): value for name, value in event["headers"].items()}["content-type"]


@pytest.mark.parametrize("name", MODELS)
def test_the_model_takes_every_sample_but_the_two_wrong_ones(name: str) -> None:
    scorer = Scorer(Echo(), MODELS[name].model)
    events = sample_events(MODELS[name])
    assert {"http-api-inputs", "http-api-dataframe-split"} & set(events)
    for event_name, event in events.items():
        if event_name in GET_ONLY:
            continue
        score = (body_of(event), content_type_of(event))
        if event_name.endswith("malformed-json"):
            with pytest.raises(MalformedRequest):
                scorer.score(*score)
        elif event_name.endswith("missing-column"):
            with pytest.raises(SignatureMismatch):
                scorer.score(*score)
        else:
            assert scorer.score(*score).body.startswith(b'{"predictions"'), event_name


def test_every_gateway_and_every_format_is_there() -> None:
    formats = ["dataframe-split", "dataframe-records", "instances", "inputs"]
    variants = ["base64", "csv", "malformed-json", "missing-column"]
    expected = {f"{gateway}-{name}" for gateway in GATEWAYS for name in formats}
    expected |= {f"http-api-{name}" for name in variants} | set(GET_ONLY)
    assert set(sample_events(MODELS["example"])) == expected


def test_a_model_that_says_nothing_of_its_input_gets_only_get_requests() -> None:
    assert sorted(sample_events(bundle(None, None))) == GET_ONLY


def test_a_chat_model_gets_its_example_as_it_is() -> None:
    chat = {"messages": [{"role": "user", "content": "hi"}]}
    event = sample_events(bundle(None, chat))["function-url-example"]
    assert json.loads(body_of(event)) == chat


def test_a_model_that_checks_its_input_itself_gets_only_its_example() -> None:
    example = {"inputs": [{"city": "Oslo"}, {"city": "Rome"}]}
    hinted = bundle([column("object", None, properties={"city": {"type": "string"}})], example)
    info = dataclasses.replace(hinted.model, is_signature_from_type_hint=True)
    events = sample_events(dataclasses.replace(hinted, model=info))
    names = {f"{gateway}-inputs" for gateway in GATEWAYS}
    assert set(events) == {*GET_ONLY, *names, "http-api-base64", "http-api-malformed-json"}
    assert json.loads(body_of(events["http-api-inputs"])) == example


def test_a_hint_that_was_logged_without_example_is_sampled_from_its_signature() -> None:
    hinted = bundle([column("object", None, properties={"city": {"type": "string"}})], None)
    info = dataclasses.replace(hinted.model, is_signature_from_type_hint=True)
    event = sample_events(dataclasses.replace(hinted, model=info))["http-api-inputs"]
    assert json.loads(body_of(event)) == {"inputs": [{"city": ""}]}


def test_without_signature_a_table_goes_in_the_formats_that_stay_tables() -> None:
    split = {"dataframe_split": {"columns": ["a", "b"], "data": [[0.5, "x"], [1.5, "y"]]}}
    less = {"dataframe_split": {"columns": ["a"], "data": [[0.5], [1.5]]}}
    unsigned = bundle(None, None)
    info = dataclasses.replace(unsigned.model, sample=split, refused_sample=less)
    events = sample_events(dataclasses.replace(unsigned, model=info))
    names = {name.removeprefix("http-api-") for name in events if name.startswith("http-api-")}
    assert names >= {"dataframe-split", "dataframe-records", "csv", "missing-column"}
    assert not names & {"inputs", "instances"}
    assert json.loads(body_of(events["http-api-missing-column"])) == less


def test_without_signature_nothing_can_mismatch() -> None:
    assert "http-api-missing-column" not in sample_events(MODELS["no-signature"])


def test_optional_columns_cannot_be_missed() -> None:
    optional = [dict(item, required=False) for item in DOUBLES]
    assert "http-api-missing-column" not in sample_events(bundle(optional, SPLIT))


@pytest.mark.parametrize("name", ["null", "datetime", "array", "tensor"])
def test_what_csv_cannot_carry_gets_no_csv_event(name: str) -> None:
    assert "http-api-csv" not in sample_events(MODELS[name])


def test_a_long_example_gives_two_rows() -> None:
    body = json.loads(sample_events(MODELS["example"])["http-api-dataframe-split"]["body"])
    assert body["dataframe_split"]["data"] == [[0.5, 1.5], [2.5, 3.5]]


@pytest.mark.parametrize("gateway", GATEWAYS)
def test_mangum_reads_the_request_out_of_every_gateways_event(gateway: str) -> None:
    requests: list[tuple[str, str, bytes, bytes]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        message = await receive()
        headers = dict(scope["headers"])
        requests.append((scope["method"], scope["path"], headers[b"content-type"], message["body"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    event = sample_events(MODELS["example"])[f"{gateway}-inputs"]
    answer = Mangum(app, lifespan="off")(event, {})
    assert answer["statusCode"] == 200
    body = b'{"inputs": {"a": [0.5, 2.5], "b": [1.5, 3.5]}}'
    assert requests == [("POST", "/invocations", b"application/json", body)]


def test_the_stated_length_is_the_bodys() -> None:
    event = sample_events(MODELS["example"])["http-api-base64"]
    assert event["isBase64Encoded"]
    assert int(event["headers"]["content-length"]) == len(body_of(event))


def test_a_get_request_has_no_body() -> None:
    events = sample_events(MODELS["example"])
    assert "body" not in events["http-api-ping"]
    assert events["rest-api-ping"]["body"] is None
    assert events["alb-ping"]["body"] == ""
    assert "content-length" not in events["alb-ping"]["headers"]


def test_no_real_account_appears() -> None:
    text = json.dumps(sample_events(MODELS["example"]))
    assert "123456789012" in text
    assert "203.0.113.10" in text


def test_equal_manifests_give_equal_events() -> None:
    again = dataclasses.replace(MODELS["example"])
    assert json.dumps(sample_events(again)) == json.dumps(sample_events(MODELS["example"]))


def test_events_are_written_one_to_a_file(tmp_path: Path) -> None:
    write_events(MODELS["example"], tmp_path / "events")
    written = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "events").iterdir()}
    assert written == sample_events(MODELS["example"])


def test_the_events_at_the_top_are_the_generated_ones(tmp_path: Path) -> None:
    render_script().render(tmp_path)
    ours = {path.name: path.read_text() for path in (ROOT / "events").glob("*")}
    rendered = {path.name: path.read_text() for path in (tmp_path / "events").glob("*")}
    assert ours == rendered, "run scripts/render_examples.py"
