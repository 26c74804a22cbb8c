"""MLflow's exception, as Python models raise it.

Source: `mlflow/exceptions.py` and `mlflow/error_classification.py` of MLflow 3.18.
"""

import json
from typing import Any, Self

_INTERNAL = "CLIENT_INTERNAL_ERROR"
# Name: the number in MLflow's protocol, the HTTP status, the error class.
_CODES: dict[str, tuple[int, int, str | None]] = {
    "INTERNAL_ERROR": (1, 500, _INTERNAL),
    "TEMPORARILY_UNAVAILABLE": (2, 503, _INTERNAL),
    "BAD_REQUEST": (4, 400, "INVALID_PARAMETER_VALUE"),
    "DEADLINE_EXCEEDED": (7, 504, None),
    "CANCELLED": (8, 499, None),
    "RESOURCE_EXHAUSTED": (9, 429, None),
    "ABORTED": (10, 409, None),
    "NOT_FOUND": (11, 404, "RESOURCE_NOT_FOUND"),
    "ALREADY_EXISTS": (12, 409, None),
    "UNAUTHENTICATED": (13, 401, None),
    "INVALID_PARAMETER_VALUE": (1000, 400, "INVALID_PARAMETER_VALUE"),
    "ENDPOINT_NOT_FOUND": (1001, 404, "RESOURCE_NOT_FOUND"),
    "INVALID_STATE": (1003, 500, _INTERNAL),
    "PERMISSION_DENIED": (1004, 403, "PERMISSION_DENIED"),
    "FEATURE_DISABLED": (1005, 500, "FEATURE_DISABLED"),
    "CUSTOMER_UNAUTHORIZED": (1006, 401, "PERMISSION_DENIED"),
    "REQUEST_LIMIT_EXCEEDED": (1007, 429, None),
    "RESOURCE_CONFLICT": (1008, 409, None),
    "NOT_IMPLEMENTED": (1010, 501, None),
    "DATA_LOSS": (1011, 500, None),
    "RESOURCE_ALREADY_EXISTS": (3001, 400, "RESOURCE_ALREADY_EXISTS"),
    "RESOURCE_DOES_NOT_EXIST": (3002, 404, "RESOURCE_NOT_FOUND"),
}
ERROR_CODES = {name: number for name, (number, _, _) in _CODES.items()}
"""What `mlflow.protos.databricks_pb2` has of them."""
_NAMES = {number: name for name, number in ERROR_CODES.items()}
_SQLSTATES = {
    "ATTRIBUTE_NOT_FOUND": "KAM04",
    "MODEL_SERIALIZATION_FAILED": "KAM03",
    "PREDICTION_FUNCTION_FAILED": "KAM02",
    "SCHEMA_ENFORCEMENT_FAILED": "KAM01",
}


class MlflowException(Exception):
    """How a model refuses a request: what callers are told, and with which status.

    :param error_code: a number of `ERROR_CODES`.
    :param kwargs: further keys of the answer.
    """

    def __init__(
        self,
        message: object,
        error_code: int = 1,
        sqlstate: str | None = None,
        error_class: str | None = None,
        **kwargs: Any,
    ) -> None:
        self.error_code = _NAMES.get(error_code, "INTERNAL_ERROR")
        self.message = str(message)
        default = _CODES[self.error_code][2]
        self.error_class = default if error_class is None else error_class
        if sqlstate is None:
            sqlstate = _SQLSTATES.get(self.error_class or "", _sqlstate(default))
        self.sqlstate = sqlstate
        self.json_kwargs = kwargs
        super().__init__(self.message)

    def serialize_as_json(self) -> str:
        """Return the answer's body: code, message, what there is of a class, and the kwargs."""
        told = {"error_code": self.error_code, "message": self.message}
        if self.sqlstate is not None:
            told["sqlstate"] = self.sqlstate
        if self.error_class is not None:
            told["error_class"] = self.error_class
        return json.dumps(told | self.json_kwargs)

    def get_http_status_code(self) -> int:
        """Return the status to answer with."""
        return _CODES[self.error_code][1]

    @classmethod
    def invalid_parameter_value(
        cls,
        message: object,
        sqlstate: str | None = None,
        error_class: str | None = None,
        **kwargs: Any,
    ) -> Self:
        """Return an exception that is the caller's fault: status 400."""
        code = ERROR_CODES["INVALID_PARAMETER_VALUE"]
        return cls(message, code, sqlstate, error_class, **kwargs)


def _sqlstate(error_class: str | None) -> str | None:
    if error_class is None:
        return None
    return "XXM00" if error_class == _INTERNAL else "KAM00"
