"""A deployment's predictions: requests as MLflow's server takes them, and its answers."""

import json
from typing import Any

from mlflow.deployments import PredictionsResponse
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import BAD_REQUEST, INTERNAL_ERROR
from mlflow.utils.proto_json_utils import NumpyEncoder

from packager.deploy.clients import Clients, stack_errors
from packager.deploy.versions import LIVE
from packager.gateways import SampleRequest, http_api_event
from packager.local.response import decode_response

_FORMATS = ("dataframe_split", "dataframe_records")
_KEYS = {*_FORMATS, "instances", "inputs"}


def predict(clients: Clients, function_name: str, inputs: Any) -> PredictionsResponse:
    """Ask the live version.

    :param inputs: a pandas DataFrame, a numpy array, or a body for /invocations as a dict.
    :raises MlflowException: the function did not answer with predictions.
    """
    body = json.dumps(_document(inputs), cls=NumpyEncoder)
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


def _document(inputs: Any) -> Any:
    if isinstance(inputs, dict):
        return inputs if _KEYS & inputs.keys() else {"inputs": inputs}
    if not hasattr(inputs, "columns"):
        return {"inputs": inputs}
    if len(inputs.columns) == 1 and (name := inputs.columns[0]) in _FORMATS:
        # A file with a whole body, which MLflow's command line read as if it were a table.
        values = inputs[name]
        return {name: values.to_dict() if name == "dataframe_split" else values.tolist()}
    return {"dataframe_split": inputs.to_dict(orient="split")}
