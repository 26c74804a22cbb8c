"""Requests of every form, to a model without a signature and to its compiled twin.

What becomes of each is the library's business, so both are asked them all.
"""

import csv
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from handler.errors import HandlerError
from handler.requests.scorer import Scorer

from .equality import DifferentError

_JSON, _CSV = "application/json", "text/csv"
_ODD_CELLS = (None, True, "1.5", "x", "", float("nan"), float("inf"), -1e39, 2**62 + 1, 2**70, [1])
_ODD_PAYLOADS: tuple[Any, ...] = (
    None,
    1.5,
    "x",
    [],
    {},
    [[]],
    [[None]],
    [{}],
    [1.5, "x"],
    [[[1.5]]],
    {"x": []},
)

Rows = list[list[Any]]
IsTaken = Callable[[dict[str, Any]], bool]
"""Whether the logged model answers a request."""


def compare_answers(logged: Scorer, compiled: Scorer, names: Sequence[str], rows: Rows) -> None:
    """Ask both the same requests, regular ones and others.

    :param names: of the columns; if the model has none, any.
    :param rows: of JSON values that the model takes, at least two.
    :raises DifferentError: a body is not the same to the byte, or one of the two is an error.
    """
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # what refuses a request logs it
    try:

        def is_taken(document: dict[str, Any]) -> bool:
            return _answer(logged, json.dumps(document).encode(), _JSON).startswith(b"{")

        for body, media_type in _requests(list(names), rows, is_taken):
            wanted, found = (_answer(one, body, media_type) for one in (logged, compiled))
            if wanted != found:
                raise DifferentError(
                    f"it answers a request without signature otherwise: {body.decode()[:200]}:"
                    f" {found.decode()[:120]}, the model {wanted.decode()[:120]}"
                )
    finally:
        logging.disable(level)


def _answer(scorer: Scorer, body: bytes, media_type: str) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return scorer.score(body, media_type).body
        except HandlerError as error:
            return f"{error.status} ".encode() + error.to_json()


def _requests(names: list[str], rows: Rows, is_taken: IsTaken) -> Iterator[tuple[bytes, str]]:
    for document in _documents(names, rows, is_taken):
        yield json.dumps(document).encode(), _JSON
    for header in (names, names[::-1], [*names, "more"][1:], names[:-1]):
        yield _csv(header, [row[: len(header)] for row in rows]), _CSV
    yield _csv(names, [[*rows[0][:-1], None], rows[1]]), _CSV
    yield b",".join(name.encode() for name in names), _CSV


def _documents(names: list[str], rows: Rows, is_taken: IsTaken) -> Iterator[dict[str, Any]]:
    for columns, data in _tables(names, rows):
        yield {"dataframe_split": {"columns": columns, "data": data}}
        records = [dict(zip(map(str, columns), row, strict=True)) for row in data]
        for name in ("dataframe_records", "inputs", "instances"):
            yield {name: records}
    yield {"dataframe_records": [dict(zip(names, rows[0], strict=True)), {names[0]: rows[1][0]}]}
    yield {"dataframe_split": {"columns": names, "data": rows, "index": ["a", "b"]}}
    layouts: tuple[Callable[[Any], dict[str, Any]], ...] = (
        lambda data: {"dataframe_split": {"data": data}},
        lambda data: {"inputs": data},
        lambda data: {"instances": data},
    )
    for layout in layouts:
        yield from map(layout, _arrays(rows))
        # Of two faults in one request libraries name either.
        if is_taken(layout(rows)):
            yield from map(layout, _odd(rows))
    by_name = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    for name in ("inputs", "instances"):
        yield {name: by_name}
        yield {name: dict(zip(names, rows[0], strict=True))}
        yield from ({name: payload} for payload in _ODD_PAYLOADS)
    yield {"input": rows}
    yield {"prompt": "x", "params": {"a": 1}}
    yield {"inputs": rows, "params": {"a": 1}}


def _tables(names: list[str], rows: Rows) -> Iterator[tuple[list[Any], Rows]]:
    rows = rows[:2]
    yield names, rows
    yield names, rows[:1]
    yield names[::-1], [row[::-1] for row in rows]
    yield [f"{name}_" for name in names], rows
    yield list(range(len(names))), rows
    yield [0, *names[1:]], rows
    for few in (names[:-1], names[1:]):
        yield few, [row[: len(few)] for row in rows]
    yield [*names, "more"], [[*row, 1.5] for row in rows]
    yield ["more", *names], [["x", *row] for row in rows]
    if len(names) > 1:
        yield [names[1], *names[1:]], rows
    yield names, _whole(rows)
    yield names, []
    yield from ((names, data) for data in _odd(rows))


def _arrays(rows: Rows) -> Iterator[Any]:
    rows = rows[:2]
    yield rows
    yield rows[0]
    yield [rows]
    yield _whole(rows)
    yield [row[:-1] for row in rows]
    yield [[*row, 1.5] for row in rows]
    yield [rows[0], rows[1][:-1]]


def _odd(rows: Rows) -> Iterator[Rows]:
    # What is wrong for text and for numbers alike are two faults.
    is_mixed = len({isinstance(cell, str) for cell in rows[0]}) > 1
    for cell in _ODD_CELLS:
        yield [rows[0], [cell, *rows[1][1:]]]
        yield [[*row[:-1], cell] for row in rows]
        if not is_mixed:
            yield [[cell] * len(row) for row in rows]


def _whole(rows: Rows) -> Rows:
    return [[int(cell) if isinstance(cell, float) else cell for cell in row] for row in rows]


def _csv(header: list[str], rows: Rows) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([header, *rows])
    return text.getvalue().encode()
