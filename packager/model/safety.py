"""What of a model runs code when it is loaded, and what `--safe-only` does not let pass."""

from packaging.requirements import InvalidRequirement, Requirement

from packager.errors import UnsafeFormat
from packager.model.flavors.objects import foreign_types
from packager.model.flavors.table import flavor_named
from packager.model.mlmodel import ModelSpec

SAFE_VERSIONS = ("skops>=0.12",)
"""Constraints under `--safe-only`: before, a skops file could name one type and construct another
(CVE-2025-54412, CVE-2025-54413)."""


def what_executes_code(spec: ModelSpec) -> str:
    """Return in words what runs code when this model is loaded, which does."""
    if spec.info.code_path is not None:
        return f"the model brings code of its own in {spec.info.code_path}/, which loading executes"
    what = spec.info.data_path or "the model"
    return f"{what} is in {spec.info.serialization_format} format: loading it executes code"


def check_safe(spec: ModelSpec) -> None:
    """Check that a model can be loaded without running anything that came with it.

    :raises UnsafeFormat: it cannot; says why, and what to do instead.
    """
    if spec.info.executes_code:
        raise UnsafeFormat(what_executes_code(spec), _instead(spec))
    if own := [line for line in spec.requirements if _is_of_the_model(line)]:
        raise UnsafeFormat(
            f"the model says where a package of its own is ({own[0]}), which loading executes",
            "log it with packages of an index, and give your own with --with",
        )
    if foreign := foreign_types(spec.info):
        raise UnsafeFormat(
            f"the model wants skops to construct {', '.join(foreign)}, which may be anything",
            "log it without such types in skops_trusted_types",
        )


def _instead(spec: ModelSpec) -> str:
    if spec.info.code_path is not None:
        return "log the model again without code_paths"
    return flavor_named(spec.info.flavor).format_named(spec.info.serialization_format).note


def _is_of_the_model(line: str) -> bool:
    if line.startswith("-") and not line.startswith(("-e", "--editable")):
        return False  # an option of pip's: it names no package
    try:
        return Requirement(line.partition(" --")[0]).url is not None
    except InvalidRequirement:
        return True  # a wheel's path; what is neither, is refused later whatever the option
