"""Makes ready for MLflow itself, for the models that need it."""

import importlib.util
import os
import sys
from types import ModuleType

_DEFAULTS = {
    # Else MLflow tells its authors what it is used for, from a thread, and keeps a file in the
    # home folder, which Lambda has not.
    "MLFLOW_DISABLE_TELEMETRY": "true",
    # What MLflow's scoring server sets: JSON has text where a hint says bytes or datetime.
    "_MLFLOW_IS_IN_SERVING_ENVIRONMENT": "true",
    # Where libraries keep what they keep in the home folder otherwise.
    "XDG_CACHE_HOME": "/tmp/.cache",
}
_WITHOUT_TRACES = {"MLFLOW_TRACE_SAMPLING_RATIO": "0"}
_OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "TRANSFORMERS_OFFLINE": "1"}


def prepare_mlflow(*, is_offline: bool = False) -> None:
    """Make MLflow keep to itself; to be called before it is imported.

    Environment variables that are set already stay. Traces are recorded only where
    MLFLOW_TRACKING_URI says where to send them.

    :param is_offline: the model has all its files: no library is to ask the Hugging Face Hub.
    """
    defaults = dict(_DEFAULTS)
    if "MLFLOW_TRACKING_URI" not in os.environ:
        defaults |= _WITHOUT_TRACES
    if is_offline:
        defaults |= _OFFLINE
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
    if "databricks" not in sys.modules and importlib.util.find_spec("databricks") is None:
        # Its SDK is left out. MLflow only asks for other modules of that name, by `find_spec`,
        # which fails where there is no package to look in.
        package = ModuleType("databricks")
        package.__path__ = []
        sys.modules["databricks"] = package
