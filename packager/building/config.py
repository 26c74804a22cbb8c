"""What the user asked for, as one value."""

from dataclasses import dataclass, field
from typing import Literal

from handler.manifest import ModelSource, PackageType
from packager.aws.runtimes import find_target
from packager.engine.choose import Optimization
from packager.errors import ConfigError
from packager.local.prepared import ModelSurroundings
from packager.lock.obtain import LockPolicy
from packager.lock.pylock import Lock
from packager.requirements.overrides import Overrides
from packager.support.uv import Indexes

_KINDS = {"constraints": tuple, "lock_policy": LockPolicy, "optimization": Optimization}


@dataclass(frozen=True)
class BuildConfig:
    """The settings of one build."""

    model_source: ModelSource | Literal["auto"] = "auto"
    """`auto`: `s3` for zips, `embedded` for images."""
    runtime: str = "auto"
    """A Lambda identifier, or `auto`: the Python that the model was trained under, else the
    nearest newer one that its requirements can be met on."""
    architecture: str = "x86_64"
    package: PackageType | Literal["auto"] = "auto"
    is_safe_only: bool = False
    """Refuse formats that execute code when loaded."""
    with_parquet: bool = False
    """Answer parquet bodies too, which takes a reader."""
    overrides: Overrides = field(default_factory=Overrides)
    constraints: tuple[str, ...] = ()
    """PEP 508 lines that narrow versions."""
    indexes: Indexes = field(default_factory=Indexes)
    uses_model_indexes: bool = False
    """Ask the package indexes too that the model's own requirements name."""
    earlier_lock: Lock | None = None
    """Of an earlier build, whose versions are kept."""
    earlier_own_lock: Lock | None = None
    """Of the packages of the model's own Python, where that build had one."""
    lock_policy: LockPolicy = LockPolicy.REUSE
    has_layer: bool = False
    """The dependencies are a Lambda layer, not in the function zip."""
    optimization: Optimization = field(default_factory=Optimization)
    """How the predictions are computed."""
    requires_proof: bool = False
    """A bundle is refused whose predictions could not be compared with the source model's."""
    is_trimmed: bool = True
    is_sourceless: bool = True

    def __post_init__(self) -> None:
        """Refuse an unknown target at once.

        :raises ConfigError: there is no such runtime or architecture, or a value of another kind.
        """
        for name, kind in _KINDS.items():
            if not isinstance(value := getattr(self, name), kind):
                raise ConfigError(f"{name} is a {kind.__name__}, not {value!r}")
        if self.runtime != "auto":
            find_target(self.runtime, self.architecture)

    @property
    def surroundings(self) -> ModelSurroundings:
        """What the model's own environment is made of besides its requirements."""
        return ModelSurroundings(self.overrides, self.constraints, self.indexes)
