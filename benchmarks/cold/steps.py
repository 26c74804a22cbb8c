"""What each measure bought: our handler with one of them undone, beside the whole."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.cold.bundles import Built, build
from benchmarks.cold.folders import linked_copy, lock, remove
from benchmarks.cold.models import Models
from benchmarks.cold.variants import EXACT, Stage, Variant, our_variant, target_of
from benchmarks.cold.work import WORK
from packager.packages.bytecode import compile_bytecode

_ENTRY = "bench_entry"


@dataclass(frozen=True)
class Step:
    """A measure, and how to undo it."""

    what: str
    base: str
    """The variant that has it."""
    instead: str
    """What is done without it, in words."""
    prelude: str = ""
    """Code that runs before the handler is imported."""
    borrows: str | None = None
    """A variant whose packages are on the path behind the bundle's own."""
    has_sources: bool = False
    """Made of a build of the logged model that has its sources, whose bytecode is removed."""
    recompiles: bool = False
    """Then compiled again, as it stands."""
    options: tuple[str, ...] = ()
    """Of another build of the logged model that is measured instead."""
    replaces: tuple[str, str] | None = None
    """A file of the folder, and what it holds instead."""
    beside: "Step | None" = None
    """The step without which this one is measured; None: the whole."""
    most_rounds: int | None = None

    @property
    def name(self) -> str:
        return f"{self.base}, not: {self.what}"


_BOTO3 = "import boto3\nboto3.client('s3')\n"
_FASTAPI = "import fastapi\nfastapi.FastAPI()\n"
_PANDAS = "import pandas\n"
_IN_TURN = """
class Background:
    def __init__(self, function):
        self._function = function

    def result(self):
        return self._function()
"""
_DEFERRAL = Step(
    "libraries import what they use, when they use it",
    "exact",
    "all that their authors import",
    has_sources=True,
    recompiles=True,
)
STEPS = (
    Step(
        "bytecode in the zip",
        "exact",
        "sources, compiled at each start",
        has_sources=True,
        beside=_DEFERRAL,
        most_rounds=3,
    ),
    _DEFERRAL,
    Step(
        "the cheapest way to the logged model that gives the same",
        "exact",
        "the ordinary one",
        options=("--optimize", "none"),
    ),
    *(
        step
        for base in ("exact", "compiled")
        for step in (
            Step("a signed GET of our own", base, "boto3 and its client", prelude=_BOTO3),
            Step(
                "the fetch on a thread, beside the imports",
                base,
                "one after the other",
                replaces=("handler/host/background.py", _IN_TURN),
            ),
            Step("FastAPI when it is needed", base, "at init", prelude=_FASTAPI, borrows="floor"),
            Step("pandas when it is needed", base, "at init", prelude=_PANDAS, borrows="blog"),
        )
    ),
)


def undone(stage: Stage, models: Models) -> list[Variant]:
    """Return a variant for each step, without it.

    :raises BenchError: a build failed.
    """
    logged = models.logged(EXACT.serialization)
    with_sources = build("exact-with-sources", logged, *EXACT.options, "--with-sources")
    variants = []
    for number, step in enumerate(STEPS):
        if step.options:
            built = build(f"step-{number}", logged, *step.options)
            variants.append(our_variant(step.name, f"{step.what}: {step.instead}", built))
        else:
            variants.append(_undo(step, number, stage, with_sources))
    return variants


def _undo(step: Step, number: int, stage: Stage, with_sources: Built) -> Variant:
    base = stage.variants[step.base]
    source = with_sources.task_root if step.has_sources else base.task_root
    folder = linked_copy(source, WORK / "tasks" / f"undone-{number}")
    if step.has_sources:
        for path in folder.rglob("*.pyc"):
            path.unlink()
    if step.recompiles:
        compile_bytecode(folder, target_of(with_sources), keep_sources=True)
    if step.replaces:
        _rewrite(folder, *step.replaces)
    if step.prelude:
        code = f"{step.prelude}from handler.main import handler\n"
        (folder / f"{_ENTRY}.py").write_text(code)
    return replace(
        base,
        name=step.name,
        title=f"{step.what}: {step.instead}",
        task_root=lock(folder),
        handler=f"{_ENTRY}.handler" if step.prelude else base.handler,
        environment=dict(base.environment) | _path(folder, step, stage),
        most_rounds=step.most_rounds,
    )


def _rewrite(folder: Path, name: str, code: str) -> None:
    file = folder / name
    caches = file.parent.glob(f"__pycache__/{file.stem}.*.pyc")
    for path in (file, file.with_suffix(".pyc"), *caches):
        path.unlink(missing_ok=True)  # never written: the file is another folder's too
    file.write_text(code)


def _path(folder: Path, step: Step, stage: Stage) -> dict[str, str]:
    if step.borrows is None:
        return {}
    return {"PYTHONPATH": f"{folder}:{stage.variants[step.borrows].task_root}"}


def clear(variants: Sequence[Variant]) -> None:
    """Remove the folders of :func:`undone`."""
    for variant in variants:
        remove(variant.task_root)
