"""Checks of the zips' entries: names, modes, sizes, and who provides `handler`."""

import stat
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath

from handler.manifest import BundleManifest
from packager.aws.runtimes import (
    MAX_DIRECT_UPLOAD_BYTES,
    MAX_IMAGE_BYTES,
    MAX_TMP_MIB,
    MAX_UNZIPPED_BYTES,
)
from packager.checking.report import Check, Problem
from packager.checking.zipped import ZipContents
from packager.version import __version__

NAMES, MODEL_FILES = "safe names", "model files"
_UNIX = 3
"""The zip entry's attributes are a Unix mode (APPNOTE.TXT, 4.4.2)."""
_SHOWN_PACKAGES = 5
_REBUILD = "Build the bundle again; `packager build` never writes such an entry."


def check_names(archives: Mapping[str, Sequence[zipfile.ZipInfo]]) -> Check:
    """Check that every entry unpacks to a file of its own below the target folder.

    :param archives: the entries of each zip, by its name.
    """
    problems = [fault for name, members in archives.items() for fault in _faults(name, members)]
    count = sum(map(len, archives.values()))
    return Check.of(NAMES, problems, f"{count} entries, all plain files below the root")


def check_modes(members: Sequence[zipfile.ZipInfo]) -> Check:
    """Check that the user that Lambda runs functions as can read every file."""
    unreadable = [member for member in members if not _is_readable(member)]
    problems = [
        Problem(
            f"{member.filename} has mode {_mode(member) & 0o777:04o}: Lambda runs the function as"
            " a user of its own, who cannot read it",
            "Zip it with mode 0644 (folders and programs 0755).",
        )
        for member in unreadable
    ]
    return Check.of("readable files", problems, "any user can read every file")


def check_handler(contents: ZipContents, manifest: BundleManifest) -> Check:
    """Check that nothing but ours is imported as `handler`."""
    names = [member.filename for member in contents.members if not member.is_dir()]
    others = [name for name in names if _is_handler_module(name)]
    problems = [
        Problem(
            f"{name} at the top of the zip is a second module `handler`"
            f"{_brought_by(contents)}: the function's own is the folder handler/",
            "Rename it, or leave out the package that brings it with --drop NAME.",
        )
        for name in others
    ]
    if "handler/main.py" not in names and "handler/main.pyc" not in names:
        problems.append(
            Problem("handler/main.py, which Lambda calls, is not in the zip", "Build it again.")
        )
    if manifest.packager_version != __version__:
        return Check.of(
            "handler",
            problems,
            f"one module `handler`; its files are those of packager {manifest.packager_version},"
            " which this version does not know",
        )
    # Another package's flavor brings a loader of its name.
    ours = {*_our_handler_files(), f"handler/loaders/{manifest.model.flavor}.py"}
    inside = [name for name in names if name.startswith("handler/")]
    problems += [
        Problem(
            f"{name} is not a file of the handler: a dependency or the model put it there"
            f"{_brought_by(contents)}",
            "Two packages cannot both be called `handler`: rename the other one, or leave it out"
            " with --drop NAME.",
        )
        for name in inside
        if _source_name(name) not in ours
    ]
    return Check.of("handler", problems, "one module `handler`, all of its files are ours")


def check_sizes(contents: ZipContents, manifest: BundleManifest, zips: Sequence[Path]) -> Check:
    """Check what Lambda limits; the model counts where it is unpacked, a layer with the function.

    :param zips: what `contents` was read from.
    """
    is_image = manifest.package_type == "image"
    limit_bytes = MAX_IMAGE_BYTES if is_image else MAX_UNZIPPED_BYTES
    total_bytes = contents.unzipped_bytes
    problems = []
    if total_bytes > limit_bytes:
        problems.append(
            Problem(
                f"unzipped the function has {_mb(total_bytes)}, Lambda takes {_mb(limit_bytes)}"
                f"{' as an image' if is_image else ''}; the largest: {_largest(contents)}",
                "Leave out what the model does not need with --drop NAME."
                if is_image
                else "Leave out what the model does not need with --drop NAME, or build a"
                " container image: --package image.",
            )
        )
    problems += _model_size_problems(manifest)
    way = ""
    zipped_bytes = max(path.stat().st_size for path in zips)
    if not is_image and zipped_bytes > MAX_DIRECT_UPLOAD_BYTES:
        way = f"; zipped {_mb(zipped_bytes)}: to be uploaded through S3"
    return Check.of(
        "size limits", problems, f"unzipped {_mb(total_bytes)} of {_mb(limit_bytes)}{way}"
    )


