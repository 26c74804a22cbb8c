"""Package indexes that a model's requirements name: asked only where the user agrees.

An index decides what is installed, and may be whoever's: it would be asked before the user's own.
"""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from packager.errors import ConfigError
from packager.model.files import resolve_inside
from packager.support.redaction import without_login
from packager.support.uv import Indexes

_OPTION = re.compile(
    r"(?P<option>-i|-f|--(?:index-url|pypi-url|extra-index-url|find-links))(?:\s*=\s*|\s+)(?P<place>\S+)"
)
_VARIABLE = re.compile(r"\$\{(\w+)\}")


def is_index_option(line: str) -> bool:
    """Tell whether a requirement line is pip's option for an index or a folder of wheels."""
    return _OPTION.match(line) is not None


def named_indexes(lines: Sequence[str]) -> tuple[str, ...]:
    """Return the places that such lines name, without their logins."""
    return tuple(without_login(place) for _, place in _places(lines))


def with_model_indexes(indexes: Indexes, lines: Sequence[str], folder: Path) -> Indexes:
    """Return the user's indexes and, after them, those of the model's requirement lines.

    Variables, as in `https://${PIP_TOKEN}@host/`, get their values.

    :param folder: the model's, which the folders of wheels are in.
    :raises ConfigError: a variable is not set, or would be shown in the lock; a folder is missing.
    """
    extra, links, first = (
        list(indexes.extra_index_urls),
        list(indexes.find_links),
        indexes.index_url,
    )
    for option, written in _places(lines):
        place = _filled_in(written)
        if option in ("-f", "--find-links"):
            links.append(place if "://" in place else _folder_of_wheels(place, folder))
        elif option != "--extra-index-url" and first is None:
            first = place
        else:
            extra.append(place)
    return replace(indexes, index_url=first, extra_index_urls=tuple(extra), find_links=tuple(links))


def _places(lines: Sequence[str]) -> Iterator[tuple[str, str]]:
    for match in filter(None, map(_OPTION.match, lines)):
        yield match["option"], match["place"].strip("'\"")


def _filled_in(place: str) -> str:
    login = urlsplit(place).netloc.rpartition("@")[0]
    for name in _VARIABLE.findall(place):
        if f"${{{name}}}" not in login:
            raise ConfigError(
                f"the model's index {without_login(place)} has ${{{name}}} outside of its login:"
                " its value would be in the lock for all to read",
                hint="Name the index with --extra-index-url, and put its login into a netrc file.",
            )
        if name not in os.environ:
            raise ConfigError(
                f"the model's index {without_login(place)} needs the variable {name}, which is"
                " not set",
                hint=f"Set {name}, or build without --use-model-indexes.",
            )
    return _VARIABLE.sub(lambda match: os.environ[match[1]], place)


def _folder_of_wheels(name: str, folder: Path) -> str:
    issues: list[str] = []
    path = resolve_inside(folder, name.removeprefix("./"), issues)
    if path is None:
        raise ConfigError(
            f"the model wants wheels from {name}: {issues[0]}",
            hint="Give the folder with --find-links, and build without --use-model-indexes.",
        )
    return str(path)
