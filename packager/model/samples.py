"""Scoring requests that fit a model: from its input example, what it has seen, or its signature."""

import csv
import io
from dataclasses import dataclass
from typing import Any

from handler.manifest import ModelInfo

SAMPLE_ROWS = 2
"""Rows of the input example that a sample request carries."""

# What a sample holds for each of MLflow's types when the model has no input example.
_ZEROS: dict[str, Any] = {
    "boolean": False,
    "integer": 0,
    "long": 0,
    "float": 0.0,
    "double": 0.0,
    "string": "",
    "binary": "",
    "datetime": "2026-01-01T00:00:00",
    "map": {},
    "any": None,
}
_INPUT_FORMATS = ("dataframe_split", "dataframe_records", "instances", "inputs")
# CSV has no notation for the other types that MLflow would read back (protocol, section 6).
_CSV_TYPES = frozenset(_ZEROS) - {"binary", "datetime", "map", "any"}
# `instances` with nested values fails in MLflow (protocol, section 5).
_NESTED_TYPES = frozenset({"array", "object", "map", "any"})


@dataclass(frozen=True)
class SampleRequests:
    """Bodies for `/invocations`, by the name of their input format."""

    documents: dict[str, dict[str, Any]]
    """JSON documents that the model accepts, by format as `dataframe-split`."""
    csv: str | None
    """The same rows as CSV, where CSV can carry them."""
    mismatch: dict[str, Any] | None
    """A document that lacks what the model requires; None where it may require nothing."""


def sample_requests(info: ModelInfo) -> SampleRequests | None:
    """Return requests for this model, or None when nothing is known of its input.

    Pure: equal models give equal requests.
    """
    items = (info.signature or {}).get("inputs") or []
    example = info.input_example or info.sample
    if info.is_signature_from_type_hint:
        # Nothing but `inputs` is taken: a list of what the hint describes.
        return _as_logged(example or ({"inputs": list(map(_zero, items))} if items else None))
    if items and all(item.get("type") == "tensor" for item in items):
        return _tensor_requests(items, example)
    table = _example_table(example)
    if table is None:
        if example is not None or not items:
            return _as_logged(example)
        table = _zero_table(items)
    return _table_requests(table, items) if items else _unsigned_requests(table, info)


def _as_logged(example: dict[str, Any] | None) -> SampleRequests | None:
    """Return the example alone: what else its model accepts, no signature tells."""
    if example is None:
        return None
    names = [name for name in example if name in _INPUT_FORMATS]
    name = names[0].replace("_", "-") if names else "example"
    return SampleRequests({name: example}, csv=None, mismatch=None)


@dataclass(frozen=True)
class _Table:
    columns: list[Any]
    rows: list[list[Any]]
    has_names: bool = True


def _example_table(example: dict[str, Any] | None) -> _Table | None:
    """Return the example's first rows, or None when it is no table."""
    example = example or {}
    split = example.get("dataframe_split")
    if isinstance(split, dict) and isinstance(split.get("data"), list):
        rows = split["data"][:SAMPLE_ROWS]
        columns = split.get("columns") or list(range(len(rows[0]) if rows else 0))
        return _Table(columns, rows, "columns" in split)
    records = example.get("dataframe_records", example.get("inputs"))
    if not isinstance(records, list) or not records:
        return None
    records = records[:SAMPLE_ROWS]
    if all(isinstance(record, dict) for record in records):
        columns = list(dict.fromkeys(key for record in records for key in record))
        return _Table(columns, [[record.get(name) for name in columns] for record in records])
    if all(isinstance(row, list) for row in records):
        return _Table(list(range(len(records[0]))), records, has_names=False)
    return None


def _zero_table(items: list[dict[str, Any]]) -> _Table:
    columns = [item.get("name", index) for index, item in enumerate(items)]
    return _Table(columns, [[_zero(item) for item in items]], "name" in items[0])


def _zero(item: dict[str, Any]) -> Any:
    kind = item.get("type")
    if kind == "array":
        return [_zero(item.get("items", {}))]
    if kind == "object":
        properties = item.get("properties", {})
        return {name: _zero(value) for name, value in properties.items()}
    return _ZEROS.get(str(kind))


