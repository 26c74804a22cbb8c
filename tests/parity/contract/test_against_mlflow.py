"""The same request to MLflow's own scoring server and to ours: the same answer.

Judged by the MLflow of the development environment, status for status, error code for error
code, and number for number. Where we differ on purpose is `test_deviations.py`.
"""

import json
import math
from typing import TYPE_CHECKING, Any

import pytest

from handler.errors import HandlerError

from .requests import REQUESTS, Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from .models import Pair

# MLflow and the libraries under it warn about themselves; only its answers matter here.
pytestmark = pytest.mark.filterwarnings("ignore")


def ask_mlflow(pair: "Pair", request: Request) -> tuple[int, Any]:
    reply = pair.mlflow.post(
        "/invocations", content=request.body, headers={"Content-Type": request.content_type}
    )
    if not reply.headers["content-type"].startswith("application/json"):
        return reply.status_code, None
    return reply.status_code, _relevant(reply.json())


def ask_us(pair: "Pair", request: Request) -> tuple[int, Any]:
    try:
        result = pair.scorer.score(request.body, request.content_type)
    except HandlerError as error:
        return error.status, _relevant(json.loads(error.to_json()))
    return 200, json.loads(result.body)


def _relevant(answer: Any) -> Any:
    if isinstance(answer, dict) and "error_code" in answer:
        return {key: answer[key] for key in ("error_code", "sqlstate", "error_class")}
    return answer


def _same(ours: Any, theirs: Any) -> bool:
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, dict):
        return list(ours) == list(theirs) and all(_same(ours[key], theirs[key]) for key in ours)
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(_same, ours, theirs))
    return ours == theirs or (isinstance(ours, float) and math.isnan(ours) and math.isnan(theirs))


@pytest.mark.parametrize("request_case", REQUESTS, ids=str)
def test_we_answer_as_mlflow_does(request_case: Request, pairs: "Callable[[str], Pair]") -> None:
    pair = pairs(request_case.model)
    status, theirs = ask_mlflow(pair, request_case)
    our_status, ours = ask_us(pair, request_case)
    assert our_status == status, (ours, theirs)
    # A 415 is plain text there.
    assert theirs is None or _same(ours, theirs), (ours, theirs)
