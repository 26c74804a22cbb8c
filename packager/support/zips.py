"""Write zips that depend on their content alone: not on clock, umask, folder or time zone."""

import hashlib
import shutil
import stat
import struct
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path

from handler.manifest import FileEntry
from packager.errors import BundleInvalid
from packager.support.digests import file_entry

# The earliest date a zip can carry; SOURCE_DATE_EPOCH would only make two builds differ.
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)
_WORLD_READABLE = 0o644
_WORLD_EXECUTABLE = 0o755
_CHUNK_BYTES = 1 << 20
_LENGTHS_OFFSET = 26
"""Of the lengths of name and extra field in a file's header, which end it."""
_LEVEL = 6
"""Of compression: 9 takes three times as long and saves less than 1 %."""


def write_archive(folder: Path, destination: Path, *, compress: bool = True) -> FileEntry:
    """Zip every file below `folder` and return the archive's name, size and digest.

    Files are in sorted order with a fixed date and modes 0644 or 0755, so that Lambda's
    user can read them whatever the builder's umask was. Symlinks are followed.

    :param compress: False stores the bytes as they are: models are compressed already, or
        cost more to inflate at cold start than to fetch.
    """
    return archive_files(_files_by_name(folder), destination, compress=compress)


def archive_files(
    files: Mapping[str, Path], destination: Path, *, compress: bool = True
) -> FileEntry:
    """Zip files from wherever they are; else as :func:`write_archive`.

    :param files: by their names in the archive.
    """
    method = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    with zipfile.ZipFile(destination, "w", compresslevel=_LEVEL) as archive:
        _add_files(archive, files, method)
    return file_entry(destination, destination.name)


def extend_archive(base: Path, folder: Path, destination: Path) -> None:
    """Write the archive `base` with every file below `folder` after its own.

    What `base` holds is copied as it is, not compressed again.

    :raises BundleInvalid: `base` is no whole zip.
    """
    shutil.copyfile(base, destination)
    try:
        # "a" alone would begin a zip after whatever there is.
        zipfile.ZipFile(destination).close()
    except zipfile.BadZipFile as error:
        raise BundleInvalid(f"{base} is no whole zip: {error}", hint="Build again.") from error
    with zipfile.ZipFile(destination, "a", compresslevel=_LEVEL) as archive:
        _add_files(archive, _files_by_name(folder), zipfile.ZIP_DEFLATED)


def frame_sha256(archive_path: Path, paths: Collection[str]) -> str:
    """Return the digest of an archive's bytes without those of the named, stored files."""
    with zipfile.ZipFile(archive_path) as archive, archive_path.open("rb") as file:
        infos = [info for info in archive.infolist() if info.filename in paths]
        digest, position = hashlib.sha256(), 0
        for info in sorted(infos, key=lambda info: info.header_offset):
            file.seek(info.header_offset + _LENGTHS_OFFSET)
            begin = file.tell() + 4 + sum(struct.unpack("<HH", file.read(4)))
            file.seek(position)
            digest.update(file.read(begin - position))
            position = begin + info.file_size
        file.seek(position)
        digest.update(file.read())
    return digest.hexdigest()


def _add_files(archive: zipfile.ZipFile, files: Mapping[str, Path], method: int) -> None:
    for name, path in sorted(files.items()):
        entry = zipfile.ZipInfo(name, _FIXED_DATE)
        entry.compress_type = method
        entry.create_system = 3  # Unix, whatever built it: else the modes are ignored
        status = path.stat()
        executable = status.st_mode & stat.S_IXUSR
        entry.external_attr = (_WORLD_EXECUTABLE if executable else _WORLD_READABLE) << 16
        entry.file_size = status.st_size  # lets zipfile choose zip64 for large models
        with path.open("rb") as source, archive.open(entry, "w") as sink:
            while chunk := source.read(_CHUNK_BYTES):
                sink.write(chunk)


def _files_by_name(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in sorted_files(folder)}


def sorted_files(folder: Path) -> list[Path]:
    """Return every file below `folder`, in the order of their POSIX paths."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(files, key=lambda path: path.relative_to(folder).as_posix())
