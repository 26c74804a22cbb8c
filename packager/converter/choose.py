"""Choose what computes a model's predictions: the fastest engine that is proven equal."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from handler.engines.program import read_program
from handler.loaders import load_model
from handler.manifest import MODEL_FOLDER, EngineInfo, EngineName, InputKind, ModelInfo
from handler.protocol import read_envelope

from . import Builder, NotConvertible, convert
from .equality import DifferentError, Outcome, difference
from .foreign import FOREIGN
from .inputs import Inputs
from .rewriting import REWRITTEN, rewrite_model
from .rows import Columns, generate
from .steps_common import on_tables

if TYPE_CHECKING:
    import numpy as np

_WAYS: tuple[tuple[InputKind, bool], ...] = (
    ("array", True),
    ("array", False),
    ("frame", True),
    ("frame", False),
)
"""To call the logged model at less cost, the cheapest first: input kind, and whether directly."""
COMPILED = "compiled.arrays"
"""The compiled model's file."""


@dataclass(frozen=True)
class _Trial:
    """The logged model's answers, to which every candidate's are compared."""

    inputs: Inputs
    example: Columns | None
    edges: "dict[int, np.ndarray[Any, Any]]"
    count: int
    tolerance: float
    predict: Callable[[Any], Any]

    def blocks(self) -> Iterator[tuple[Any, Any]]:
        """Yield what the model and what a candidate gets, the example first."""
        if self.example is not None:
            yield from self.inputs.frames_and_data([self.example])
        generated = generate(self.example, self.edges, self.inputs.columns, self.count)
        yield from self.inputs.frames_and_data(generated)

    def compare(self, predict: Callable[[Any], Any]) -> tuple[int, float]:
        """Return how many rows the model took, and the largest difference.

        :raises DifferentError: they are not the same, or nothing is known of that.
        """
        rows, largest = 0, 0.0
        for frame, data in self.blocks():
            expected = Outcome.of(self.predict, frame)
            largest = max(largest, difference(expected, Outcome.of(predict, data), self.tolerance))
            rows += len(frame) if expected.error is None else 0
        if not rows:
            raise DifferentError(
                "the model refuses all rows that were generated: log it with an input example"
            )
        return rows, largest


def choose_engine(
    predictor: Any,
    info: ModelInfo,
    *,
    wanted: EngineName,
    tolerance: float,
    count: int,
    rewrites: bool,
    folder: Path,
) -> EngineInfo:
    """Return the engine for a loaded model.

    :param wanted: the engine to compile for.
    :param tolerance: for float predictions, absolute below 1 and relative above it.
    :param count: how many rows to generate, besides special ones.
    :param rewrites: whether the logged file may be rewritten for a faster load.
    :param folder: holds the model folder; gets the file that is made of the model.
    """
    exact = EngineInfo(modules=_modules(predictor))
    if rewrites and rewrite_model(predictor.model, info, folder / MODEL_FOLDER):
        exact = replace(exact, data_path=REWRITTEN)
    try:
        inputs = Inputs.of(info)
        example = _example(info, inputs)
    except NotConvertible as error:
        return replace(exact, data_path=None, reason=str(error))
    trial = _Trial(
        inputs,
        example,
        _edges(predictor.model, info.predict_fn),
        count,
        tolerance,
        _predicting(predictor),
    )
    if wanted == "exact":
        return _faster_exact(trial, replace(exact, reason="--optimize exact"), info, folder)
    try:
        return _compiled(trial, predictor.model, info, wanted, folder)
    except (NotConvertible, DifferentError) as error:
        return _faster_exact(trial, replace(exact, reason=str(error)), info, folder)


def _edges(model: Any, method: str) -> "dict[int, np.ndarray[Any, Any]]":
    """Return the values near which the model's predictions may jump, as far as they are known."""
    builder = Builder()
    with contextlib.suppress(NotConvertible):
        convert(model, method, builder)
    return builder.edges


def _compiled(
    trial: _Trial, model: Any, info: ModelInfo, engine: EngineName, folder: Path
) -> EngineInfo:
    if info.signature and info.signature.get("params") and info.flavor != "sklearn":
        raise NotConvertible("requests may have params for the library")
    builder = Builder(list(trial.inputs.columns))
    make_steps = FOREIGN.get(engine, convert)
    steps = make_steps(model, info.predict_fn, builder)
    columns = list(trial.inputs.columns) if trial.inputs.kind == "columns" else None
    if columns is not None:
        steps = on_tables(steps)
    path = folder / MODEL_FOLDER / COMPILED
    builder.write(path, steps, columns)
    program = read_program(path)
    predict = _predicting(program)
    rows, largest = trial.compare(predict)
    # A request that is not regular comes as a DataFrame.
    for frame, _ in trial.blocks():
        expected = Outcome.of(trial.predict, frame)
        difference(expected, Outcome.of(predict, frame), trial.tolerance)
        break
    return EngineInfo(
        name=engine,
        data_path=COMPILED,
        input_kind=trial.inputs.kind,
        compared_rows=rows,
        max_difference=largest,
        reason="it gives the logged model's predictions",
    )


def _faster_exact(trial: _Trial, exact: EngineInfo, info: ModelInfo, folder: Path) -> EngineInfo:
    """Return how the logged model itself may be loaded and called at less cost."""
    for kind, is_direct in _WAYS:
        candidate = replace(exact, input_kind=kind, is_direct=is_direct)
        if candidate == exact and exact.data_path is None:
            break  # the model itself in the ordinary way: nothing to compare
        predictor: Any = load_model(folder / MODEL_FOLDER, replace(info, engine=candidate))
        if (kind == "array" and trial.inputs.kind != "array") or (
            is_direct and not getattr(predictor, "is_direct", False)
        ):
            continue
        asking = replace(trial, inputs=replace(trial.inputs, kind=kind))
        try:
            rows, largest = asking.compare(_predicting(predictor))
        except DifferentError:
            continue
        return replace(candidate, compared_rows=rows, max_difference=largest)
    return replace(exact, data_path=None)


def _predicting(predictor: Any) -> Callable[[Any], Any]:
    return lambda data: predictor.predict(data, None)


def _example(info: ModelInfo, inputs: Inputs) -> Columns | None:
    """Return the rows of the model's input example; None if there are none, or irregular ones."""
    if info.input_example is None:
        return None
    envelope = read_envelope(json.dumps(info.input_example).encode(), ())
    return inputs.columns_of(envelope)


def _modules(predictor: Any) -> tuple[str, ...]:
    model = getattr(predictor, "model", None)
    steps = [step for _, step in getattr(model, "steps", ())]
    found = (type(part).__module__ for part in (model, *steps) if part is not None)
    return tuple(dict.fromkeys(found))
