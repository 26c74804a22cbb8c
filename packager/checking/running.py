"""Checks that run the function here: import, init, a prediction, the source's prediction."""

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from handler.manifest import ModelInfo
from packager.aws.http_events import GATEWAYS, SampleRequest
from packager.aws.runtimes import MAX_PAYLOAD_BYTES
from packager.bundle.folder import Bundle
from packager.bundle.sizing import size_function
from packager.checking.comparing import RELATIVE_TOLERANCE, Comparison, compare
from packager.checking.function_log import model_failure, own_traceback
from packager.checking.lacks import lack_behind
from packager.checking.missing import missing_module, problem_of_module, way_to_bring
from packager.checking.report import Check, Measurements, Problem
from packager.checking.warm import warm_durations_ms
from packager.errors import DependencyError, ModelError, PackagerError, ToolError
from packager.local.emulator import Emulator
from packager.local.invocation import Invocation
from packager.local.invoke import find_runtime, running_function
from packager.local.predict import predict
from packager.local.prepared import ModelSurroundings
from packager.local.response import decode_response
from packager.model.samples import sample_requests
from packager.progress import LOGGED, Progress
from packager.requirements.select import Drop

INIT, PREDICTION, SAME = "import and init", "prediction", "same predictions as the source model"
_MORE_S = 90
"""Than the template gives: this machine may be slower than Lambda."""
_ERROR_CHARS = 600
_GATEWAY = GATEWAYS["http-api"]


@dataclass(frozen=True)
class _Sample:
    body: bytes
    origin: str
    is_example: bool
    """The model's own, so the model has to accept it."""


def nothing_ran(reason: str) -> tuple[Check, ...]:
    """Return the checks that :func:`run_function` makes, none of them made."""
    return tuple(Check.not_made(name, reason) for name in (INIT, PREDICTION, SAME))


def run_function(
    bundle: Bundle,
    *,
    source_model: Path | None,
    dropped: Sequence[Drop],
    surroundings: ModelSurroundings,
    memory_mib: int | None = None,
    has_warm_invocations: bool = False,
    progress: Progress = LOGGED,
) -> tuple[tuple[Check, ...], Measurements]:
    """Run the bundle's function under the runtime emulator and return what came of it.

    :param source_model: an MLflow model folder, to compare with.
    :param dropped: requirements of the model that the bundle leaves out.
    :param surroundings: what the source model's environment is made of besides.
    :param memory_mib: what the function may take. None: as the template says.
    :param has_warm_invocations: ask once more, and again, to measure how long it takes.
    """
    # The model's code runs here: it sees of our variables what it would see on Lambda.
    manifest = bundle.manifest
    own = manifest.model.own_python
    around = replace(surroundings, has_our_variables=False, own_python=own)
    sample = _sample(manifest.model)
    timeout_s = _MORE_S + size_function(manifest.model, manifest.model_source).timeout_s
    try:
        find_runtime(bundle, progress=progress)
        with ThreadPoolExecutor(1) as pool:
            # While the function is unpacked. It then runs alone: what is measured is its own.
            ask = partial(_source_answer, source_model, sample, around, progress)
            predicting = pool.submit(ask)
            with running_function(
                bundle, memory_mib=memory_mib, timeout_s=timeout_s, progress=progress
            ) as function:
                source = predicting.result()
                progress.step("Running the function: import, init, prediction")
                init, answer = _invoke(function, bundle, sample, dropped)
                warm_ms: tuple[float, ...] = ()
                if has_warm_invocations and sample and answer and _status(answer) == 200:
                    progress.step("Timing warm invocations")
                    warm_ms = warm_durations_ms(function, _scoring_event(sample))
                measurements = Measurements(
                    function.init_duration_ms,
                    function.peak_memory_mib,
                    p50_duration_ms=median(warm_ms) if warm_ms else None,
                    warm_invocations=len(warm_ms),
                    not_enforced=function.not_enforced,
                )
    except ToolError as error:
        return nothing_ran(_sentence(error)), Measurements()
    if sample is None or answer is None:
        reason = _unknown_input(manifest.model) if sample is None else "the function does not start"
        return (init, *nothing_ran(reason)[1:]), measurements
    return _judge(init, answer, sample, _Source(source, ask), dropped, measurements)


