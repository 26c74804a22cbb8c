"""The user's own limits for a bundle: a check for each, failed where nothing was measured."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from packager.checking.proof import problem_of_proof, proof_of
from packager.checking.report import Check, Measurements, Problem
from packager.errors import ConfigError

_SMALLER = (
    "See what takes the room with `packager inspect BUNDLE`, and leave out what the model does"
    " not need with --drop NAME"
)
_FASTER = (
    "Try another way to compute the predictions, `packager build --optimize`; times are this"
    " machine's, so it should have nothing else to do"
)
_LIGHTER = "Try a way to compute the predictions that loads less, `packager build --optimize`"


@dataclass(frozen=True)
class Gates:
    """What a bundle may have at most; None: no gate. Equal to the limit is within it.

    :raises ConfigError: a limit is no positive number.
    """

    unzipped_mb: float | None = None
    """Of the function zip and its layer, unpacked; 10^6 bytes."""
    zipped_mb: float | None = None
    """Of the function zip and its layer together; 10^6 bytes."""
    init_ms: float | None = None
    """From the start of the process to the end of the handler module's import."""
    p50_ms: float | None = None
    """The median of warm invocations."""
    memory_mb: float | None = None
    """The peak of the function's process; 10^6 bytes, as all MB."""
    requires_proof: bool = False
    """The function has to run, and to predict what the source model predicts."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = None if field.type is bool else getattr(self, field.name)
            # Nothing is more than NaN or infinity: such a gate would be open.
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ConfigError(f"{_option(field.name)} {value:g} is no positive number")


@dataclass(frozen=True)
class _Gate:
    """One limit, and what it is held against."""

    name: str
    key: str
    """Of the limit in `Gates`."""
    limit: float | None
    found: float | None
    unit: str
    what: str
    """What was measured."""
    hint: str
    obstacle: str | None = None
    """Why the figure, where there is one, does not count."""
    if_unknown: str = "this machine does not tell it"
    """Why there is none, though nothing else went wrong."""


def check_gates(gates: Gates, found: Measurements, made: Sequence[Check]) -> tuple[Check, ...]:
    """Return a check for each gate; one that could not be measured failed.

    :param made: the checks that ran the function, in their order: init, then its prediction.
        Where one of them did not pass, its detail is the reason.
    """
    rows = _all(gates, found, made)
    checks = [_judge(gate, gate.limit) for gate in rows if gate.limit is not None]
    if gates.requires_proof:
        proof = proof_of(check.entry for check in made)
        problem = problem_of_proof(proof)
        checks.append(Check.of("gate: proof", [problem] if problem else [], proof.reason))
    return tuple(checks)


def _all(gates: Gates, found: Measurements, made: Sequence[Check]) -> Iterator[_Gate]:
    # A function that does not start is quick at it, and one that predicts nothing needs little.
    start, predict = _obstacle(made[:1]), _obstacle(made[:2])
    unzipped_mb, zipped_mb = _mb(found.unzipped_bytes), _mb(found.zipped_bytes)
    yield _Gate(
        *("gate: unzipped size", "unzipped_mb", gates.unzipped_mb, unzipped_mb, "MB"),
        what="function zip and layer, unpacked",
        hint=_SMALLER,
    )
    yield _Gate(
        *("gate: zipped size", "zipped_mb", gates.zipped_mb, zipped_mb, "MB"),
        what="function zip and layer",
        hint=_SMALLER,
    )
    yield _Gate(
        *("gate: init", "init_ms", gates.init_ms, found.init_duration_ms, "ms"),
        what="init on this machine",
        hint=_FASTER,
        obstacle=start,
    )
    yield _Gate(
        *("gate: p50", "p50_ms", gates.p50_ms, found.p50_duration_ms, "ms"),
        what=f"median of {found.warm_invocations} warm invocations on this machine",
        hint=_FASTER,
        obstacle=predict,
        if_unknown="the function answered the same request once, but not each time",
    )
    peak_mib = found.peak_memory_mib
    memory_mb = None if peak_mib is None else _mb(peak_mib * 2**20)
    yield _Gate(
        *("gate: memory", "memory_mb", gates.memory_mb, memory_mb, "MB"),
        what=f"peak memory of the function ({peak_mib} MiB)",
        hint=_LIGHTER,
        obstacle=predict,
    )


def _judge(gate: _Gate, limit: float) -> Check:
    option, allowed = _option(gate.key), f"{limit:,.15g} {gate.unit}"
    if gate.obstacle or gate.found is None:
        reason = gate.obstacle or gate.if_unknown
        problem = Problem(
            f"{option} {limit:.15g} could not be held against anything: {reason}",
            f"Remove that obstacle, or leave {option} out: what was not measured is not within"
            " a limit.",
        )
        return Check.of(gate.name, [problem], "")
    found = f"{gate.what}: {_figure(gate.found, limit)} {gate.unit}"
    problem = Problem(f"{found}, {allowed} allowed", f"{gate.hint}; or raise {option}.")
    is_within = gate.found <= limit
    return Check.of(gate.name, [] if is_within else [problem], f"{found} of {allowed}")


def _obstacle(made: Sequence[Check]) -> str | None:
    details = [check.entry.detail for check in made if check.entry.status != "passed"]
    return details[0] if details else None


def _mb(size_bytes: int | None) -> float | None:
    return None if size_bytes is None else size_bytes / 1e6


def _figure(found: float, limit: float) -> str:
    """Return the number, as exact as it takes not to look like the limit that it is beside."""
    for digits in (1, 3):
        if found == limit or round(found, digits) != limit:
            return f"{found:,.{digits}f}"
    return f"{found:,.6f}"


def _option(key: str) -> str:
    return f"--max-{key.replace('_', '-')}"