def check_model_files(manifest: BundleManifest, members: Sequence[zipfile.ZipInfo]) -> Check:
    """Check that the model's files are where the handler looks for them."""
    wanted = {entry.path: entry.size_bytes for entry in manifest.model.files}
    found = {member.filename: member.file_size for member in members}
    place = "model.zip" if manifest.model_archive else "function.zip"
    problems = [
        Problem(
            f"{place}: the model's file {path} "
            + ("is missing" if path not in found else f"has {found[path]} bytes, not {size}"),
            "Build the bundle again.",
        )
        for path, size in sorted(wanted.items())
        if found.get(path) != size
    ]
    return Check.of(MODEL_FILES, problems, f"all {len(wanted)} of them are in {place}")


def model_members(
    contents: ZipContents, manifest: BundleManifest, model_zip: Path | None
) -> tuple[zipfile.ZipInfo, ...]:
    """Return the entries with the model, by their paths in the model folder.

    :raises zipfile.BadZipFile: the model archive is damaged.
    """
    if model_zip is not None:
        with zipfile.ZipFile(model_zip) as archive:
            return tuple(archive.infolist())
    return contents.below("model")


def _faults(archive: str, members: Sequence[zipfile.ZipInfo]) -> Iterator[Problem]:
    for member in members:
        fault = _name_fault(member)
        if fault:
            yield Problem(f"{archive}: entry {member.orig_filename!r} {fault}", _REBUILD)
    counts = Counter(member.filename for member in members)
    for name, count in sorted(counts.items()):
        if count > 1:
            yield Problem(
                f"{archive}: {name} is in it {count} times; which one counts depends on who"
                " unpacks it",
                _REBUILD,
            )


def _name_fault(member: zipfile.ZipInfo) -> str | None:
    # orig_filename: what the archive says, before zipfile makes it a path of this system.
    name = member.orig_filename
    path = PurePosixPath(name)
    if path.is_absolute() or "\\" in name or ":" in path.parts[:1]:
        return "is not a relative path"
    if ".." in path.parts:
        return "climbs out of the folder that it is unpacked into"
    if "\0" in name or not path.parts:
        return "is no file name"
    kind = stat.S_IFMT(_mode(member))
    if kind == stat.S_IFLNK:
        return "is a symbolic link: Lambda would follow it to anywhere"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is neither a file nor a folder"
    return None


def _mode(member: zipfile.ZipInfo) -> int:
    return member.external_attr >> 16


def _is_readable(member: zipfile.ZipInfo) -> bool:
    if member.create_system != _UNIX or _mode(member) == 0:
        return True  # no modes: whoever unpacks it gives usual ones
    wanted = 0o005 if member.is_dir() else 0o004
    return _mode(member) & wanted == wanted


def _is_handler_module(name: str) -> bool:
    return "/" not in name and name.startswith("handler.") and name.endswith((".py", ".pyc", ".so"))


def _source_name(name: str) -> str:
    """Return the source file behind a bytecode file's name, else the name itself."""
    path = PurePosixPath(name)
    if path.suffix != ".pyc":
        return name
    folder = path.parent.parent if path.parent.name == "__pycache__" else path.parent
    return str(folder / f"{path.name.split('.')[0]}.py")


def _our_handler_files() -> Iterator[str]:
    def walk(folder: Traversable, prefix: str) -> Iterator[str]:
        for item in folder.iterdir():
            if item.is_dir():
                yield from walk(item, f"{prefix}{item.name}/")
            else:
                yield f"{prefix}{item.name}"

    return walk(resources.files("handler"), "handler/")


def _brought_by(contents: ZipContents) -> str:
    labels = [info.label for info in contents.dist_infos if "handler" in info.modules]
    return f" (from {', '.join(labels)})" if labels else ""


def _model_size_problems(manifest: BundleManifest) -> Iterator[Problem]:
    if manifest.model_archive is None:
        return
    needed_bytes = sum(entry.size_bytes for entry in manifest.model.files)
    if needed_bytes > MAX_TMP_MIB * 2**20:
        yield Problem(
            f"the model needs {_mb(needed_bytes)} of /tmp; Lambda gives {MAX_TMP_MIB} MiB at most",
            "Make the model smaller, or build a container image that carries it: --package image"
            " --model-source embedded.",
        )


def _largest(contents: ZipContents) -> str:
    sizes: Counter[str] = Counter()
    for member in contents.members:
        sizes[contents.owner(member.filename)] += member.file_size
    largest = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN_PACKAGES]
    return ", ".join(f"{name} {_mb(size)}" for name, size in largest)


def _mb(size_bytes: int) -> str:
    return f"{size_bytes / 1e6:.1f} MB"
