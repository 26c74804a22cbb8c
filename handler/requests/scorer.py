"""From the body of a scoring request to the body of its answer."""

import json
import logging
from collections.abc import Sized
from dataclasses import dataclass
from typing import Any

from handler.errors import HandlerError, MalformedRequest
from handler.manifest import ModelInfo
from handler.predictor import Predictor
from handler.requests.arrays import data_from_inputs, data_from_instances
from handler.requests.encode import encode_predictions
from handler.requests.envelope import Envelope, read_envelope, read_media_type
from handler.requests.fast import FastReader
from handler.requests.fast_unsigned import UnsignedReader
from handler.requests.frames import frame_from_csv, frame_from_records, frame_from_split
from handler.requests.model_errors import as_handler_error
from handler.requests.parquet import ParquetReader
from handler.signature.columns import Signature
from handler.signature.params import ParamsSchema
from handler.signature.schema import parse_inputs, parse_params

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ScoringResult:
    """The answer to one scoring request."""

    body: bytes
    """JSON."""
    rows: int | None
    """How many rows the model got; None where the data has none."""


class Scorer:
    """Answers scoring requests for one model, as MLflow's scoring server would.

    :param info: its signature is compiled here, once.
    :param parquet: by default pyarrow where it is installed.
    :param hides_schema_details: do not tell callers what in the signature they missed.
    :raises ConfigError: the signature cannot be read.
    """

    def __init__(
        self,
        predictor: Predictor,
        info: ModelInfo,
        *,
        parquet: ParquetReader | None = None,
        hides_schema_details: bool = False,
    ) -> None:
        signature = info.signature or {}
        self._predictor = predictor
        self._parquet = parquet or ParquetReader()
        self._is_type_hinted = info.is_signature_from_type_hint
        self._schema = parse_inputs(signature.get("inputs"))
        # What a type hint gave rise to describes the input, and is not enforced on it.
        enforced = None if self._is_type_hinted else self._schema
        self._signature = Signature(enforced, hides_details=hides_schema_details)
        self._fast: FastReader | UnsignedReader | None
        if self._schema is None:
            self._fast = UnsignedReader.for_engine(info.engine)
        else:
            self._fast = FastReader.for_schema(enforced, info.engine.input_kind)
        self._params = ParamsSchema(parse_params(signature.get("params")))

    def score(self, body: bytes, content_type: str | None) -> ScoringResult:
        """Return the predictions for a request.

        :param content_type: the request's `Content-Type` header; None when it has none.
        :raises HandlerError: `UnsupportedMediaType`, `MalformedRequest`, `SignatureMismatch`
            or `InvalidParams` for a fault of the request; `PredictionError`,
            `LacksModule` or `UnserializablePrediction` for one of the model.
        """
        envelope = self._read(body, content_type)
        data = self._data(envelope)
        params = self._params.enforce(envelope.params)
        rows = _count_rows(data)
        predictions = self._predict(data, params)
        wrapped = envelope.format != "unified"
        return ScoringResult(encode_predictions(predictions, wrapped=wrapped), rows)

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Return the predictions for data that is not in a request, as the model gives them.

        :param data: a DataFrame, an ndarray, or a dict or list of them.
        :raises HandlerError: as :meth:`score`.
        """
        return self._predict(self._signature.enforce(data), self._params.enforce(params))

    def warm_up(self, request: dict[str, Any]) -> None:
        """Predict once, so that what is imported or mapped at first use is so in the init phase.

        :param request: a regular one: any other is not worth the libraries that it needs.
        """
        envelope = read_envelope(json.dumps(request).encode(), self._params.names)
        data = None if self._fast is None else self._fast.read(envelope)
        if data is not None:
            encode_predictions(self._predictor.predict(data, self._params.enforce(None)))

    def _read(self, body: bytes, content_type: str | None) -> Envelope:
        match read_media_type(content_type):
            case "text/csv":
                return Envelope("csv", body, None)
            case "application/vnd.apache.parquet":
                return Envelope("parquet", body, None)
        return read_envelope(body, self._params.names, takes_only_inputs=self._is_type_hinted)

    def _data(self, envelope: Envelope) -> Any:
        if self._is_type_hinted and envelope.format == "inputs":
            return envelope.payload  # the model validates and converts it
        frame = None if self._fast is None else self._fast.read(envelope)
        if frame is not None:
            return frame
        try:
            data = self._parse(envelope)
        except HandlerError:
            raise
        except Exception as error:
            # A shape of data that nobody thought of is the caller's fault, so no 500. The
            # error may quote the data, which never goes to the log.
            _logger.warning("reading %s failed with %s", envelope.format, type(error).__name__)
            raise MalformedRequest(f"The body's {envelope.format} cannot be read.") from error
        return self._signature.enforce(data)

    def _parse(self, envelope: Envelope) -> Any:
        match envelope.format:
            case "dataframe_split":
                return frame_from_split(envelope.payload, self._schema)
            case "dataframe_records":
                return frame_from_records(envelope.payload, self._schema)
            case "inputs":
                return data_from_inputs(envelope.payload, self._schema)
            case "instances":
                return data_from_instances(envelope.payload, self._schema)
            case "csv":
                return frame_from_csv(envelope.payload, self._schema)
            case "parquet":
                return self._parquet.read(envelope.payload)
            case "unified":
                return envelope.payload

    def _predict(self, data: Any, params: dict[str, Any] | None) -> Any:
        try:
            return self._predictor.predict(data, params)
        except HandlerError:
            raise
        except Exception as error:
            _logger.exception("the model raised")
            raise as_handler_error(error) from error


def _count_rows(data: Any) -> int | None:
    if isinstance(data, dict):
        data = next(iter(data.values()), None)
    shape = getattr(data, "shape", None)
    if shape is not None:
        return int(shape[0]) if shape else None
    return len(data) if isinstance(data, Sized) and not isinstance(data, str) else None
