"""The contract between `packager build` and the running function: `bundle.json`.

The builder writes a :class:`BundleManifest`, the handler reads it; neither side knows
anything else about the other. Standard library only: this is imported at cold start.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Self

from handler.errors import ConfigError as ConfigError  # what reading a manifest raises

SCHEMA_VERSION = 6
MANIFEST_NAME = "bundle.json"
MODEL_FOLDER = "model"
OWN_PACKAGES_FOLDER = "own_python/site-packages"
"""In an image, with the packages of the Python that the model alone has."""
MODEL_PYTHON_VARIABLE = "PACKAGER_MODEL_PYTHON"
"""Names the interpreter of the model's own Python, where it is not the image's."""

EngineName = Literal["exact", "arrays", "treelite", "onnx"]
InputKind = Literal["frame", "array", "columns"]
"""`frame`: a DataFrame. `array`: a 2-D ndarray, a row for each row and a column for each of the
signature's, in its order. `columns`: a dict of 1-D ndarrays by column name, in the same order.
With the last two a request that is not regular still comes as a DataFrame."""
_LIBRARIES = frozenset({"sklearn", "xgboost", "lightgbm"})
ModelSource = Literal["s3", "embedded"]
PackageType = Literal["zip", "image"]
CheckStatus = Literal["passed", "failed", "not made"]
ProofState = Literal["proven", "not compared", "not run"]
"""`proven`: the function ran on its target's Python and architecture, and answered what the source
model does. `not compared`: it ran, but no prediction was compared. `not run`: neither."""


@dataclass(frozen=True)
class FileEntry:
    """One file that the bundle pins: nothing with other bytes is ever loaded."""

    path: str
    """Relative POSIX path."""
    size_bytes: int
    sha256: str
    """Lower-case hex digest of the file's bytes."""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build from parsed JSON.

        :raises ValueError: the path is absolute or climbs out of its folder.
        """
        name = data["path"]
        if not stays_inside(name):
            raise ValueError(f"unsafe path {name!r}")
        return cls(str(PurePosixPath(name)), int(data["size_bytes"]), str(data["sha256"]))


@dataclass(frozen=True)
class PackageEntry:
    """One distribution in the zip."""

    name: str
    version: str


@dataclass(frozen=True)
class PackedEntry:
    """Packages in an archive, to be unpacked when one of their modules is first imported."""

    archive: str
    """In the function's package, or at the top of its layer's Python folder."""
    modules: tuple[str, ...]
    """The top-level names in it."""

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build from parsed JSON."""
        return cls(str(data["archive"]), tuple(map(str, data["modules"])))


@dataclass(frozen=True)
class CheckEntry:
    """What one check of the finished bundle found."""

    name: str
    status: CheckStatus
    detail: str
    """In a sentence; says why when the check was not made. Nothing that differs from run to
    run: a bundle that is built twice has the same bytes."""


@dataclass(frozen=True)
class ProofEntry:
    """How far the finished bundle is proven: what its checks come to."""

    state: ProofState
    reason: str
    """In a sentence: what was compared, or why nothing was."""


@dataclass(frozen=True)
class TargetInfo:
    """What the bundle was built for."""

    runtime: str
    """Lambda's identifier, as `python3.11`."""
    architecture: str
    """Lambda's identifier: `x86_64` or `arm64`."""


