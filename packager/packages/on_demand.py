"""Pack what a compiled model's regular requests do without: archives for the handler to unpack.

`handler/fetch/on_demand.py` is the other half, and says what it is good for.
"""

import shutil
import tempfile
from pathlib import Path

from handler.manifest import PackedEntry
from packager.support.zips import write_archive

# Where another package wants one of these too, its import unpacks them.
_GROUPS = {
    "pandas.zip": ("pandas", "dateutil", "pytz", "tzdata", "six.py"),
    "fastapi.zip": (
        *("fastapi", "starlette", "pydantic", "pydantic_core", "typing_inspection"),
        *("annotated_types", "annotated_doc", "anyio", "sniffio", "idna", "opentelemetry"),
    ),
}
"""Names at the top of the staging dir, by the archive that they go into: pandas and FastAPI with
what they require, besides numpy and what Mangum imports."""


def pack_packages(staging: Path) -> tuple[PackedEntry, ...]:
    """Replace packages in the staging dir by archives, and return what is in these.

    The `*.dist-info` stay outside, for `importlib.metadata`.
    """
    return tuple(
        PackedEntry(archive, _pack(staging, archive, names)) for archive, names in _GROUPS.items()
    )


def _pack(staging: Path, archive: str, names: tuple[str, ...]) -> tuple[str, ...]:
    # Compiled already: `six.py` may be `six.pyc`.
    candidates = [path for name in names for path in (staging / name, staging / f"{name}c")]
    found = [path for path in candidates if path.exists()]
    with tempfile.TemporaryDirectory(dir=staging.parent) as name:
        folder = Path(name)
        for path in found:
            shutil.move(path, folder / path.name)
        write_archive(folder, staging / archive)
    return tuple(path.name.partition(".")[0] for path in found)