def _sample(info: ModelInfo) -> _Sample | None:
    if info.input_example is not None:
        body = json.dumps(info.input_example).encode()
        if len(body) < MAX_PAYLOAD_BYTES:
            return _Sample(body, "the model's input example", is_example=True)
    samples = sample_requests(info)
    if samples is None:
        return None
    body = json.dumps(next(iter(samples.documents.values()))).encode()
    if info.input_example is not None:
        return _Sample(body, "the first rows of the model's input example", is_example=True)
    if info.sample is not None:
        # The model has answered it when it was built.
        return _Sample(body, "a sample of values that the model has seen", is_example=True)
    return _Sample(body, "a sample made from the signature", is_example=False)


def _unknown_input(info: ModelInfo) -> str:
    """Return why there is nothing to ask a model."""
    said = "says nothing of its input"
    if info.sample_refusal:
        said = f"refuses what it seems to take ({info.sample_refusal})"
    return (
        f"the model was logged without input example, and {said}: build again with"
        " `--input-example rows.json`, rows that it takes"
    )


def _invoke(
    function: Emulator, bundle: Bundle, sample: _Sample | None, dropped: Sequence[Drop]
) -> tuple[Check, Invocation | None]:
    """Return the first check, and the answer to the sample where the function got so far."""
    ping = function.invoke(_GATEWAY(SampleRequest("GET", "/ping")))
    if _status(ping) != 200:
        return Check.of(INIT, [_init_problem(ping, function.log, bundle, dropped)], ""), None
    python = bundle.manifest.target.runtime.removeprefix("python")
    detail = f"the model is loaded: Python {python}, files read-only, as {function.user}"
    if function.not_enforced:
        detail += f"; not enforced: {'; '.join(function.not_enforced)}"
    if sample is None:
        return Check.passed(INIT, detail), None
    return Check.passed(INIT, detail), function.invoke(_scoring_event(sample))


def _scoring_event(sample: _Sample) -> Any:
    request = SampleRequest("POST", "/invocations", "application/json", sample.body.decode())
    return _GATEWAY(request)


def _judge(
    init: Check,
    answer: Invocation,
    sample: _Sample,
    source: "_Source",
    dropped: Sequence[Drop],
    measurements: Measurements,
) -> tuple[tuple[Check, ...], Measurements]:
    if _status(answer) != 200:
        prediction = _refusal(answer, sample, source.first, dropped)
        reason = "the function predicts nothing to compare"
        return (init, prediction, Check.not_made(SAME, reason)), measurements
    prediction = Check.passed(PREDICTION, f"/invocations answers {sample.origin}")
    if source.first.predictions is None:
        return (init, prediction, Check.not_made(SAME, source.first.reason)), measurements
    response = decode_response(answer.payload)
    comparison = source.compare(response and response.body)
    measurements = replace(measurements, largest_difference=comparison.largest_difference)
    problems = []
    if comparison.mismatch:
        problems.append(
            Problem(
                f"{sample.origin}: the function predicts otherwise than the source model,"
                f" at {comparison.mismatch} (largest difference"
                f" {comparison.largest_difference:.1e} relative, {RELATIVE_TOLERANCE:.0e} allowed)",
                "Pin the model's libraries in its requirements.txt to the versions that it was"
                " trained with.",
            )
        )
    detail = f"{comparison.values} values of {sample.origin}, equal within"
    detail += f" {RELATIVE_TOLERANCE:.0e} relative"
    if comparison.random_values:
        detail += "; the others differ each time that the source model is asked"
    return (init, prediction, Check.of(SAME, problems, detail)), measurements


@dataclass(frozen=True)
class _SourceAnswer:
    predictions: Any
    """None: there are none."""
    reason: str = ""
    is_refused: bool = False
    """The source model does not take the request either."""


