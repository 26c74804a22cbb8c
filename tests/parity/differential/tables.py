"""The content of a request as a table: what fits a signature, then spoilt in one way or more."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from .values import TEXTS, fitting, odd_scalar, tensor_values, wild

Draw = Callable[[st.SearchStrategy[Any]], Any]
Item = dict[str, Any]

_DEFAULT_COLUMNS = tuple(({"type": "double", "name": name}) for name in ("x0", "x1", "x2", "x3"))


@dataclass
class Table:
    """Names and rows; a spoilt one may be ragged, or hold a name twice."""

    names: list[Any]
    rows: list[list[Any]]

    @property
    def columns(self) -> dict[Any, list[Any]]:
        return {
            name: [row[position] for row in self.rows if position < len(row)]
            for position, name in enumerate(self.names)
        }

    @property
    def records(self) -> list[dict[Any, Any]]:
        return [dict(zip(self.names, row, strict=False)) for row in self.rows]


def draw_table(draw: Draw, items: tuple[Item, ...]) -> Table:
    """Return a table that fits the inputs of a signature, mostly."""
    items = items or _DEFAULT_COLUMNS
    if items[0]["type"] == "tensor":
        return _draw_tensor_table(draw, items)
    chosen = [item for item in items if item.get("required", True) or draw(_most)]
    names = [item.get("name", position) for position, item in enumerate(chosen)]
    count = draw(_counts)
    columns = [draw(st.lists(_cells(draw, i), min_size=count, max_size=count)) for i in chosen]
    return Table(names, [list(row) for row in zip(*columns, strict=True)])


def _cells(draw: Draw, item: Item) -> st.SearchStrategy[Any]:
    if item.get("required", True) or draw(_most):
        return fitting(item)
    return st.none() | fitting(item)


def _draw_tensor_table(draw: Draw, items: tuple[Item, ...]) -> Table:
    count = draw(_counts)
    if "name" not in items[0]:
        spec = items[0]["tensor-spec"]
        width = spec["shape"][1] if len(spec["shape"]) > 1 and spec["shape"][1] > 0 else 2
        cell = draw_array(draw, spec["dtype"], spec["shape"][2:])
        rows = [[draw(cell) for _ in range(width)] for _ in range(count)]
        return Table([f"x{position}" for position in range(width)], rows)
    specs = [item["tensor-spec"] for item in items]
    cells = [draw_array(draw, spec["dtype"], spec["shape"][1:]) for spec in specs]
    return Table([i["name"] for i in items], [[draw(c) for c in cells] for _ in range(count)])


def draw_array(draw: Draw, dtype: str, shape: list[int]) -> st.SearchStrategy[Any]:
    """Return nested lists of one shape; -1 becomes a length that is drawn once."""
    values = tensor_values(dtype)
    for size in reversed(shape):
        length = draw(_counts) if size < 0 else size
        values = st.lists(values, min_size=length, max_size=length)
    return values


def spoil(draw: Draw, table: Table) -> None:
    """Change a table in one way."""
    draw(st.sampled_from(_SPOILERS))(draw, table)


def _some_cell(draw: Draw, table: Table) -> tuple[list[Any], int] | None:
    rows = [row for row in table.rows if row]
    if not rows:
        return None
    row = rows[draw(st.integers(0, len(rows) - 1))]
    return row, draw(st.integers(0, len(row) - 1))


def _change_cell(draw: Draw, table: Table) -> None:
    if (cell := _some_cell(draw, table)) is not None:
        row, position = cell
        row[position] = draw(wild)


def _nest_cell(draw: Draw, table: Table) -> None:
    if (cell := _some_cell(draw, table)) is not None:
        row, position = cell
        value = row[position]
        row[position] = draw(st.sampled_from(([value], {"p": value}, [[value]], [value, value])))


def _change_column(draw: Draw, table: Table) -> None:
    if not table.names:
        return
    position = draw(st.integers(0, len(table.names) - 1))
    same = draw(_half)
    value = draw(odd_scalar)
    for row in table.rows:
        if position < len(row):
            row[position] = value if same else draw(odd_scalar)


def _convert_column(draw: Draw, table: Table) -> None:
    if not table.names:
        return
    position = draw(st.integers(0, len(table.names) - 1))
    conversion = draw(st.sampled_from(_CONVERSIONS))
    for row in table.rows:
        if position < len(row):
            row[position] = conversion(row[position])


def _to_int(value: Any) -> Any:
    return round(value) if isinstance(value, float) and math.isfinite(value) else value


_CONVERSIONS: tuple[Callable[[Any], Any], ...] = (
    str,
    bool,
    _to_int,
    lambda value: float(value) if isinstance(value, int) and abs(value) < 2**64 else value,
    lambda value: value % 2 if isinstance(value, int) else value,
    lambda value: None,
    lambda value: [value],
    lambda value: f"{value}Z",
)


def _drop_column(draw: Draw, table: Table) -> None:
    if table.names:
        position = draw(st.integers(0, len(table.names) - 1))
        del table.names[position]
        for row in table.rows:
            del row[position : position + 1]


def _add_column(draw: Draw, table: Table) -> None:
    position = draw(st.integers(0, len(table.names)))
    table.names.insert(position, draw(_names))
    for row in table.rows:
        row.insert(position, draw(wild))


def _reorder(draw: Draw, table: Table) -> None:
    order = draw(st.permutations(range(len(table.names))))
    table.names = [table.names[position] for position in order]
    for row in table.rows:
        row[:] = [row[position] for position in order if position < len(row)]


def _rename(draw: Draw, table: Table) -> None:
    if table.names:
        position = draw(st.integers(0, len(table.names) - 1))
        table.names[position] = draw(st.sampled_from(table.names) | _names)


def _cut_row(draw: Draw, table: Table) -> None:
    if (cell := _some_cell(draw, table)) is not None:
        row, position = cell
        del row[position:]


def _lengthen_row(draw: Draw, table: Table) -> None:
    if (cell := _some_cell(draw, table)) is not None:
        cell[0].append(draw(wild))


def _empty(draw: Draw, table: Table) -> None:
    del table.rows[draw(st.integers(0, 1)) :]


def _repeat_rows(draw: Draw, table: Table) -> None:
    table.rows += [list(row) for row in table.rows for _ in range(draw(st.integers(1, 4)))]


_SPOILERS = (
    *(_change_cell, _change_cell, _change_cell, _nest_cell, _change_column, _convert_column),
    *(_convert_column, _drop_column, _add_column, _reorder, _rename, _cut_row, _lengthen_row),
    *(_empty, _repeat_rows),
)

_half = st.booleans()
_most = st.sampled_from((True, True, True, False))
_counts = st.sampled_from((1, 2, 3, 4, 1, 2, 3, 1, 2, 3, 1, 2, 0))
_names = st.sampled_from(("zz", "x0", "X0", "", "é", "1", "predictions", *TEXTS[3:7]))