@dataclass(frozen=True)
class EngineInfo:
    """What computes the predictions, and how it was found to be right."""

    name: EngineName = "exact"
    """`exact`: the logged model itself, by its own library. The others compute what it computes
    without that library."""
    data_path: str | None = None
    """The file that was made of the model at build, relative to the model folder: a compiled
    model, or for `exact` the logged one as a pickle. None: the logged file itself."""
    input_kind: InputKind = "frame"
    """What the predictor gets for a regular request."""
    is_direct: bool = False
    """`exact` calls a forest's trees one by one, without the forest's own preparations."""
    compared_rows: int = 0
    """Rows on which predictions were compared with the logged model's at build."""
    max_difference: float = 0.0
    """The largest difference seen among them, absolute below 1 and relative above; labels never
    differ."""
    modules: tuple[str, ...] = ()
    """Those that the model's file names: imported while it is fetched."""
    reason: str = ""
    """Why it is this one, in a sentence."""
    width: int = 0
    """How many columns a model takes that was logged without a signature; regular requests have as
    many. 0: it has one, or takes no table."""
    names: tuple[str, ...] | None = None
    """The names of these columns. None: it was fitted without names."""
    python: str | None = None
    """The Python, as `3.8`, in which the logged model was loaded to be compiled, where Lambda has
    none such any more."""

    @property
    def is_of_libraries(self) -> bool:
        """Whether what predicts is known libraries' code alone, which only computes."""
        owners = {module.partition(".")[0] for module in self.modules}
        return self.name != "exact" or (bool(owners) and owners <= _LIBRARIES)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Build from parsed JSON."""
        names = data.get("names")
        return cls(
            **data
            | {"modules": tuple(data["modules"]), "names": None if names is None else tuple(names)}
        )


@dataclass(frozen=True)
class ModelInfo:
    """What the handler must know of the model, so that it reads no YAML."""

    flavor: str
    """The flavor that predicts, as `sklearn`; selects `handler/loaders/<flavor>.py`."""
    data_path: str
    """The file or folder that the loader reads, relative to the model folder."""
    serialization_format: str
    """As the flavor calls it: `skops`, `pickle`, `ubj` ..."""
    predict_fn: str = "predict"
    """The estimator's method behind `/invocations`, as logged."""
    trusted_types: tuple[str, ...] = ()
    """What skops may construct besides its own defaults."""
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    """What else this flavor's loader has to know, as JSON;
    `packager/model/flavors/<flavor>.py` fills it in."""
    logged_executes_code: bool = True
    """Whether loading what was logged runs code that its files name: a pickle, a class from
    somewhere else than its library, or the model's own modules."""
    code_path: str | None = None
    """Folder of the model's own modules, relative to the model folder; importable when the
    model is loaded, as under MLflow."""
    own_python: str | None = None
    """The Python, as `3.8`, in which a process beside the function's loads the model and predicts;
    None: the function's own does."""
    signature: dict[str, Any] | None = None
    """`{"inputs": [...], "outputs": [...], "params": [...]}`: MLflow's items, JSON-decoded;
    each may be None. None: the model was logged without a signature."""
    is_signature_from_type_hint: bool = False
    """The signature only describes the type hint of a Python model's `predict`: the model
    checks its input itself, and takes nothing but `inputs`."""
    input_example: dict[str, Any] | None = None
    """A scoring request that the model accepts: `serving_input_example.json`."""
    sample: dict[str, Any] | None = None
    """A scoring request of values that the model has seen, which it answered at build. None: it has
    an input example, or says nothing of its input."""
    refused_sample: dict[str, Any] | None = None
    """The same less its last column, where the model refused that."""
    sample_refusal: str = ""
    """What the model said of a request that was made of what it knows, if there is no sample."""
    model_id: str | None = None
    run_id: str | None = None
    mlflow_version: str | None = None
    engine: EngineInfo = EngineInfo()
    files: tuple[FileEntry, ...] = ()
    """Every file of the model folder that inference needs, sorted by path."""
    logged_sha256: str | None = None
    """Of the paths and digests of the files that were logged, less MLmodel; `files` may have a
    compiled model in their place."""

    @property
    def executes_code(self) -> bool:
        """Whether loading what the bundle carries runs code that its files name."""
        if self.engine.name != "exact":
            return False  # arrays, trees or a graph: data that an engine reads
        return self.engine.data_path is not None or self.logged_executes_code


