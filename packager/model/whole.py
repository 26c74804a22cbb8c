"""Whether a model's files are what they are named: not missing, not something in their place."""

import pickletools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, cast

from handler.manifest import stays_inside
from packager.errors import ModelIncomplete
from packager.support.filebytes import mapped

_AGAIN = "Download or copy it again, as a whole."
_FROM_GIT = "Get the data in the place that the repository was cloned to: "
_START = 512
_PAGES = (b"<!doctype html", b"<html")
_POINTERS = (
    (b"version https://git-lfs.github.com/spec/", "git-LFS pointer", f"{_FROM_GIT}git lfs pull"),
    (b"/annex/objects/", "git-annex pointer", f"{_FROM_GIT}git annex get"),
)


def check_whole(folder: Path, names: Iterable[str]) -> None:
    """Check that these files, and all that is in these folders, are there and are data.

    :param folder: the model's; names that lead outside of it are somebody else's concern.
    :param names: relative paths.
    :raises ModelIncomplete: lists the files that are not whole.
    """
    problems, hints = [], []
    for name in dict.fromkeys(names):
        if not stays_inside(name):
            continue
        root = folder / name
        if not (root.exists() or root.is_symlink()):
            problems.append((name, "is named but missing"))
            hints.append("Download or copy the folder again, as a whole, or log the model again.")
        for path in _files(root):
            if found := _damage(path, is_named=path == root):
                problems.append((path.relative_to(folder).as_posix(), found[0]))
                hints.append(found[1])
    if problems:
        raise ModelIncomplete(folder, problems, hint=hints[0])


def _files(root: Path) -> Iterator[Path]:
    paths = sorted(root.rglob("*")) if root.is_dir() and not root.is_symlink() else [root]
    yield from (path for path in paths if path.is_file() and not path.is_symlink())


def _damage(path: Path, *, is_named: bool) -> tuple[str, str] | None:
    """Return what is wrong with a file, as a clause, and what to do; None: nothing is.

    :param is_named: it is the model's own file, which is never empty.
    """
    with path.open("rb") as file:
        start = file.read(_START)
    if not start:
        return ("is empty", _AGAIN) if is_named else None
    for mark, what, hint in _POINTERS:
        if start.startswith(mark):
            return f"is a {what}, not the data", hint
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(_PAGES) and not path.suffix.lower().startswith(".htm"):
        return "is a web page, saved in place of the data", _AGAIN
    return ("is cut short", _AGAIN) if _is_cut_short(path, start) else None


def _is_cut_short(path: Path, start: bytes) -> bool:
    """Tell whether the file begins as a pickle that does not end."""
    if start[:1] != b"\x80" or not b"\x02" <= start[1:2] <= b"\x05":
        return False
    with mapped(path) as data:
        if data[-1:] == b".":
            return False
        if data.find(b"joblib.numpy_pickle", 0) >= 0:
            return True  # its arrays lie between the opcodes, so they cannot be followed
        data.seek(0)
        try:
            # What follows the end is not read, and no damage.
            for _ in pickletools.genops(cast("IO[bytes]", data)):
                pass
        except (ValueError, OverflowError):
            return True
        return False
