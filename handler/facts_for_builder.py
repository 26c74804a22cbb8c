"""What the builder may know of the handler besides the manifest; nothing here runs on Lambda."""

from handler.loaders.python_function import CODE as CODE, OPENERS as OPENERS, PICKLE as PICKLE
from handler.pythonmodels.modules import NAMES as NAMES, SIGNATURES as SIGNATURES
from handler.requests.parquet import PARQUET_ARCHIVE as PARQUET_ARCHIVE
from handler.telemetry import ERRORS_METRIC as ERRORS_METRIC, METRIC_NAMESPACE as METRIC_NAMESPACE
