"""Pack the parquet reader: pyarrow, as an archive that the handler unpacks when it is asked to.

Lambda counts 262 MB unzipped. pyarrow has 141 MB as its wheel unpacks and 99 MB without what
reading a table needs not; beside scikit-learn neither fits, the archive of 29 MB does.
"""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from handler.facts_for_builder import PARQUET_ARCHIVE
from packager.packages.trim import tree_size
from packager.requirements.select import PARQUET_READER
from packager.support.zips import write_archive

# Not what the libraries link against (substrait, dataset and acero too), and `parquet` does
# without `dataset`: it then reads the file itself.
_LEFT_OUT = (
    "include",
    "includes",
    "src",
    "libarrow*.so",  # the same libraries under names that only compilers look for
    "libarrow*.so.*.*.*",
    "*flight*",
    "libarrow_s3*",
    "*_parquet_encryption*",
    *(
        f"_{part}.*"
        for part in ("acero", "azurefs", "csv", "dataset", "dataset_orc", "dataset_parquet")
    ),
    *(f"_{part}.*" for part in ("feather", "gcsfs", "hdfs", "json", "orc", "s3fs", "substrait")),
    "_pyarrow_cpp_tests.*",
)


@dataclass(frozen=True)
class PackedReader:
    """The parquet reader in the staging dir."""

    size_bytes: int
    """What Lambda counts."""
    unpacked_bytes: int
    """What it takes of the function's temporary folder once it was asked for."""

    @property
    def weight(self) -> str:
        """What it weighs, in words."""
        return (
            f"{self.size_bytes / 1e6:.1f} MB in the bundle,"
            f" {self.unpacked_bytes / 1e6:.1f} MB of /tmp from the first parquet request on"
        )


def pack_reader(staging: Path) -> PackedReader:
    """Replace pyarrow in the staging dir by an archive of what reads parquet."""
    with tempfile.TemporaryDirectory(dir=staging.parent) as name:
        folder = Path(name)
        reader = folder / PARQUET_READER
        shutil.move(staging / PARQUET_READER, reader)
        for path in [path for glob in _LEFT_OUT for path in reader.glob(glob)]:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        unpacked_bytes = tree_size(folder)
        entry = write_archive(folder, staging / PARQUET_ARCHIVE)
    return PackedReader(entry.size_bytes, unpacked_bytes)
