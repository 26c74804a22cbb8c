"""Read requirements files as pip does: encodings, continued lines, and the files that they name."""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from packager.model.files import resolve_inside

_CONTINUED_LINE = re.compile(r"\\\r?\n")
_COMMENT = re.compile(r"(^|\s)#.*$")
_INCLUDED = re.compile(r"(?:-r|--requirement|-c|--constraint)(?:\s+|\s*=\s*|(?=[^-\s=]))(.+)")
_UTF16 = (BOM_UTF16_LE, BOM_UTF16_BE)


@dataclass
class RequirementFiles:
    """Requirements and constraints, collected from a file and from those that it names."""

    folder: Path
    """The model's: nothing outside of it is read."""
    lines: list[str] = field(default_factory=list)
    """As written, without comments and blanks; an included file that cannot be read stays a line
    as `-r base.txt`."""
    constraints: list[str] = field(default_factory=list)
    _seen: set[Path] = field(default_factory=set)

    def add_file(self, path: Path) -> None:
        """Add what this file says.

        :raises UnicodeDecodeError: it is not text.
        """
        text = decode_requirements(path.read_bytes())
        self.add_lines(parse_requirement_lines(text), path.parent)

    def add_lines(self, lines: Iterator[str] | tuple[str, ...], beside: Path) -> None:
        """Add lines, and what the files say that they name.

        :param beside: the folder that the files' names are relative to.
        """
        self._add(lines, beside, self.lines)

    def _add(self, lines: Iterator[str] | tuple[str, ...], beside: Path, into: list[str]) -> None:
        for line in lines:
            included = _INCLUDED.fullmatch(line)
            if included is None:
                into.append(line)
                continue
            is_constraint = line.startswith(("-c", "--c"))
            path = self._inside(beside, included[1].strip("'\""))
            if path is None:
                self.lines.append(line)
            elif path not in self._seen:
                self._seen.add(path)
                there = parse_requirement_lines(decode_requirements(path.read_bytes()))
                self._add(there, path.parent, self.constraints if is_constraint else into)

    def _inside(self, beside: Path, name: str) -> Path | None:
        place = PurePosixPath(beside.relative_to(self.folder).as_posix()) / name
        path = resolve_inside(self.folder, place.as_posix(), [])
        return path if path and path.is_file() else None


def decode_requirements(data: bytes) -> str:
    """Return the text of a requirements file: UTF-8, or UTF-16 as PowerShell's `>` writes it.

    :raises UnicodeDecodeError: it is neither.
    """
    return data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")


def parse_requirement_lines(text: str) -> tuple[str, ...]:
    """Return the lines without comments and blanks; continued lines are joined."""
    joined = _CONTINUED_LINE.sub(" ", text)
    lines = (_COMMENT.sub("", line).strip() for line in joined.splitlines())
    return tuple(line for line in lines if line)
