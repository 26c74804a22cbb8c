"""Choose what computes a model's predictions: the fastest engine that is proven equal."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from handler.engines.program import read_program
from handler.loaders.jobs import run_one_by_one
from handler.loaders.load import load_model
from handler.manifest import MODEL_FOLDER, EngineInfo, EngineName, InputKind, ModelInfo
from handler.predictor import RegularData
from handler.requests.envelope import read_envelope
from handler.requests.scorer import Scorer

from .builder import Builder, NotConvertible
from .convert import convert, edges_of
from .equality import DifferentError, Outcome, difference
from .foreign import FOREIGN
from .inputs import Inputs
from .learned import Learned
from .probes import compare_answers
from .refusals import unsigned_rules
from .rewriting import REWRITTEN, rewrite_model
from .rows import Columns, generate, generate_special
from .sample import rows_of
from .steps_common import on_tables

_WAYS: tuple[tuple[InputKind, bool], ...] = (
    ("array", True),
    ("array", False),
    ("frame", True),
    ("frame", False),
)
"""To call the logged model at less cost, the cheapest first: input kind, and whether directly."""
_SMALLEST_PART = 30
"""Rows that are not divided further to find those that the model takes."""
COMPILED = "compiled.arrays"
"""The compiled model's file."""


@dataclass(frozen=True)
class _Trial:
    """The logged model's answers, to which every candidate's are compared."""

    inputs: Inputs
    example: Columns | None
    edges: dict[int, np.ndarray]
    learned: Learned | None
    count: int
    tolerance: float
    predict: Callable[[Any], Any]

    @property
    def known(self) -> Columns | None:
        """Values that the model takes, by column: its example's, else some that it has seen."""
        if self.example is not None or self.inputs.schema is not None or self.learned is None:
            return self.example
        columns = zip(self.inputs.columns.items(), self.learned.features, strict=True)
        return {
            name: np.array(feature.values, object if kind == "string" else kind)
            for (name, kind), feature in columns
        }

    def unsigned(self) -> dict[str, Any] | None:
        """Return what a program must know of its library for a model without a signature."""
        if self.inputs.schema is not None or self.learned is None:
            return None
        return unsigned_rules(self.predict, self.learned, rows_of(self.learned))

    def blocks(self) -> Iterator[tuple[Any, Any]]:
        """Yield what the model and what a candidate gets, the example first."""
        if self.example is not None:
            yield from self.inputs.frames_and_data([self.example])
        columns = self.inputs.columns
        yield from self.inputs.frames_and_data(
            generate(self.known, self.edges, columns, self.count)
        )

    def compare(self, predict: Callable[[Any], Any]) -> tuple[int, float]:
        """Return how many ordinary rows the model took, and the largest difference.

        :raises DifferentError: they are not the same, or too little is known of that.
        """
        rows, largest = 0, 0.0
        for frame, data in self.blocks():
            taken, distance = self._compare_block(frame, data, predict)
            rows, largest = rows + taken, max(largest, distance)
        if rows < self.count:
            raise DifferentError(
                f"the model takes only {rows:,} of the rows that were generated, too few to"
                " compare: log it with an input example"
            )
        special = generate_special(self.known, self.edges, self.inputs.columns)
        for frame, data in self.inputs.frames_and_data(special):
            distance = self._difference(frame, data, predict)[1]
            largest = max(largest, distance)
        return rows, largest

    def _difference(
        self, frame: Any, data: Any, predict: Callable[[Any], Any]
    ) -> tuple[bool, float]:
        expected = Outcome.of(self.predict, frame)
        distance = difference(expected, Outcome.of(predict, data), self.tolerance)
        return expected.error is None, distance

    def _compare_block(
        self, frame: Any, data: Any, predict: Callable[[Any], Any]
    ) -> tuple[int, float]:
        """Compare a block; in halves where it is refused, so that one row hides few others."""
        is_taken, distance = self._difference(frame, data, predict)
        rows = len(frame)
        if is_taken or rows <= _SMALLEST_PART:
            return rows if is_taken else 0, distance
        taken = 0
        for part in (slice(0, rows // 2), slice(rows // 2, rows)):
            found = self._compare_block(frame[part], _rows_of(data, part), predict)
            taken, distance = taken + found[0], max(distance, found[1])
        return taken, distance


def _rows_of(data: Any, part: slice) -> Any:
    if isinstance(data, RegularData):
        return RegularData(_rows_of(data.of, part), len(range(data.rows)[part]))
    if isinstance(data, dict):
        return {name: values[part] for name, values in data.items()}
    return data[part]


def choose_engine(
    predictor: Any,
    info: ModelInfo,
    *,
    wanted: EngineName,
    tolerance: float,
    count: int,
    rewrites: bool,
    folder: Path,
    learned: Learned | None = None,
) -> EngineInfo:
    """Return the engine for a loaded model.

    :param learned: what the model knows of its input, where it has no signature.
    :param wanted: the engine to compile for.
    :param tolerance: for float predictions, absolute below 1 and relative above it.
    :param count: how many rows to generate, besides special ones.
    :param rewrites: whether the logged file may be rewritten for a faster load.
    :param folder: holds the model folder; gets the file that is made of the model.
    """
    run_one_by_one(predictor.model)  # threads add up in any order, and we compare bits
    exact = EngineInfo(modules=_modules(predictor))
    if rewrites and rewrite_model(predictor.model, info, folder / MODEL_FOLDER):
        exact = replace(exact, data_path=REWRITTEN)
    try:
        inputs = Inputs.of(info, learned)
        example = _example(info, inputs)
    except NotConvertible as error:
        return replace(exact, data_path=None, reason=str(error))
    trial = _Trial(
        inputs,
        example,
        edges_of(predictor.model, info.predict_fn),
        learned,
        count,
        tolerance,
        _predicting(predictor),
    )
    if wanted == "exact":
        return _faster_exact(trial, replace(exact, reason="--optimize exact"), info, folder)
    try:
        return _compiled(trial, predictor, info, wanted, folder)
    except (NotConvertible, DifferentError) as error:
        return _faster_exact(trial, replace(exact, reason=str(error)), info, folder)


def _compiled(
    trial: _Trial, predictor: Any, info: ModelInfo, engine: EngineName, folder: Path
) -> EngineInfo:
    _refuse_categories(trial, predictor.model, info)
    if info.signature and info.signature.get("params") and info.flavor != "sklearn":
        raise NotConvertible("requests may have params for the library")
    trial = replace(trial, inputs=replace(trial.inputs, engine=engine))
    builder = Builder(list(trial.inputs.columns))
    make_steps = FOREIGN.get(engine, convert)
    steps = make_steps(predictor.model, info.predict_fn, builder)
    columns = list(trial.inputs.columns) if trial.inputs.kind == "columns" else None
    if columns is not None:
        steps = on_tables(steps)
    path = folder / MODEL_FOLDER / COMPILED
    builder.write(path, steps, columns, trial.unsigned())
    program = read_program(path)
    predict = _predicting(program)
    rows, largest = trial.compare(predict)
    frame, _ = next(trial.blocks())
    # A request that is not regular comes as a DataFrame, and may lack what is optional.
    for irregular in (frame, *(frame.drop(columns=[name]) for name in trial.inputs.optional)):
        expected = Outcome.of(trial.predict, irregular)
        difference(expected, Outcome.of(predict, irregular), trial.tolerance)
    found = EngineInfo(
        name=engine,
        data_path=COMPILED,
        input_kind=trial.inputs.kind,
        compared_rows=rows,
        max_difference=largest,
        reason="it gives the logged model's predictions",
        **trial.inputs.regular,
    )
    if trial.inputs.schema is None and trial.learned is not None:
        logged = Scorer(predictor, replace(info, engine=EngineInfo()))
        compiled = Scorer(program, replace(info, engine=found))
        compare_answers(logged, compiled, list(trial.inputs.columns), rows_of(trial.learned))
    return found


def _refuse_categories(trial: _Trial, model: Any, info: ModelInfo) -> None:
    """Tell of a LightGBM model that no request to MLflow's server can reach.

    :raises NotConvertible: it was fitted on pandas categories.
    """
    texts = trial.learned is not None and any(
        one.kind == "string" for one in trial.learned.features
    )
    if info.flavor != "lightgbm" or trial.learned is None or not texts:
        return
    frame = pd.DataFrame(rows_of(trial.learned), columns=trial.learned.names)
    error = Outcome.of(model.predict, frame).error
    if error is not None:
        words = " ".join(str(error).split())
        raise NotConvertible(
            "it was fitted on pandas categories, which MLflow's server cannot send it"
            f" ({type(error).__name__}: {words}): text becomes the model's own categories here"
        )


def _faster_exact(trial: _Trial, exact: EngineInfo, info: ModelInfo, folder: Path) -> EngineInfo:
    """Return how the logged model itself may be loaded and called at less cost."""
    if "loader" in info.options:  # in another Python: not as the function would call it
        return replace(exact, data_path=None, modules=())
    for kind, is_direct in _WAYS:
        candidate = replace(exact, input_kind=kind, is_direct=is_direct, **trial.inputs.regular)
        if (kind, is_direct) == ("frame", False) and exact.data_path is None:
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