@dataclass(frozen=True)
class _Source:
    """The source model's answer, and how to ask it once more."""

    first: _SourceAnswer
    ask: Callable[[], _SourceAnswer]

    def compare(self, found: Any) -> Comparison:
        """Compare an answer of the function; what the model draws at random is left out."""
        comparison = compare(found, self.first.predictions)
        if comparison.mismatch is None:
            return comparison
        return compare(found, self.first.predictions, self.ask().predictions)


def _source_answer(
    source_model: Path | None,
    sample: _Sample | None,
    surroundings: ModelSurroundings,
    progress: Progress,
) -> _SourceAnswer:
    if sample is None:
        return _SourceAnswer(None, "there is nothing to predict")
    if source_model is None:
        return _SourceAnswer(None, "the source model is not at hand: give it with --model")
    progress.step("Predicting with the source model")
    try:
        body = predict(
            source_model,
            sample.body,
            surroundings=surroundings,
            is_sandboxed=True,
            progress=progress,
        )
        return _SourceAnswer(json.loads(body))
    except ModelError as error:
        return _SourceAnswer(
            None, f"the source model refuses {sample.origin}: {_bare(error)}", is_refused=True
        )
    except (ToolError, DependencyError) as error:
        return _SourceAnswer(None, f"the source model does not run here: {_sentence(error)}")


def _refusal(
    answer: Invocation, sample: _Sample, source: _SourceAnswer, dropped: Sequence[Drop]
) -> Check:
    """Return what it means that the function does not answer the sample."""
    text = _failure(answer)
    lacks_module = "ModuleNotFoundError" in answer.log + text or "ImportError" in answer.log + text
    # A made-up sample may be wrong; the model's own example may not, nor may a module be missing.
    lack = lack_behind(answer.log + text)
    if not sample.is_example and source.predictions is None and not (lacks_module or lack):
        reason = source.reason if source.is_refused else f"the model does not take it: {text}"
        return Check.not_made(PREDICTION, f"{sample.origin}: {reason}. Log an input example")
    hint = _its_log(answer.log)
    if source.is_refused:
        hint = (
            "The source model refuses it too: build with `--input-example rows.json`, rows that it"
            f" takes. {hint}"
        )
    module = missing_module(answer.log + text) if lacks_module else None
    if lack is not None:
        text, hint = f"{lack.message} ({text})", lack.hint
    elif lacks_module and dropped:
        names = ", ".join(drop.requirement for drop in dropped)
        way = way_to_bring(module, dropped)
        hint = f"A module is missing; left out were {names}: build again {way}."
    problem = Problem(f"the function does not answer {sample.origin}: {text}", hint, module)
    return Check.of(PREDICTION, [problem], "")


def _init_problem(ping: Invocation, log: str, bundle: Bundle, dropped: Sequence[Drop]) -> Problem:
    cause = (model_failure(log) or _failure(ping))[:_ERROR_CHARS]
    module = missing_module(cause) or missing_module(log)
    if module is not None:
        return problem_of_module(module, bundle, dropped)
    lack = lack_behind(cause + log)
    if lack is not None:
        return Problem(f"the function does not start: {lack.message} ({cause})", lack.hint)
    return Problem(f"the function does not start: {cause}", _its_log(log))


def _its_log(log: str) -> str:
    """Return what the function itself says of its failure."""
    lines = "".join(f"\n      {line}" for line in own_traceback(log))
    return f"In the function:{lines}" if lines else "The function's log says nothing of it."


def _status(invocation: Invocation) -> int | None:
    response = decode_response(invocation.payload)
    return response.status if response else None


def _failure(invocation: Invocation) -> str:
    if invocation.outcome != "ok":
        return (invocation.error or invocation.outcome)[:_ERROR_CHARS]
    response = decode_response(invocation.payload)
    body = response.body if response else invocation.payload
    text = body.get("message", body) if isinstance(body, dict) else body
    return f"{response.status if response else 'no'} response: {text}"[:_ERROR_CHARS]


def _bare(error: PackagerError) -> str:
    return str(error).rstrip(".")


def _sentence(error: PackagerError) -> str:
    return f"{error}. {error.hint}" if error.hint else str(error)
