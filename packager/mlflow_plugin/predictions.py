"""A deployment's predictions: requests as MLflow's server takes them, and its answers."""

import json
import sys
from typing import Any

from mlflow.deployments import PredictionsResponse
from mlflow.protos.databricks_pb2 import BAD_REQUEST, INTERNAL_ERROR
from mlflow.utils.proto_json_utils import NumpyEncoder

from packager.aws.http_events import SampleRequest, http_api_event
from packager.deploying.clients import Clients, stack_errors
from packager.deploying.versions import LIVE
from packager.local.response import decode_response
from packager.mlflow_plugin.errors import DeploymentError, wrong_value

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
        raise DeploymentError(f"{function_name} failed: {payload}")
    if response.status != 200:
        message = f"{function_name} answered with status {response.status}: {response.body}"
        is_users = response.status < 500
        raise DeploymentError(message, BAD_REQUEST if is_users else INTERNAL_ERROR)
    return PredictionsResponse.from_json(json.dumps(response.body))


def request_body(inputs: Any) -> str:
    """Return the body for /invocations; missing values are null, for the function reads no NaN.

    :param inputs: a pandas DataFrame, a numpy array, or a body for /invocations as a dict. MLflow's
        command line makes a DataFrame of a file that holds a body: it is a body again, if its
        columns are the keys of one, and what is in them are lists or dicts.
    :raises MlflowException: `inputs` holds what JSON does not.
    """
    try:
        text = json.dumps(_document(inputs), cls=_Encoder)
    except (TypeError, ValueError, RecursionError) as error:
        raise wrong_value(f"the inputs cannot be written as JSON: {error}") from None
    return json.dumps(json.loads(text, parse_constant=_null))


class _Encoder(NumpyEncoder):  # type: ignore[misc]
    """MLflow's, for which NaT is a text, and times in arrays are numbers."""

    def try_convert(self, o: Any) -> tuple[Any, bool]:
        import pandas  # heavy, and MLflow without its extras has none

        if o is pandas.NaT or o is pandas.NA:
            return None, True
        if getattr(getattr(o, "dtype", None), "kind", "") == "M":
            o = o.astype("datetime64[us]").astype(object)
        converted: tuple[Any, bool] = super().try_convert(o)
        return converted


def _null(constant: str) -> None:
    if constant != "NaN":
        raise wrong_value(f"the inputs hold {constant}, which JSON has no word for")


def _document(inputs: Any) -> Any:
    if isinstance(inputs, dict):
        return inputs if inputs.keys() & _FORMATS else {"inputs": inputs}
    # Who has a table has imported pandas.
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(inputs, pandas.DataFrame):
        return {"inputs": inputs}
    return _body_in(inputs) or {"dataframe_split": inputs.to_dict(orient="split")}


def _body_in(table: Any) -> dict[str, Any] | None:
    """Return the body that `pandas.read_json` made a table of; None: it is none.

    A list has numbered rows then. Mappings have named ones, each the names of all of them, and
    among values that are missing for that reason whole numbers are floats.
    """
    import pandas

    formats = [name for name in table.columns if name in _FORMATS]
    if len(formats) != 1 or not set(table.columns) <= {formats[0], _PARAMS}:
        return None
    name, values = formats[0], table[formats[0]]
    if isinstance(table.index, pandas.RangeIndex):
        is_body = len(table.columns) == 1 and all(isinstance(item, list | dict) for item in values)
        return {name: values.tolist()} if is_body else None
    document = values.dropna().to_dict()
    if not all(isinstance(item, list | dict) for item in document.values()):
        return None
    if _PARAMS not in table.columns:
        return {name: document}
    # A name that neither has a value for is a param that is null.
    params = table[_PARAMS][table[_PARAMS].notna() | values.isna()]
    return {name: document, _PARAMS: {key: _whole(value) for key, value in params.items()}}


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value
