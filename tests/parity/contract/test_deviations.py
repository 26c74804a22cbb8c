"""Where we answer otherwise than MLflow, on purpose: each is kinder to the client."""

from typing import TYPE_CHECKING

import pytest

from handler.errors import HandlerError

from .requests import Request
from .test_against_mlflow import ask_mlflow, ask_us

if TYPE_CHECKING:
    from collections.abc import Callable

    from .models import Pair

pytestmark = pytest.mark.filterwarnings("ignore")

ROW = b'{"dataframe_split": {"columns": ["x0", "x1", "x2", "x3"], "data": [[1, 2, 3, 4]]}}'


def test_missing_content_type_is_json_where_mlflow_fails(pairs: "Callable[[str], Pair]") -> None:
    pair = pairs("forest")
    reply = pair.mlflow.post("/invocations", content=ROW)
    assert reply.status_code == 500
    assert pair.scorer.score(ROW, None).body.startswith(b'{"predictions": [')


@pytest.mark.parametrize(
    "content_type",
    ["Application/JSON", "application/json;", 'application/json; Charset="utf-8"'],
)
def test_content_type_is_read_as_rfc_9110_says(
    pairs: "Callable[[str], Pair]", content_type: str
) -> None:
    request = Request("forest", ROW, content_type)
    assert ask_mlflow(pairs("forest"), request)[0] == 415
    assert ask_us(pairs("forest"), request)[0] == 200


def test_body_that_mlflow_cannot_survive_is_a_clients_error(pairs: "Callable[[str], Pair]") -> None:
    for body in (b'{"inputs": ' + b"[" * 100_000, b'{"inputs": ' + b"9" * 5_000 + b"}"):
        request = Request("forest", body)
        assert ask_mlflow(pairs("forest"), request)[0] == 500
        assert ask_us(pairs("forest"), request)[0] == 400


def test_errors_hold_neither_the_payload_nor_a_traceback(pairs: "Callable[[str], Pair]") -> None:
    secret = b'{"dataframe_records": [{"x0": "secret", "x1": 1, "x2": 2, "x3": 3}]}'
    for body, content_type in ((secret, "application/json"), (b"x0\nsecret\n", "text/csv")):
        reply = pairs("forest").mlflow.post(
            "/invocations", content=body, headers={"Content-Type": content_type}
        )
        assert "secret" in reply.text
        with pytest.raises(HandlerError) as caught:
            pairs("forest").scorer.score(body, content_type)
        answer = caught.value.to_json()
        assert b"secret" not in answer
        assert b"Traceback" not in answer
