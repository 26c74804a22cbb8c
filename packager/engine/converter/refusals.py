"""What a model's library raises for data that it does not take: it is asked, form by form."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from handler.engines.unsigned import FORMS, INFINITE, forms_of

from .builder import NotConvertible
from .equality import Outcome
from .learned import Learned

_NEVER_COMPUTED = (
    *("dict", "list", "empty list"),
    *("array of rank 0", "array of rank 3", "array of rank 3 as wide"),
)


def unsigned_rules(
    predict: Callable[[Any], Any], learned: Learned, rows: list[list[Any]]
) -> dict[str, Any]:
    """Return what a program must know of its library, see `handler/engines/unsigned.py`.

    :param rows: of values that the model takes.
    :raises NotConvertible: the model takes data of a form that has no conversion.
    """
    refusals: dict[str, str | None] = dict.fromkeys((*FORMS, INFINITE))
    width = len(learned.features)
    texts = [at for at in range(width) if _is_used_text(learned, at)]
    options = {
        "names": None if learned.names is None else list(learned.names),
        "needed": None if learned.selects is None else list(learned.selects),
        "width": width,
        "texts": texts,
        "refusals": refusals,
    }
    columns = list(learned.names or map(str, range(width)))
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        for form, data in _data(columns, rows, texts):
            if form == INFINITE or form in forms_of(data, options):
                error = Outcome.of(predict, data).error
                refusals[form] = None if error is None else type(error).__name__
    finally:
        logging.disable(level)
    taken = [form for form in _NEVER_COMPUTED if refusals[form] is None]
    if taken:
        raise NotConvertible(f"it has no signature, and takes more than tables: {taken[0]}")
    return options


def _is_used_text(learned: Learned, at: int) -> bool:
    feature = learned.features[at]
    return feature.kind == "string" and (learned.selects is None or feature.name in learned.selects)


def _data(names: list[str], rows: list[list[Any]], texts: list[int]) -> Iterator[tuple[str, Any]]:
    """Yield data of each form, wrong in no other way where that can be."""
    frame = pd.DataFrame(rows, columns=names)
    arrays = {name: frame[name].to_numpy() for name in names}
    is_of_numbers = all(isinstance(cell, int | float) for row in rows for cell in row)
    table = np.array(rows)
    yield "dict", arrays
    yield "list", [{name: np.array(cell) for name, cell in zip(names, rows[0], strict=True)}]
    yield "empty list", []
    yield "array of rank 0", np.array(rows[0][0])
    yield "array of rank 1", table[0]
    yield "array of rank 3", table[np.newaxis]
    yield "array of rank 3 as wide", table[..., np.newaxis]
    yield "array without names", table
    if is_of_numbers:
        yield INFINITE, pd.DataFrame(np.full(table.shape, np.inf), columns=names)
        yield "array of text", table.astype(str)
        yield "frame of objects", frame.astype({names[0]: str})
    yield "array of objects", np.array(rows, object)
    yield "narrow array", table[:, :-1]
    yield "wide array", np.hstack([table, table[:, :1]])
    yield "frame without columns", frame.iloc[:0, :0]
    yield "narrow frame", frame.iloc[:, :-1]
    yield "wide frame", frame.assign(**{f"{names[-1]}_": 1.5})
    yield "empty frame", frame.iloc[:0]
    yield "frame of other names", frame.set_axis([f"{name}_" for name in names], axis=1)
    yield "frame of mixed names", frame.set_axis([0, *names[1:]], axis=1)
    yield "frame without names", frame.set_axis(range(len(names)), axis=1)
    yield "frame of one name", frame.set_axis([names[-1]] * len(names), axis=1)
    if texts:
        yield "number for text", frame.assign(**{names[texts[0]]: 1.5})
        yield "boolean for text", frame.assign(**{names[texts[0]]: True})
