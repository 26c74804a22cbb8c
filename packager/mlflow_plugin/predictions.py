"""A deployment's predictions: requests as MLflow's server takes them, and its answers."""

import json
from typing import TYPE_CHECKING, Any

from mlflow.deployments import PredictionsResponse
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST, INTERNAL_ERROR
from mlflow.utils.proto_json_utils import NumpyEncoder

from packager.deploy.clients import Clients, stack_errors
from packager.deploy.versions import LIVE
from packager.gateways import SampleRequest, http_api_event
from packager.local.response import decode_response
from packager.mlflow_plugin.errors import wrong_value

if TYPE_CHECKING:
    import pandas

_FORMATS = {"dataframe_split", "dataframe_records", "instances", "inputs"}
_PARAMS = "params"


def predict(clients: Clients, function_name: str, inputs: Any) -> PredictionsResponse:
    """Ask the live version.

    :param inputs: as `request_body` takes them.
    :raises MlflowException: the function did not answer with predictions, or `inputs` holds what
        JSON does not.
    """
    body = request_body(inputs)
    request = SampleRequest("POST", "/invocations", "application/json", body)
    with stack_errors(f"invoke {function_name}"):
        answer = clients.functions.invoke(
            FunctionName=function_name,
            Qualifier=LIVE,
            Payload=json.dumps(http_api_event(request)).encode(),
        )
        payload = json.loads(answer["Payload"].read())
    response = decode_response(payload)
    if response is None:
        raise MlflowException(f"{function_name} failed: {payload}", error_code=INTERNAL_ERROR)
    if response.status != 200:
        message = f"{function_name} answered with status {response.status}: {response.body}"
        is_users = response.status < 500
        raise MlflowException(message, error_code=BAD_REQUEST if is_users else INTERNAL_ERROR)
    return PredictionsResponse.from_json(json.dumps(response.body))


def request_body(inputs: Any) -> str:
    """Return the body for /invocations; missing values are null, for the function reads no NaN.

    :param inputs: a pandas DataFrame, a numpy array, or a body for /invocations as a dict. A
        DataFrame whose columns are the keys of a body is taken for one: that is what MLflow's
        command line makes of a file that holds a body.
    :raises MlflowException: `inputs` holds what JSON does not.
    """
    try:
        text = json.dumps(_document(inputs), cls=NumpyEncoder)
    except (TypeError, ValueError) as error:
        raise wrong_value(f"the inputs cannot be written as JSON: {error}") from None
    return json.dumps(json.loads(text, parse_constant=_null))


def _null(constant: str) -> None:
    if constant != "NaN":
        raise wrong_value(f"the inputs hold {constant}, which JSON has no word for")


def _document(inputs: Any) -> Any:
    if isinstance(inputs, dict):
        return inputs if inputs.keys() & _FORMATS else {"inputs": inputs}
    # MLflow without its extras has no pandas.
    if not hasattr(inputs, "columns"):
        return {"inputs": inputs}
    table = inputs.astype(object).where(inputs.notna(), None)
    keys = set(table.columns)
    if keys & _FORMATS and keys <= {*_FORMATS, _PARAMS}:
        return {key: _value(key, table[key]) for key in table.columns}
    return {"dataframe_split": table.to_dict(orient="split")}


def _value(key: str, read: "pandas.Series") -> Any:
    """Undo what `pandas.read_json` made of one key: a list has numbered rows, a mapping named.

    Each mapping has the names of all of them, and among missing values whole numbers are floats.
    """
    import pandas

    if isinstance(read.index, pandas.RangeIndex):
        return read.tolist()
    known = read.dropna().to_dict()
    if key != _PARAMS:
        return known
    return {k: int(v) if isinstance(v, float) and v.is_integer() else v for k, v in known.items()}
