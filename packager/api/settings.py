"""The settings of a build and of a server, by the names that users give them.

One table for each; the options of `packager build` and `packager serve` are made from them, and so
is what MLflow's `-C NAME=VALUE` may say.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packager.errors import ConfigError
from packager.support.setting import Setting

if TYPE_CHECKING:
    from packager.building.config import BuildConfig
    from packager.local.serve import ServeConfig


def _switch(name: str, text: str) -> Setting:
    return Setting(name, text, default=False, kind=bool)


def _several(name: str, metavar: str, text: str) -> Setting:
    return Setting(name, f"{text}; repeatable.", is_repeatable=True, metavar=metavar)


SOURCE_SETTINGS = (
    Setting(
        "flavor",
        "Flavor of a bare model file that does not tell, as a pickle: sklearn, lightgbm ...",
    ),
    Setting(
        "input-example",
        "Rows (.csv or .json) that the model takes; a bare file's signature is inferred from them.",
        kind=Path,
    ),
    _several("trust", "TYPE", "A type that a bare .skops file may construct"),
    Setting(
        "code-path",
        "Module or package (a file or folder) of your own that the model needs and does not bring,"
        " as MLflow's code_paths; repeatable.",
        kind=Path,
        takes_folders=True,
        is_repeatable=True,
        metavar="PATH",
    ),
)
"""What a model does not bring or tell itself."""

ARCHITECTURE = Setting(
    "architecture", "Lambda's instruction set.", default="x86_64", choices=("x86_64", "arm64")
)

BUILD_SETTINGS = (
    Setting(
        "runtime",
        "Lambda runtime, as python3.12; auto: the Python that the model was trained under, or the"
        " nearest newer one that its requirements can be met on.",
        default="auto",
    ),
    ARCHITECTURE,
    Setting(
        "model-source",
        "Fetch the model from S3 at cold start, or carry it in the zip or image; auto: s3 for"
        " zips, embedded for images.",
        default="auto",
        choices=("auto", "s3", "embedded"),
    ),
    Setting(
        "package",
        "A zip of 262 MB at most, or the build context of a container image; auto: an image"
        " for what fits no zip (torch, tensorflow, whatever has more).",
        default="auto",
        choices=("auto", "zip", "image"),
    ),
    _switch(
        "layer",
        "Put the dependencies into a Lambda layer of their own, layer.zip: models with the same"
        " lock have the same one, and function.zip has less than 1 MB.",
    ),
    Setting(
        "optimize",
        "Compute predictions without the model's library where that gives the same: arrays (no"
        " library at all), treelite, onnx. exact: the logged model itself, called in the cheapest"
        " way that gives the same; none: in the ordinary way. auto: arrays if equal on 10,000 rows"
        " and more, else exact.",
        default="auto",
        choices=("auto", "none", "exact", "arrays", "treelite", "onnx"),
    ),
    Setting(
        "tolerance",
        "How far a compiled model's numbers may be from the logged model's, absolute below 1 and"
        " relative above; labels are always the same.",
        default=1e-12,
        kind=float,
        least=0,
        most=1,
    ),
    _several(
        "with", "REQUIREMENT", "A requirement, or a wheel's path, that the bundle needs besides"
    ),
    _several("keep", "GLOB", "Packages that no rule may leave out"),
    _several("drop", "GLOB", "Packages to leave out, whoever requires them"),
    Setting(
        "constraints",
        "File of lines as `numpy<2.3` that narrow versions; repeatable.",
        kind=Path,
        is_repeatable=True,
    ),
    Setting("index-url", "Package index in the default one's place.", metavar="URL"),
    _several("extra-index-url", "URL", "Package index to ask first"),
    _several("find-links", "PLACE", "Folder or page with wheels"),
    _switch(
        "use-model-indexes",
        "Ask the package indexes too that the model's own requirements name, as --extra-index-url.",
    ),
    _switch("no-index", "Only the wheels of --find-links."),
    Setting("lock", "Earlier pylock.toml to keep to.  [default: the one in --output]", kind=Path),
    _switch("locked", "Fail if the lock no longer answers the requirements."),
    _switch("upgrade", "Take the newest versions, whatever the lock says."),
    _switch("no-trim", "Leave tests, stubs, sources and symbols in."),
    Setting(
        "sourceless",
        "Bytecode in place of the libraries' sources, or beside them (a fifth more).",
        default=True,
        kind=bool,
        opposite="with-sources",
    ),
    _switch("no-check", "Do not run the finished bundle's checks."),
    _switch(
        "require-proof",
        "Write nothing unless the function ran here and its predictions were compared with the"
        " model's.",
    ),
    _switch("strict", "Refuse it where the checks gave the function more than Lambda would."),
    _switch("safe-only", "Refuse model formats that execute code when loaded."),
    _switch(
        "with-parquet", "Answer parquet bodies too: adds about 30 MB, exactly as the build says."
    ),
)

ENV_MANAGER = Setting(
    "env-manager",
    "uv: a cached environment with the model's own requirements; local: the current one.",
    default="uv",
    choices=("uv", "local"),
)

SERVE_SETTINGS = (
    Setting(
        "port",
        "Port to listen on; 0 takes a free one.",
        default=5000,
        kind=int,
        least=0,
        most=65535,
        letter="p",
        variable="MLFLOW_PORT",
    ),
    Setting(
        "host",
        "Address to listen on; 0.0.0.0 is every network's.",
        default="127.0.0.1",
        letter="h",
        variable="MLFLOW_HOST",
    ),
    Setting(
        "timeout",
        "Seconds for one request.",
        default=60,
        kind=int,
        least=1,
        letter="t",
        variable="MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT",
    ),
    Setting(
        "workers",
        "Number of server processes.",
        default=1,
        kind=int,
        least=1,
        letter="w",
        variable="MLFLOW_MODELS_WORKERS",
    ),
    ENV_MANAGER,
)


def source_options(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return these values of `SOURCE_SETTINGS` as :func:`packager.open_model` takes them."""
    return {
        "flavor": values["flavor"],
        "input_example": values["input-example"],
        "trusted_types": values["trust"],
        "code_paths": values["code-path"],
    }


