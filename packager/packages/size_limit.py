"""Lambda's size limits, checked before anything is uploaded."""

from collections.abc import Sequence
from pathlib import Path

from handler.manifest import FileEntry
from packager.aws.runtimes import MAX_DIRECT_UPLOAD_BYTES, MAX_IMAGE_BYTES, MAX_UNZIPPED_BYTES
from packager.errors import LimitExceeded
from packager.packages.trim import tree_size

_SHOWN_PACKAGES = 10


def largest_packages(staging: Path) -> list[tuple[str, int]]:
    """Return the top-level names of the staging dir with their bytes, largest first.

    `numpy.libs`, the shared libraries that came with numpy's wheel, counts as numpy.
    """
    sizes: dict[str, int] = {}
    for path in staging.iterdir():
        if path.name.endswith(".dist-info"):
            continue
        name = path.name.removesuffix(".libs")
        sizes[name] = sizes.get(name, 0) + tree_size(path)
    return sorted(sizes.items(), key=lambda item: (-item[1], item[0]))


def check_unzipped(
    total_bytes: int, packages: Sequence[tuple[str, int]], *, limit_bytes: int = MAX_UNZIPPED_BYTES
) -> None:
    """Check what Lambda counts.

    :param packages: names and bytes, largest first, to show.
    :raises LimitExceeded: Lambda would refuse that much; names the largest packages.
    """
    if total_bytes <= limit_bytes:
        return
    table = "\n".join(
        f"  {size / 1e6:8.1f} MB  {name}" for name, size in packages[:_SHOWN_PACKAGES]
    )
    image = ", or build a container image, which may have 10 GB: --package image, without --layer"
    raise LimitExceeded(
        f"unzipped the bundle has {total_bytes / 1e6:.1f} MB, trimmed as far as it can be; Lambda"
        f" takes {limit_bytes / 1e6:.1f} MB:\n{table}",
        hint="Leave out what the model does not need with --drop NAME"
        f"{image if limit_bytes < MAX_IMAGE_BYTES else ''}.",
    )


def direct_upload_warning(archive: FileEntry) -> str | None:
    """Return a warning when the zip must go through S3, None when it need not."""
    if archive.size_bytes <= MAX_DIRECT_UPLOAD_BYTES:
        return None
    return (
        f"{archive.path} has {archive.size_bytes / 1e6:.1f} MB: over"
        f" {MAX_DIRECT_UPLOAD_BYTES / 1e6:.0f} MB Lambda takes it through S3 only"
        " (`packager publish`, `sam deploy` do so)"
    )