@dataclass(frozen=True)
class BundleManifest:
    """`bundle.json`: everything the function is, pinned by digest."""

    packager_version: str
    target: TargetInfo
    model: ModelInfo
    model_source: ModelSource
    model_archive: FileEntry | None
    """The object in S3 (a stored zip of the model folder); None when embedded."""
    packages: tuple[PackageEntry, ...] = ()
    packed: tuple[PackedEntry, ...] = ()
    own_packages: tuple[PackageEntry, ...] = ()
    """Those of `model.own_python`: a tree of their own, in the folder `own_python`."""
    artifacts: tuple[FileEntry, ...] = ()
    """Files beside `bundle.json` in the output folder. Empty in the copy inside the zip,
    which cannot name its own digest."""
    package_type: PackageType = "zip"
    """Lambda's PackageType: a zip, or a container image that carries the same files."""
    archive_frame_sha256: str | None = None
    """Of those bytes of the archive that belong to no file of the model: with it and the files'
    own digests all of the archive is pinned, and nothing is hashed twice. None when embedded."""
    layer: FileEntry | None = None
    """The zip with the dependencies, for a Lambda layer; None: they are in the function's zip
    or image."""
    checks: tuple[CheckEntry, ...] = ()
    """What was checked on the building machine. Empty in the copy inside the zip, and when
    nothing was."""
    proof: ProofEntry | None = None
    """None in the copy inside the zip, and in bundles of before there was such a field."""
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """Return the document, ending in a newline; equal manifests give equal bytes."""
        return json.dumps(dataclasses.asdict(self), indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Parse a `bundle.json`.

        :raises ConfigError: not JSON, a missing or unsafe field, or a schema version
            that this handler does not know.
        """
        try:
            data = json.loads(text)
            version = data["schema_version"]
            if version != SCHEMA_VERSION:
                raise ConfigError(
                    f"{MANIFEST_NAME} has schema version {version!r}, this handler reads"
                    f" {SCHEMA_VERSION}: rebuild the bundle"
                )
            return cls._from_dict(data)
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{MANIFEST_NAME} is damaged: {error!r}") from error

    @classmethod
    def _from_dict(cls, data: dict[str, Any]) -> Self:
        model = dict(data["model"])
        model["files"] = _entries(model["files"])
        model["trusted_types"] = tuple(model["trusted_types"])
        model["engine"] = EngineInfo.from_dict(model["engine"])
        archive, layer = data["model_archive"], data.get("layer")
        proof = data.get("proof")
        return cls(
            packager_version=data["packager_version"],
            target=TargetInfo(**data["target"]),
            model=ModelInfo(**model),
            model_source=data["model_source"],
            model_archive=FileEntry.from_dict(archive) if archive else None,
            archive_frame_sha256=data.get("archive_frame_sha256"),
            packages=tuple(PackageEntry(**item) for item in data["packages"]),
            packed=tuple(PackedEntry.from_dict(item) for item in data["packed"]),
            own_packages=tuple(PackageEntry(**item) for item in data["own_packages"]),
            artifacts=_entries(data["artifacts"]),
            package_type=data["package_type"],
            layer=FileEntry.from_dict(layer) if layer else None,
            checks=tuple(CheckEntry(**item) for item in data["checks"]),
            proof=ProofEntry(**proof) if proof else None,
        )


def stays_inside(name: str) -> bool:
    """Tell whether a path, taken relative to a folder, leads to nowhere outside of it."""
    path = PurePosixPath(name)
    return not (path.is_absolute() or ".." in path.parts or "\\" in name)


def read_manifest(task_root: Path) -> BundleManifest:
    """Read `bundle.json` from the folder that holds the function's code.

    :raises ConfigError: it is missing or damaged.
    """
    try:
        text = (task_root / MANIFEST_NAME).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{MANIFEST_NAME} cannot be read from the function's package ({error.strerror}):"
            " deploy the function.zip that `packager build` wrote"
        ) from error
    return BundleManifest.from_json(text)


def _entries(items: list[dict[str, Any]]) -> tuple[FileEntry, ...]:
    return tuple(FileEntry.from_dict(item) for item in items)
