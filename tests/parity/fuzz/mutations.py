"""JSON made wrong: nodes of a document replaced, dropped, renamed and wrapped."""

import copy
import json
from typing import Any

from hypothesis import strategies as st

# What `json.dumps` would not write; a node gets a mark, which the text then gives way to.
_RAW = (
    "[" * 100_000,
    "[" * 3_000 + "]" * 3_000,
    '{"a":' * 3_000 + "1" + "}" * 3_000,
    "1e999999999",
    "-1e999999999",
    "1e-999999999",
    "9" * 5_000,
    "-" + "9" * 400,
    "0." + "0" * 5_000 + "1",
    "NaN",
    "-Infinity",
    r'"\ud800"',
    r'"\udc00\ud800"',
    r'"\u0000"',
    '{"a":1,"a":[2]}',
    '{"":1}',
    "01",
    "+1",
    "nul",
    "",
    '"\t"',
    "/*c*/1",
    "'a'",
    '"' + "x" * 100_000 + '"',
)
_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    2**31,
    2**53 + 1,
    2**63,
    -(2**63) - 1,
    2**64,
    -0.0,
    1.5,
    1e308,
    5e-324,
    "",
    "a",
    "1",
    "1.5",
    "-1e400",
    "true",
    "nan",
    "None",
    "\x00",
    "a\x00b",
    "\ud800",
    "\u202e\U0001f600",
    "2026-01-02",
    "2026-01-02T03:04:05Z",
    "9999-99-99",
    "99999-01-01",
    "-292278-01-01",
    "P1D",
    "not base64!",
    "=",
    [],
    {},
    [[]],
    [{}],
    [None],
    [1, "a", None],
    [[1], [2, 3]],
    [[[[1]]]],
    {"": {}},
    {"a": {"b": {"c": []}}},
    {"data": [[1]]},
)
_KEYS = (
    "",
    "a",
    "x0",
    "params",
    "inputs",
    "instances",
    "dataframe_split",
    "dataframe_records",
    "messages",
    "prompt",
    "input",
    "columns",
    "index",
    "data",
    "\x00",
    "\ud800",
    "__proto__",
    "k" * 10_000,
    "0",
)
_MARK = "\ue000mark\ue000"

any_json = st.recursive(
    st.sampled_from(_VALUES) | st.integers() | st.floats() | st.text(st.characters(), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(_KEYS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn, documents: st.SearchStrategy[Any]) -> Any:
    """Draw a document with one to four faults; it may hold marks, see `to_text`."""
    root = [copy.deepcopy(draw(documents))]
    for _ in range(draw(st.integers(1, 4))):
        _mutate(draw, root)
    return root[0]


@st.composite
def to_text(draw: st.DrawFn, documents: st.SearchStrategy[Any]) -> str:
    """Draw the text of a document, its marks replaced by what is no JSON, or odd JSON."""
    text = json.dumps(draw(documents), ensure_ascii=draw(st.booleans()))
    mark = json.dumps(_MARK, ensure_ascii=True)
    text = text.replace(json.dumps(_MARK, ensure_ascii=False), mark)
    while mark in text:
        text = text.replace(mark, draw(st.sampled_from(_RAW)), 1)
    return text


def without_marks(document: Any) -> Any:
    """Return a document for use as it is, not as text."""
    if isinstance(document, dict):
        return {key: without_marks(value) for key, value in document.items()}
    if isinstance(document, list):
        return [without_marks(item) for item in document]
    return "x" * 100_000 if document == _MARK else document


def _mutate(draw: st.DrawFn, root: list[Any]) -> None:
    places = list(_places(root))
    holder, key = places[draw(st.integers(0, len(places) - 1))]
    match draw(st.sampled_from(("value", "value", "json", "mark", "drop", "wrap", "key", "copy"))):
        case "value":
            holder[key] = copy.deepcopy(draw(st.sampled_from(_VALUES)))
        case "json":
            holder[key] = copy.deepcopy(draw(any_json))
        case "mark":
            holder[key] = _MARK
        case "wrap":
            holder[key] = draw(st.sampled_from(([holder[key]], {"a": holder[key]})))
        case "drop" if holder is not root:
            del holder[key]
        case "key" if isinstance(holder, dict):
            holder[draw(st.sampled_from(_KEYS))] = holder.pop(key)
        case "copy":
            other_holder, other_key = places[draw(st.integers(0, len(places) - 1))]
            holder[key] = copy.deepcopy(other_holder[other_key])


def _places(value: Any) -> Any:
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])
