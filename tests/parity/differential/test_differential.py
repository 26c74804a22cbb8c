"""Generated requests to MLflow's own scoring server and to ours: the same answers, bit for bit.

`make differential` asks many more.
"""

import json
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from .answers import are_same, explanation, faults_of_error
from .catalog import MODELS
from .deviations import DEVIATIONS, Deviation
from .exchange import JSON, Answer, Request
from .judging import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from .duel import Duel
    from .judging import Judge

    Duels = Callable[[str], Duel]

# The libraries under the models warn of odd data; only the answers matter here.
# One worker has them all: a judge takes seconds to start, and thinks on the other core.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.xdist_group("differential")]

EXAMPLES = -(-2000 // len(MODELS))

# What larger runs found.
FOUND = [
    ("mirror_bare", '{"instances": [{"x": {"a": 1}}, {"x": 1.5}]}'),
    ("echo_params", f'{{"inputs": [1.5], "params": {{"single": {10**400}}}}}'),
    ("echo_params", f'{{"inputs": [1.5], "params": {{"day": {10**400}}}}}'),
    ("echo_params", f'{{"inputs": [1.5], "params": {{"point": {{"p": "x", "q": {10**400}}}}}}}'),
    ("echo_params", '{"inputs": [1.5], "params": {"words": [["a"], ["b", "c"]]}}'),
    ("echo_params", '{"inputs": [1.5], "params": {"words": [["a"], ["b"]]}}'),
]


def test_judge_is_the_mlflow_whose_protocol_we_speak(judge: "Judge") -> None:
    assert judge.version == VERSION


@pytest.mark.parametrize("model", MODELS)
def test_generated_requests_get_the_answers_that_mlflow_gives(model: str, duels: "Duels") -> None:
    from .duel import Tally

    chosen = duels(model)
    tally = Tally()

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(request=chosen.requests)
    def check(request: Request) -> None:
        difference = chosen.compare(request, tally)
        assert difference is None, f"\n{difference}"

    check()
    assert tally.count >= EXAMPLES
    assert tally.statuses[200] > EXAMPLES / 10, "too few requests fit the model"


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda deviation: str(deviation.number))
def test_deviation_is_still_one_and_explains_its_example(
    deviation: Deviation, duels: "Duels"
) -> None:
    chosen = duels(deviation.model)
    request = deviation.example
    theirs, ours = chosen.ask_mlflow(request), chosen.ask_us(request)
    assert not are_same(theirs, ours), "no difference any more: remove the deviation"
    assert explanation(request, theirs, ours, chosen.ask_mlflow) is deviation, (theirs, ours)


@pytest.mark.parametrize(("model", "body"), FOUND)
def test_request_that_once_was_answered_differently_is_not_any_more(
    model: str, body: str, duels: "Duels"
) -> None:
    request = Request(body.encode())
    chosen = duels(model)
    theirs, ours = chosen.ask_mlflow(request), chosen.ask_us(request)
    assert are_same(theirs, ours), (theirs, ours)


def test_error_of_ours_holds_no_traceback_and_none_of_the_data(duels: "Duels") -> None:
    secret = {"columns": ["x0", "x1", "x2", "x3"], "data": [["s3cret", 1, 2, 3]]}
    request = Request(json.dumps({"dataframe_split": secret}).encode())
    chosen = duels("classifier")
    assert b"s3cret" in chosen.ask_mlflow(request).body
    answer = chosen.ask_us(request)
    assert b"s3cret" not in answer.body
    assert not faults_of_error(answer)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (b'{"predictions": [1]}', b'{"predictions": [1.0]}'),
        (b'{"predictions": [0.1]}', b'{"predictions": [0.10000000000000002]}'),
        (b'{"predictions": [{"a": 1, "b": 2}]}', b'{"predictions": [{"b": 2, "a": 1}]}'),
        (b'{"predictions": [null]}', b'{"predictions": [NaN]}'),
        (b'{"predictions": [1]}', b'{"predictions": [true]}'),
    ],
)
def test_comparison_sees_types_bits_and_order(theirs: bytes, ours: bytes) -> None:
    assert not are_same(Answer(200, JSON, theirs), Answer(200, JSON, ours))


def test_comparison_of_errors_ignores_the_wording_alone() -> None:
    def answer(status: int = 400, code: str = "BAD_REQUEST", **more: str) -> Answer:
        return Answer(status, JSON, json.dumps({"error_code": code, **more}).encode())

    assert are_same(answer(message="a", stack_trace="b"), answer(message="c"))
    assert not are_same(answer(), answer(code="INVALID_PARAMETER_VALUE"))
    assert not are_same(answer(), answer(status=500))
    assert not are_same(answer(), answer(sqlstate="KAM00"))
    assert not are_same(answer(), Answer(400, "text/plain", answer().body))