def build_config(values: Mapping[str, Any]) -> "BuildConfig":
    """Return what these values of `BUILD_SETTINGS` say of a build.

    :raises ConfigError: they contradict each other, name an unknown runtime, or a file that cannot
        be read.
    """
    from packager.building.config import BuildConfig
    from packager.engine.choose import Optimization
    from packager.lock.obtain import LockPolicy
    from packager.lock.pylock import read_lock, read_own_lock
    from packager.requirements.overrides import Overrides
    from packager.support.uv import Indexes

    if values["locked"] and values["upgrade"]:
        raise ConfigError("--locked and --upgrade contradict each other")
    if values["upgrade"] and values["lock"]:
        raise ConfigError("--upgrade ignores every lock: leave out --lock")
    if values["no-index"] and not values["find-links"]:
        raise ConfigError("--no-index leaves only --find-links, and there is none")
    if values["require-proof"] and values["no-check"]:
        raise ConfigError("--require-proof needs the checks that --no-check leaves out")
    policy = LockPolicy.LOCKED if values["locked"] else LockPolicy.REUSE
    return BuildConfig(
        model_source=values["model-source"],
        runtime=values["runtime"],
        architecture=values["architecture"],
        package=values["package"],
        is_safe_only=values["safe-only"],
        with_parquet=values["with-parquet"],
        overrides=Overrides(values["with"], values["keep"], values["drop"]),
        constraints=_constraints(values["constraints"]),
        indexes=Indexes(
            values["index-url"], values["extra-index-url"], values["find-links"], values["no-index"]
        ),
        uses_model_indexes=values["use-model-indexes"],
        earlier_lock=read_lock(values["lock"]) if values["lock"] else None,
        earlier_own_lock=read_own_lock(values["lock"]) if values["lock"] else None,
        lock_policy=LockPolicy.UPGRADE if values["upgrade"] else policy,
        has_layer=values["layer"],
        optimization=Optimization(values["optimize"], values["tolerance"]),
        requires_proof=values["require-proof"],
        is_trimmed=not values["no-trim"],
        is_sourceless=values["sourceless"],
    )


def serve_config(values: Mapping[str, Any]) -> "ServeConfig":
    """Return what these values of `SERVE_SETTINGS` say of a server."""
    from packager.local.serve import ServeConfig

    names = ("host", "port", "workers", "timeout", "env-manager")
    return ServeConfig(*(values[name] for name in names))


def _constraints(paths: tuple[Path, ...]) -> tuple[str, ...]:
    from packager.model.requirement_files import decode_requirements, parse_requirement_lines

    lines: list[str] = []
    for path in paths:
        try:
            lines += parse_requirement_lines(decode_requirements(path.read_bytes()))
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"cannot read the constraints {path}: {error}") from error
    return tuple(lines)
