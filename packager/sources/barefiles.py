"""Which flavor a bare model file or folder is of."""

from collections.abc import Iterable
from pathlib import Path

from packager.errors import ConfigError, ModelError
from packager.sources import boosters, estimators, forecasts, networks, pipelines
from packager.sources.bareformat import BareFormat

FORMATS: tuple[BareFormat, ...] = (
    *estimators.FORMATS,
    *boosters.FORMATS,
    *networks.FORMATS,
    *forecasts.FORMATS,
    *pipelines.FORMATS,
)
"""All that can be recognised. Where two rows match, the first is right."""

BARE_FLAVORS = tuple(dict.fromkeys(row.flavor for row in FORMATS))
BARE_SUFFIXES = tuple(dict.fromkeys(suffix for row in FORMATS for suffix in row.suffixes if suffix))


def is_bare_folder(path: Path) -> bool:
    """Tell whether a folder is itself what a library saved."""
    return any("" in row.suffixes and row.matches(path) for row in FORMATS)


def find_format(path: Path, flavor: str | None) -> BareFormat:
    """Return the row of an existing file or folder.

    :param flavor: what the user says it is; None: nothing.
    :raises ConfigError: the flavor is unknown, or has to be given.
    :raises ModelError: the file is empty or of another kind than its name says.
    """
    if flavor is not None and flavor not in BARE_FLAVORS:
        raise ConfigError(
            f"a bare file of flavor {flavor!r} cannot be read",
            hint=f"Supported: {', '.join(BARE_FLAVORS)}.",
        )
    rows = [row for row in FORMATS if flavor in (None, row.flavor) and _has_suffix(path, row)]
    if not rows:
        raise _wrong_name(path, flavor)
    if path.is_file() and not path.stat().st_size:
        raise ModelError(f"{path} is empty")
    matching = [row for row in rows if row.matches(path)]
    if not matching:
        raise _wrong_content(path, rows)
    seen = [row for row in matching if flavor is not None or not row.is_told]
    if not seen:
        raise ConfigError(
            f"{path} is a bare model file: which library wrote it?",
            hint=f"Add --flavor {_or(row.flavor for row in matching)}.",
        )
    return seen[0]


def _has_suffix(path: Path, row: BareFormat) -> bool:
    return "" in row.suffixes if path.is_dir() else path.suffix.lower() in row.suffixes


def _wrong_name(path: Path, flavor: str | None) -> ModelError:
    if flavor is None:
        return ModelError(
            f"{path} is a file, not an MLflow model folder",
            hint=f"Bare model files end in {', '.join(BARE_SUFFIXES)}.",
        )
    suffixes = dict.fromkeys(
        suffix for row in FORMATS if row.flavor == flavor for suffix in row.suffixes
    )
    names = _or(suffix or "a folder" for suffix in suffixes)
    return ModelError(
        f"{path} has no name of a bare {flavor} model",
        hint=f"Such a model is in {names}: rename it, or save it as that.",
    )


def _wrong_content(path: Path, rows: list[BareFormat]) -> ModelError:
    names = _or(row.flavor for row in rows)
    return ModelError(
        f"{path} is not a model of {names}, whatever its name says, or it is damaged",
        hint="Save it again with the library that made it, under the name that goes with it.",
    )


def _or(names: Iterable[str]) -> str:
    *others, last = dict.fromkeys(names)
    return f"{', '.join(others)} or {last}" if others else last
