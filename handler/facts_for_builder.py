"""What the builder may know of the handler besides the manifest; nothing here runs on Lambda."""

from handler.loaders.python_function import CODE as CODE
from handler.loaders.python_function import OPENERS as OPENERS
from handler.loaders.python_function import PICKLE as PICKLE
from handler.pythonmodels.modules import NAMES as NAMES
from handler.pythonmodels.modules import SIGNATURES as SIGNATURES
from handler.requests.parquet import PARQUET_ARCHIVE as PARQUET_ARCHIVE
from handler.telemetry import ERRORS_METRIC as ERRORS_METRIC
from handler.telemetry import METRIC_NAMESPACE as METRIC_NAMESPACE
