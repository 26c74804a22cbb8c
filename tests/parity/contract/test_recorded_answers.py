"""What MLflow 3.18 answered once, and what we answer: the same, or a deviation that is listed."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.parity.differential.deviations import DEVIATIONS
from tests.parity.differential.exchange import Answer, Request
from tests.support.commands import ROOT

from .deviations import PROVED_BY, RECORDED
from .replay import Record, Reply, differences, records

if TYPE_CHECKING:
    from collections.abc import Callable

# MLflow and the libraries under it warn about themselves; only the answers matter here.
# One worker loads the models.
pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.xdist_group("recorded")]

NUMBERS = {record_id: number for number, ids in RECORDED.items() for record_id in ids}
BY_NUMBER = {deviation.number: deviation for deviation in DEVIATIONS}


@pytest.fixture(scope="module")
def ask() -> "Callable[[Record], Reply]":
    """Put a recorded request to our app; a model is loaded once."""
    from . import served

    clients = {}

    def asking(record: Record) -> Reply:
        key = (record.model, *sorted(record.env.items()))
        if key not in clients:
            clients[key] = served.serve(record.model, record.env)
        return served.ask(clients[key], record)

    return asking


@pytest.mark.parametrize(
    "record", [r for r in records() if r.id not in NUMBERS], ids=lambda record: record.id
)
def test_we_answer_what_mlflow_answered(record: Record, ask: "Callable[[Record], Reply]") -> None:
    assert differences(record, ask(record)) == []


@pytest.mark.parametrize(
    "record", [r for r in records() if r.id in NUMBERS], ids=lambda record: record.id
)
def test_we_deviate_only_as_listed(record: Record, ask: "Callable[[Record], Reply]") -> None:
    reply = ask(record)

    assert differences(record, reply), "it does not deviate any more: take it off the list"
    request = Request(
        record.content or b"", record.headers.get("content-type"), record.method, record.path
    )
    theirs = Answer(record.status, record.content_type, (record.answer or "").encode())
    ours = Answer(reply.status, reply.content_type, reply.body.encode())
    assert BY_NUMBER[NUMBERS[record.id]].explains(request, theirs, ours)


def test_every_listed_record_exists() -> None:
    assert set(NUMBERS) <= {record.id for record in records()}


@pytest.mark.parametrize("name", [name for names in PROVED_BY.values() for name in names])
def test_every_test_that_proves_a_deviation_exists(name: str) -> None:
    file, _, test = name.partition("::")
    assert f"def {test}(" in (ROOT / file).read_text()


def test_the_document_lists_these_deviations_and_no_others() -> None:
    text = Path(ROOT / "docs" / "mlflow-compatibility.md").read_text()
    rows = [int(number) for number in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)]

    assert rows == sorted({*BY_NUMBER, *PROVED_BY})
