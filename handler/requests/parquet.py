"""DataFrames from parquet bodies, for bundles that carry a reader.

The reader is pyarrow, MLflow's own: no smaller one reads every file as it does and survives
a damaged one. Its 100 MB unpacked fit beside scikit-learn only as an archive, so
`packager build --with-parquet` adds that, and the first parquet request unpacks it. Until
then it costs neither memory nor time.
"""

import importlib.util
import io
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from handler.config import HandlerConfig
from handler.errors import HandlerError, MalformedRequest, UnsupportedMediaType
from handler.fetch.on_demand import add_to_path, find_archive

if TYPE_CHECKING:
    import pandas as pd

PARQUET_ARCHIVE = "parquet.zip"
"""In the function's package, or at the top of its layer's: pyarrow's own folder, trimmed to what
reading needs."""


class ParquetReader:
    """Reads parquet bodies. Safe for use by several threads.

    :param archive: the packed reader; None, or a path where there is none: pyarrow is a
        package like any other, or absent.
    :param cache_dir: where to unpack it; Lambda's only writable folder is /tmp.
    """

    def __init__(self, archive: Path | None = None, cache_dir: Path | None = None) -> None:
        self._archive = archive if archive is not None and archive.is_file() else None
        self._cache_dir = cache_dir
        self._lock = threading.Lock()

    @property
    def is_available(self) -> bool:
        """Whether parquet bodies can be read at all."""
        return self._archive is not None or _is_installed()

    def read(self, body: bytes) -> "pd.DataFrame":
        """Return the frame of a parquet body, with the types that the file declares.

        :raises UnsupportedMediaType: the bundle carries no parquet reader.
        :raises MalformedRequest: not a parquet file.
        :raises HandlerError: the reader cannot be unpacked (the disk is full) or loaded.
        """
        # Imported here: models without frames must not pay for pandas.
        import pandas as pd

        if not self.is_available:
            raise UnsupportedMediaType(
                "This function has no parquet reader: send JSON or CSV, or build it with"
                " `packager build --with-parquet`."
            )
        self._unpack()
        try:
            return pd.read_parquet(io.BytesIO(body), engine="pyarrow")
        except ImportError as error:
            raise HandlerError(
                "The parquet reader cannot be loaded; the function's log says why."
            ) from error
        except Exception as error:  # whatever the reader finds wrong with the caller's data
            raise MalformedRequest("The body cannot be read as parquet.") from error

    def _unpack(self) -> None:
        with self._lock:
            if self._archive is None or _is_installed():
                return
            try:
                add_to_path(self._archive, self._cache_dir or Path(tempfile.gettempdir()))
            except OSError as error:
                raise HandlerError(
                    "The parquet reader cannot be unpacked: it needs about 100 MB of the"
                    " function's temporary folder (EphemeralStorage)."
                ) from error


def parquet_reader(config: HandlerConfig) -> ParquetReader:
    """Return the reader of the function's package, or of its layer."""
    return ParquetReader(find_archive(PARQUET_ARCHIVE, config.task_root), config.cache_dir)


def _is_installed() -> bool:
    return importlib.util.find_spec("pyarrow") is not None
