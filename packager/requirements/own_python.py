"""What a model that runs in its own Python needs there, and what the function beside it needs.

MLflow itself loads the model: in the version that logged it, or the nearest that there is.
"""

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from packager.model.mlmodel import ModelSpec
from packager.requirements.lines import read_lines
from packager.requirements.select import HANDLER_REQUIREMENTS, IN_RUNTIME, Requirements
from packager.requirements.substitutes import (
    LEFT_OUT_OF_MLFLOW,
    MLFLOWS,
    find_replacements,
    is_pin,
)

_FIRST_SKINNY = Version("1.13")
_MLFLOWS_OWN = (
    "numpy",
    "pandas",  # mlflow.pyfunc imports both, and mlflow-skinny requires neither
    "setuptools<81",  # the last with pkg_resources, which MLflow 1 and 2 import
)
_RUNTIME_CLIENT = "awslambdaric"
TABLES = "pandas<3"
"""As the old ones, it keeps text as objects and a missing one as None."""


def model_lines(spec: ModelSpec, requirements: Requirements) -> tuple[str, ...]:
    """Return the PEP 508 lines of the model's own packages.

    :param requirements: the model's, with the user's word.
    """
    instead = {item.requirement: item.replacement for item in requirements.replaced}
    lines = [instead.get(line, line) for line in requirements.kept]
    lines += [instead.get(item.requirement, item.requirement) for item in requirements.added]
    # Debian has nothing of what Lambda's runtimes ship.
    lines += [item.requirement for item in requirements.dropped if item.reason == IN_RUNTIME]
    names = set(map(_name, lines))
    if names.isdisjoint(MLFLOWS):
        lines.append(_mlflow(spec))
    lines += [line for line in _MLFLOWS_OWN if _name(line) not in names]
    return tuple(dict.fromkeys(lines))


def model_exclusions(requirements: Requirements) -> tuple[str, ...]:
    """Return the globs of what must not come along: an old MLflow may import all it requires."""
    unused = {name for name, _ in LEFT_OUT_OF_MLFLOW}
    names = (item.requirement for item in requirements.excluded)
    return tuple(name for name in names if name not in unused)


def function_lines(requirements: Requirements, *, has_s3: bool) -> tuple[str, ...]:
    """Return the lines of what the handler needs in an image that has nothing of Lambda's.

    :param has_s3: the model is fetched from there.
    """
    reader = () if requirements.parquet_reader is None else (requirements.parquet_reader,)
    sdk = ("boto3",) if has_s3 else ()
    return (*HANDLER_REQUIREMENTS, TABLES, _RUNTIME_CLIENT, *reader, *sdk)


def _mlflow(spec: ModelSpec) -> str:
    """Return the requirement of MLflow without its server."""
    lines = [line for line in read_lines(spec).requirements if _name(line) in MLFLOWS]
    pins = [line for line in lines if is_pin(Requirement(line))]
    version = _version(spec.info.mlflow_version)
    if version is not None and not pins:
        return f"mlflow-skinny=={version}" if version >= _FIRST_SKINNY else "mlflow-skinny<1.14"
    for line in (*pins, *lines):
        (found,) = find_replacements({line: Requirement(line)}, None) or (None,)
        return found.replacement if found else line
    return f"mlflow-skinny>={_FIRST_SKINNY}"


def _version(text: str | None) -> Version | None:
    try:
        return Version(text or "")
    except InvalidVersion:
        return None


def _name(line: str) -> str:
    return canonicalize_name(Requirement(line).name)
