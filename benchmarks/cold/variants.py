"""What is measured, as data: each variant is a folder, an entry and a model in S3."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.cold import peers
from benchmarks.cold.bundles import Built, build, sha256
from benchmarks.cold.models import Models
from benchmarks.cold.work import WORK
from packager.aws.runtimes import Target, find_target
from packager.packages.trim import tree_size
from packager.support.zips import write_archive

BUCKET = "bench"
OBJECTS = WORK / "s3"
"""What the static server serves: a folder for the bucket, a file for each key."""


@dataclass(frozen=True)
class Variant:
    """A function that can be started."""

    name: str
    title: str
    task_root: Path
    """Unpacked, read-only."""
    handler: str
    environment: Mapping[str, str]
    """Its own variables, without those of the S3."""
    unzipped_bytes: int
    zipped_bytes: int
    most_rounds: int | None = None
    """Slow ones are measured less often."""


@dataclass(frozen=True)
class OurBundle:
    """A bundle to build: which model, with which options."""

    name: str
    title: str
    serialization: str
    options: tuple[str, ...]


EXACT = OurBundle("exact", "packager, the model as logged", "skops", ("--optimize", "exact"))
COMPILED = OurBundle("compiled", "packager, compiled (the default)", "skops", ())
EXACT_PICKLE = OurBundle(
    "exact, pickle", "packager, the model as logged, as pickle", "cloudpickle", EXACT.options
)


@dataclass(frozen=True)
class Stage:
    """All variants by name, and what they were made of."""

    models: Models
    variants: dict[str, Variant] = field(default_factory=dict)
    bundles: dict[str, Built] = field(default_factory=dict)

    def add(self, variant: Variant) -> None:
        self.variants[variant.name] = variant


def prepare(models: Models) -> Stage:
    """Build every bundle and peer.

    :raises BenchError: one of the builds failed.
    """
    stage = Stage(models)
    for bundle in (EXACT, COMPILED, EXACT_PICKLE):
        built = build(_slug(bundle.name), models.logged(bundle.serialization), *bundle.options)
        stage.bundles[bundle.name] = built
        stage.add(our_variant(bundle.name, bundle.title, built))
    _add_peers(stage)
    return stage


def our_variant(name: str, title: str, built: Built) -> Variant:
    """Return a bundle of ours, its model stored in the S3."""
    return Variant(
        name=name,
        title=title,
        task_root=built.task_root,
        handler="handler.main.handler",
        environment=model_variables(built),
        unzipped_bytes=tree_size(built.task_root),
        zipped_bytes=built.function_zip.stat().st_size,
    )


def model_variables(built: Built) -> dict[str, str]:
    """Store the bundle's model and return the variables that name it; none when embedded."""
    return store(built.model_zip) if built.model_zip.is_file() else {}


def store(file: Path) -> dict[str, str]:
    """Put a file into the S3 and return the variables that name it."""
    key = f"{sha256(file)}/{file.name}"
    path = OBJECTS / BUCKET / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    os.link(file, path)
    return {"MODEL_BUCKET": BUCKET, "MODEL_KEY": key}


def target_of(built: Built) -> Target:
    """Return the target of a bundle."""
    found = json.loads((built.output / "bundle.json").read_text())["target"]
    return find_target(found["runtime"], found["architecture"])


def _add_peers(stage: Stage) -> None:
    models = stage.models
    exact = stage.bundles[EXACT.name]
    pins = [f"{name}=={version}" for name, version in sorted(all_pins(stage).items())]
    target = target_of(exact)
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true"}  # it would ask the internet
    logged = {name: _zipped(models.logged(name)) for name in ("skops", "cloudpickle")}
    mlflow = peers.install(peers.MLFLOW, pins, target)
    blog = peers.install(peers.BLOG_POST, pins, target)
    floor = peers.install(peers.FLOOR, pins, target)
    bare = peers.install(peers.BARE, pins, target)
    app = "MLflow's scoring app + Mangum"
    post = "the blog posts' handler"
    _add(stage, "mlflow, no .pyc", f"{app}, no .pyc", mlflow, logged["skops"] | quiet, plain=True)
    _add(stage, "blog, no .pyc", f"{post}, no .pyc", blog, store(models.joblib_file), plain=True)
    _add(stage, "mlflow", app, mlflow, logged["skops"] | quiet)
    _add(stage, "mlflow, pickle", f"{app}, model as pickle", mlflow, logged["cloudpickle"] | quiet)
    _add(stage, "blog", post, blog, store(models.joblib_file))
    _add(stage, "floor", "floor: FastAPI, Mangum, numpy, the file", floor, _bytes_of(stage))
    _add(stage, "bare", "the bare runtime", bare, {})


def _add(
    stage: Stage,
    name: str,
    title: str,
    installed: peers.Installed,
    environment: Mapping[str, str],
    *,
    plain: bool = False,
) -> None:
    stage.add(
        Variant(
            name=name,
            title=title,
            task_root=installed.plain_task_root if plain else installed.task_root,
            handler="app.handler",
            environment=environment,
            unzipped_bytes=installed.plain_unzipped_bytes if plain else installed.unzipped_bytes,
            zipped_bytes=installed.plain_zipped_bytes if plain else installed.zipped_bytes,
            most_rounds=3 if plain else None,
        )
    )


def all_pins(stage: Stage) -> dict[str, str]:
    """Return the versions of all that is in our bundles, or that the model was trained with."""
    pins = dict(stage.models.pins)
    for built in stage.bundles.values():
        pins |= dict(line.split("==") for line in built.pins)
    return pins


def _bytes_of(stage: Stage) -> dict[str, str]:
    """Return the variables by which the floor gets the compiled model's bytes."""
    built = stage.bundles[COMPILED.name]
    found = model_variables(built)
    if found:
        return found
    files = [path for path in (built.task_root / "model").rglob("*") if path.is_file()]
    return {"MODEL_FILE": str(max(files, key=lambda path: path.stat().st_size))}


def _zipped(model: Path) -> dict[str, str]:
    archive = WORK / "models" / f"{model.name}.zip"
    write_archive(model, archive, compress=False)
    return store(archive)


def _slug(name: str) -> str:
    return name.replace(", ", "-").replace(" ", "-")
