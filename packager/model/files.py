"""The files of a model folder: which ones count, their sizes and digests."""

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from handler.manifest import FileEntry, stays_inside
from packager.support.digests import file_entry

_UNREAD = frozenset(
    (
        *("requirements.txt", "constraints.txt", "conda.yaml", "python_env.yaml"),
        *("input_example.json", "serving_input_example.json", "registered_model_meta"),
        *("environment_variables.txt", ".git"),
    )
)
"""Written for other readers than the loader, or different at each download."""


def posix_name(folder: Path, name: str) -> str:
    """Return a path of the folder as POSIX has it, which MLflow may have written on Windows."""
    is_windows = "\\" in name and not (folder / name).exists()
    return PureWindowsPath(name).as_posix() if is_windows else name


def loaded_names(folder: Path) -> list[str]:
    """Return all that is at the top of a model folder, but what is known to be for other readers.

    For models that are given the whole folder.
    """
    return sorted(path.name for path in folder.iterdir() if path.name not in _UNREAD)


def resolve_inside(folder: Path, name: str, issues: list[str]) -> Path | None:
    """Return the existing path `name` of the folder, or None with the reason in `issues`.

    Absolute names, `..` and symbolic links are refused: a model from elsewhere must not
    make us read, hash or ship what lies outside its folder.
    """
    parts = PurePosixPath(name).parts
    if not parts or not stays_inside(name):
        issues.append(f"{name!r} is not a path inside the model folder")
        return None
    path = folder
    for part in parts:
        path = path / part
        if path.is_symlink():
            issues.append(f"{name} is a symbolic link")
            return None
    if not path.exists():
        issues.append(f"{name} is named but missing")
        return None
    return path


def list_files(folder: Path, roots: Sequence[Path], issues: list[str]) -> tuple[FileEntry, ...]:
    """Return an entry for every file at or below `roots`, sorted by path, each once.

    Byte code is left out: it depends on who imported the model last.
    """
    entries = {}
    for root in roots:
        for path in _walk(root):
            relative = path.relative_to(folder).as_posix()
            if path.is_symlink() or not path.is_file():
                issues.append(f"{relative} is not a regular file")
            else:
                entries[relative] = file_entry(path, relative)
    return tuple(entries[name] for name in sorted(entries))


def _walk(root: Path) -> Iterator[Path]:
    if not root.is_dir() or root.is_symlink():
        yield root
        return
    for child in sorted(root.iterdir()):
        if child.name != "__pycache__" and child.suffix != ".pyc":
            yield from _walk(child)