def _table_requests(table: _Table, items: list[dict[str, Any]]) -> SampleRequests:
    types = {str(item.get("type")) for item in items}
    documents: dict[str, dict[str, Any]] = {
        "dataframe-split": {"dataframe_split": _split(table)},
        "dataframe-records": {"dataframe_records": _records(table)},
    }
    if not types & _NESTED_TYPES:
        documents["instances"] = {"instances": _records(table) if table.has_names else table.rows}
    documents["inputs"] = {"inputs": _inputs(table, has_nested=bool(types & _NESTED_TYPES))}
    can_csv = types <= _CSV_TYPES and not any(value in ("", None) for value in table.rows[0])
    return SampleRequests(
        documents=documents,
        csv=_csv(table) if can_csv else None,
        mismatch=_without_required(table, items),
    )


def _unsigned_requests(table: _Table, info: ModelInfo) -> SampleRequests:
    """Return the formats of which a model without a signature gets the same data."""
    if not table.has_names:
        return SampleRequests(
            {"instances": {"instances": table.rows}, "inputs": {"inputs": table.rows}}, None, None
        )
    plain = all(isinstance(value, str | int | float) for row in table.rows for value in row)
    return SampleRequests(
        {
            "dataframe-split": {"dataframe_split": _split(table)},
            "dataframe-records": {"dataframe_records": _records(table)},
        },
        csv=_csv(table) if plain and "" not in table.rows[0] else None,
        mismatch=info.refused_sample,
    )


def _without_required(table: _Table, items: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the table less a column that the signature requires."""
    for item in items:
        name = item.get("name", table.columns[-1])
        if item.get("required", True) and name in table.columns:
            index = table.columns.index(name)
            columns = table.columns[:index] + table.columns[index + 1 :]
            rows = [row[:index] + row[index + 1 :] for row in table.rows]
            return {"dataframe_split": _split(_Table(columns, rows, table.has_names))}
    return None


def _split(table: _Table) -> dict[str, Any]:
    return (
        {"columns": table.columns, "data": table.rows} if table.has_names else {"data": table.rows}
    )


def _records(table: _Table) -> list[dict[str, Any]]:
    names = [str(name) for name in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]


def _inputs(table: _Table, *, has_nested: bool) -> Any:
    if not table.has_names:
        return table.rows
    columns = {
        str(name): [row[index] for row in table.rows] for index, name in enumerate(table.columns)
    }
    # MLflow takes an object of lists of text, or of nested values, for a single row: such
    # columns go as records.
    is_text = all(isinstance(value, str) for values in columns.values() for value in values)
    return _records(table) if is_text or has_nested else columns


def _csv(table: _Table) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return text.getvalue()


def _tensor_requests(items: list[dict[str, Any]], example: dict[str, Any] | None) -> SampleRequests:
    """Tensors travel as `inputs` or `instances` only: a table has no more than two dimensions."""
    if "name" in items[0]:
        tensors = (example or {}).get("inputs")
        if not isinstance(tensors, dict):
            tensors = {item["name"]: _zero_tensor(item) for item in items}
        shorter = dict(list(tensors.items())[:-1])
        return SampleRequests({"inputs": {"inputs": tensors}}, None, {"inputs": shorter})
    rows = (example or {}).get("inputs")
    if not isinstance(rows, list):
        rows = _zero_tensor(items[0])
    rows = rows[:SAMPLE_ROWS]
    # One dimension less than the signature wants is never accepted.
    return SampleRequests(
        {"instances": {"instances": rows}, "inputs": {"inputs": rows}},
        None,
        {"inputs": rows[0]} if isinstance(rows[0], list) else {"inputs": [rows]},
    )


def _zero_tensor(item: dict[str, Any]) -> Any:
    spec = item["tensor-spec"]
    value: Any = 0.0
    if spec["dtype"].startswith(("int", "uint")):
        value = 0
    elif spec["dtype"] in ("bool", "str", "object"):
        value = False if spec["dtype"] == "bool" else ""
    for size in reversed(spec["shape"]):
        value = [value] * max(size, 1)
    return value
