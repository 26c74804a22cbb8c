"""Hypothesis strategies for requests: laid out from a table in every format, then spoilt."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from handler.manifest import ModelInfo

from .exchange import CSV, JSON, PARQUET, Request
from .parquet import draw_parquet
from .tables import Draw, Table, draw_array, draw_table, spoil
from .values import DIGITS, fitting, odd_scalar, wild

_FORMATS = ("dataframe_split", "dataframe_records", "inputs", "instances")
_CONTENT_TYPES = (
    *(None, "", "Application/JSON", f"{JSON};", f"{JSON}; charset=utf-8", f"{JSON};charset=UTF-8"),
    *(f'{JSON}; Charset="utf-8"', f"{JSON}; charset=latin-1", f"{JSON}; format=pandas-split"),
    *("text/plain", "text/csv; charset=utf-8", CSV, "TEXT/CSV", "application/octet-stream"),
)


def requests_for(info: ModelInfo, items: tuple[Any, ...] = ()) -> st.SearchStrategy[Request]:
    """Return the requests to a model: half of them fit its signature, half are spoilt.

    :param items: what a model without a signature takes, as one would have them; by default four
        numbers.
    """
    signature = info.signature or {}
    inputs = signature.get("inputs") or items
    return _requests(tuple(inputs), tuple(signature.get("params") or ()))


@st.composite
def _requests(draw: Draw, items: tuple[Any, ...], params: tuple[Any, ...]) -> Request:
    table = draw_table(draw, items)
    for _ in range(draw(_few)):
        spoil(draw, table)
    if draw(_one_in(8)):
        return _spoilt_bytes(draw, Request(_csv(draw, table), CSV))
    if draw(_one_in(15)) and (body := draw_parquet(draw, table)) is not None:
        return _spoilt_bytes(draw, Request(body, PARQUET))
    document = _document(draw, table, items)
    if params or draw(_one_in(12)):
        _add_params(draw, document, params)
    if draw(_one_in(10)):
        document = draw(st.sampled_from(_ENVELOPES))(draw, document)
    return _spoilt_bytes(draw, Request(_written(draw, document)))


def _document(draw: Draw, table: Table, items: tuple[Any, ...]) -> dict[str, Any]:
    layouts = _LAYOUTS
    if not items or items[0]["type"] == "tensor":
        layouts = (*_LAYOUTS, *([_tensor] * 8))
    elif len(items) == 1 or "name" not in items[0]:
        layouts = (*_LAYOUTS, *([_bare] * 5))
    name, payload = draw(st.sampled_from(layouts))(draw, table, items)
    if draw(_one_in(15)):
        payload = draw(st.sampled_from((draw(wild), [payload], {"a": payload})))
    return {name: payload}


Layout = tuple[str, Any]


def _split(draw: Draw, table: Table, items: Any) -> Layout:
    payload: dict[str, Any] = {"columns": table.names, "data": table.rows}
    if draw(_one_in(10)):
        del payload["columns"]
    if draw(_one_in(8)):
        payload["index"] = draw(
            st.lists(odd_scalar, min_size=len(table.rows), max_size=len(table.rows)) | wild
        )
    if draw(_one_in(25)):
        payload[draw(st.sampled_from(("dtypes", "data", "columns")))] = draw(wild)
    return "dataframe_split", payload


def _records(draw: Draw, table: Table, items: Any) -> Layout:
    return draw(st.sampled_from(_FORMATS[1:])), table.records


def _columns(draw: Draw, table: Table, items: Any) -> Layout:
    return draw(_array_formats), table.columns


def _single_row(draw: Draw, table: Table, items: Any) -> Layout:
    return draw(_array_formats), (table.records or [{}])[0]


def _bare(draw: Draw, table: Table, items: Any) -> Layout:
    first = next(iter(table.columns.values()), [])
    shapes = (table.rows, table.rows, first, first, (first or [None])[0])
    return draw(_array_formats), draw(st.sampled_from(shapes))


def _tensor(draw: Draw, table: Table, items: Any) -> Layout:
    specs = [item["tensor-spec"] for item in items] or [{"dtype": "float64", "shape": [-1, 4]}]
    arrays = [draw(draw_array(draw, spec["dtype"], _shape(draw, spec["shape"]))) for spec in specs]
    if not items or "name" not in items[0]:
        return draw(_array_formats), arrays[0]
    named = dict(zip((item["name"] for item in items), arrays, strict=True))
    if draw(_one_in(6)):
        named[draw(st.sampled_from((*named, "zz")))] = draw(wild)
    return draw(_array_formats), named


def _shape(draw: Draw, shape: list[int]) -> list[int]:
    if not draw(_one_in(5)):
        return shape
    return draw(st.sampled_from((shape[1:], [*shape, 1], [*shape[:-1], 3], [2, *shape])))


_LAYOUTS: tuple[Callable[[Draw, Table, Any], Layout], ...] = (
    *([_split] * 5),
    *([_records] * 6),
    *([_columns] * 4),
    _single_row,
    _single_row,
    _bare,
)


def _add_params(draw: Draw, document: dict[str, Any], params: tuple[Any, ...]) -> None:
    given: dict[str, Any] = {}
    for param in params:
        if draw(st.booleans()):
            value = fitting(param) | st.none()
            given[param["name"]] = draw(st.lists(value, max_size=2) if param["shape"] else value)
    if draw(_one_in(4)):
        given[draw(st.sampled_from(("unknown", *(param["name"] for param in params))))] = draw(wild)
    document["params"] = draw(wild) if draw(_one_in(15)) else given


def _no_envelope(draw: Draw, document: Any) -> Any:
    return draw(st.sampled_from((*document.values(), [document], None, {}, draw(wild))))


def _two_formats(draw: Draw, document: Any) -> Any:
    return document | {draw(st.sampled_from(_FORMATS)): draw(wild)}


def _more_keys(draw: Draw, document: Any) -> Any:
    return document | {draw(st.sampled_from(("id", "signature_name", "é", "data"))): draw(wild)}


def _language_model(draw: Draw, document: Any) -> Any:
    """Return the request as a client of a language model would: the data without a format."""
    payload = next(iter(document.values()))
    rest = payload if isinstance(payload, dict) else document
    messages = draw(wild | st.just([{"role": "user", "content": "é"}]))
    params = document.get("params")
    chosen = params if isinstance(params, dict) else {}
    return {draw(st.sampled_from(("messages", "prompt", "input"))): messages} | rest | chosen


_ENVELOPES = (_no_envelope, _two_formats, _more_keys, _more_keys, _language_model, _language_model)


def _written(draw: Draw, document: Any) -> bytes:
    text = json.dumps(document, ensure_ascii=draw(st.booleans()))
    if draw(_one_in(30)):
        old, new = draw(st.sampled_from(_SPELLINGS))
        text = text.replace(old, new, 1)
    return text.encode("utf-8", "surrogatepass")


# Numbers and keys that Python's writer never spells so.
_SPELLINGS = (
    *(("1.5", "1e400"), ("0", "-0"), ("1", "1E2"), ("1", "1e-400"), ("1", "01"), ("2", "+2")),
    *(("1", "9" * DIGITS), ("0.1", "0.1000000000000000055511151231257827"), ("NaN", "nan")),
    *(("1", "[" * 3_000 + "]" * 3_000), ("1", "[" * 100_000), (": ", ": null, "), ("]", ",]")),
)


def _csv(draw: Draw, table: Table) -> bytes:
    text = io.StringIO()
    style = draw(st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC)))
    writer = csv.writer(text, quoting=style, lineterminator=draw(st.sampled_from(("\n", "\r\n"))))
    if not draw(_one_in(15)):
        writer.writerow(table.names)
    for row in table.rows:
        writer.writerow([_csv_cell(value) for value in row])
    return text.getvalue().encode("utf-8", "surrogatepass")


def _csv_cell(value: Any) -> Any:
    if isinstance(value, int) and abs(value) > 10**100:
        return "9" * 400
    return json.dumps(value) if isinstance(value, list | dict) else value


def _spoilt_bytes(draw: Draw, request: Request) -> Request:
    body, content_type = request.body, request.content_type
    if draw(_one_in(20)):
        content_type = draw(st.sampled_from(_CONTENT_TYPES))
    if draw(_one_in(25)):
        at = draw(st.integers(0, len(body)))
        body = draw(
            st.sampled_from(
                (
                    body[:at],
                    body[at:],
                    body[:at] + draw(st.binary(min_size=1, max_size=2)) + body[at:],
                    b"\xef\xbb\xbf" + body,
                    body.decode("utf-8", "replace").encode("utf-16"),
                    body + b"\n",
                    body + body,
                )
            )
        )
    return Request(body, content_type)


def _one_in(count: int) -> st.SearchStrategy[bool]:
    return st.sampled_from((*([False] * (count - 1)), True))


_few = st.sampled_from((0, 0, 0, 1, 1, 2, 3))
_array_formats = st.sampled_from(("inputs", "inputs", "instances"))
