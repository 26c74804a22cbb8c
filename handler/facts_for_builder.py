"""What the builder may know of the handler besides the manifest; nothing here runs on Lambda."""

from handler.loaders.python_function import CODE, OPENERS, PICKLE
from handler.pythonmodels.modules import NAMES, SIGNATURES
from handler.requests.parquet import PARQUET_ARCHIVE
from handler.telemetry import ERRORS_METRIC, METRIC_NAMESPACE

__all__ = [
    "CODE",
    "ERRORS_METRIC",
    "METRIC_NAMESPACE",
    "NAMES",
    "OPENERS",
    "PARQUET_ARCHIVE",
    "PICKLE",
    "SIGNATURES",
]
