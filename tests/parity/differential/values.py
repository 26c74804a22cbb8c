"""JSON values for a signature's types: those that fit, at their edges, and those that do not."""

import base64
from typing import Any

from hypothesis import strategies as st

Value = st.SearchStrategy[Any]

TEXTS = ("", "a", "é", "日本", "a\0", "\0", " x ", "1.5", "None", "nan", "😀", "\ud800", "oslo")
DATES = ("2024-01-02", "2024-01-02T03:04:05", "1999-12-31 23:59:59.123456789", "1969-07-20T20:17")
DIGITS = 4_400
"""Of an integer that Python refuses to read."""

_EDGES: dict[str, tuple[Any, ...]] = {
    "boolean": (True, False),
    "integer": (0, 1, -1, 7, 2**31 - 1, -(2**31)),
    "long": (0, 1, -1, 7, 2**31, 2**53 + 1, 2**63 - 1, -(2**63)),
    "float": (0.0, -0.0, 0.1, 1.5, 3.4e38, 1e-45, 16777217.0, 0.2),
    "double": (0.0, -0.0, 0.1, 1.5, 5e-324, 1.7976931348623157e308, 1 / 3, 2.0),
    "string": TEXTS,
    "datetime": DATES,
    "binary": ("", "AP9oaQ==", "YQ=="),
}

_GENERATED: dict[str, Value] = {
    "boolean": st.booleans(),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "double": st.floats(allow_nan=False, allow_infinity=False),
    "string": st.text(max_size=6),
    "datetime": st.datetimes().map(lambda moment: moment.isoformat()),
    "binary": st.binary(max_size=8).map(lambda data: base64.b64encode(data).decode()),
}

_ODD_NUMBERS = (
    *(0, 1, -1, 2, 256, 2**31, -(2**31) - 1, 2**53 + 1, 2**63, 2**64, -(2**63) - 1),
    *(10**25, -(10**30), 10**400, 1.0, 1.5, -0.0, 2.7, 1e300, 5e-324, 1e19),
    *(float("nan"), float("inf"), float("-inf"), True, False, None),
)
_ODD_TEXTS = (
    *("1", "-2", "1.5", " 2 ", "1_000", "1e3", "0x10", "1,5", "2", "nan", "NaN", "-nan"),
    *("inf", "-Infinity", "true", "false", "True", "None", "null", "", "a", "é\u0301", "a" * 90),
    *("2024-01-02T03:04:05Z", "2024-01-02T03:04:05+02:00", "01/02/2024", "2024-13-01", "2024"),
    *("20240102", "NaT", "0001-01-01", "9999-12-31", "2024-W01", "1704164645", "2024-01"),
    *("2024-01-02 03:04:05.1", "Jan 2 2024", "AP9oaQ==", "AAA", "not base64!", "a\nb"),
)
_ODD_SHAPES = (
    *([], [[]], {}, [None], [1], [1, 2], [1.5, None], ["a"], ["a", None], [True, 2], [{}]),
    *(
        [[1, 2], [3]],
        [[1, 2], [3, 4]],
        [1, [2]],
        [[[1.0]]],
        {"a": 1},
        {"p": "x"},
        {"p": "x", "z": 1},
    ),
    *({"q": 1.5}, {"p": 1}, {"": None}, {"a": [1, 2]}, {"a": {"b": []}}, [{"p": "x"}, 3]),
)

wild: Value = st.one_of(
    st.sampled_from(_ODD_NUMBERS),
    st.sampled_from(_ODD_TEXTS),
    st.sampled_from(_ODD_SHAPES),
    st.recursive(
        st.sampled_from((*_ODD_NUMBERS, *_ODD_TEXTS)),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from("abpq"), inner, max_size=2)
        ),
        max_leaves=5,
    ),
)
"""Anything that JSON, as Python writes it, can say."""

odd_scalar: Value = st.sampled_from((*_ODD_NUMBERS, *_ODD_TEXTS))

_known: dict[str, Value] = {}


def fitting(item: dict[str, Any]) -> Value:
    """Return the values that fit a signature item, or the type in one."""
    key = repr({name: part for name, part in item.items() if name != "name"})
    if key not in _known:
        _known[key] = _fitting(item)
    return _known[key]


def _fitting(item: dict[str, Any]) -> Value:
    match item["type"]:
        case "array":
            return st.lists(fitting(item["items"]), max_size=3)
        case "map":
            return st.dictionaries(st.sampled_from(("k", "é", "")), fitting(item["values"]))
        case "object":
            parts = {name: fitting(part) for name, part in item["properties"].items()}
            required = {n: p for n, p in parts.items() if item["properties"][n]["required"]}
            optional = {name: part for name, part in parts.items() if name not in required}
            return st.fixed_dictionaries(required, optional=optional)
        case "any":
            return wild
        case kind:
            return st.sampled_from(_EDGES[kind]) | _GENERATED[kind]


def tensor_values(dtype: str) -> Value:
    """Return the single values that fit a tensor."""
    if dtype == "uint8":
        return st.integers(0, 255)
    kinds = {"float32": "float", "float64": "double", "int64": "long"}
    return fitting({"type": kinds.get(dtype, "string")})
