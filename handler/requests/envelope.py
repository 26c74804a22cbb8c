"""The outside of a scoring request: its content type and, for JSON, the envelope.

What MLflow 3.18 does is in its `pyfunc/scoring_server`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, cast

from handler.errors import MalformedRequest, TypeHintMismatch, UnsupportedMediaType
from handler.requests.decode import decode_json
from handler.wording import json_type, shown_name, shown_names

MediaType = Literal["application/json", "text/csv", "application/vnd.apache.parquet"]
InputFormat = Literal[
    "dataframe_split", "dataframe_records", "inputs", "instances", "unified", "csv", "parquet"
]

MEDIA_TYPES: tuple[MediaType, ...] = (
    "application/json",
    "text/csv",
    "application/vnd.apache.parquet",
)
INPUT_FORMATS = ("dataframe_split", "dataframe_records", "inputs", "instances")

# A request with one of these keys is an LLM request: its whole body is the data.
_LLM_KEYS = frozenset(("messages", "prompt", "input"))

_ONE_FORMAT = "The body must be a JSON object with exactly one of the keys " + ", ".join(
    INPUT_FORMATS
)


@dataclass(frozen=True)
class Envelope:
    """A JSON scoring request taken apart."""

    format: InputFormat
    """`unified` is MLflow's LLM form: `payload` is the body, the answer is not wrapped."""
    payload: Any
    params: Any
    """What the request's `params` held, unchecked; None when it had none."""


def read_media_type(content_type: str | None) -> MediaType:
    """Return the media type that a `Content-Type` header names.

    Read as RFC 9110 section 8.3.1 says: type, parameter names and charset in any case, the
    charset perhaps quoted, parameters perhaps empty. MLflow compares the bytes, and answers
    500 when the header is absent; JSON is what such a client means.

    :raises UnsupportedMediaType: another type, another charset, or an unknown parameter.
    """
    if content_type is None:
        return "application/json"
    name, *parameters = (part.strip() for part in content_type.split(";"))
    for parameter in filter(None, parameters):
        _check_parameter(parameter)
    if name.lower() not in MEDIA_TYPES:
        raise UnsupportedMediaType(
            f"The content type must be one of {', '.join(MEDIA_TYPES)}."
            f" The request has {shown_name(name)}."
        )
    return cast("MediaType", name.lower())


def read_envelope(
    body: bytes, llm_params: Collection[str], *, takes_only_inputs: bool = False
) -> Envelope:
    """Return the parts of a JSON request.

    :param llm_params: names in the model's params schema; in an LLM request they stand
        among the other keys.
    :param takes_only_inputs: the signature comes from a type hint: besides LLM requests
        only `inputs` is read, and other formats beside it are ignored.
    :raises MalformedRequest: not JSON, not an object, or not exactly one format key.
    :raises TypeHintMismatch: no `inputs` where nothing else is taken.
    """
    document = decode_json(body)
    if not isinstance(document, dict):
        raise MalformedRequest(f"{_ONE_FORMAT}. The body is {json_type(document)}.")
    if not _LLM_KEYS.isdisjoint(document):
        params = {key: value for key, value in document.items() if key in llm_params}
        payload = {key: value for key, value in document.items() if key not in llm_params}
        return Envelope("unified", payload, params)
    if takes_only_inputs:
        return _read_inputs(document)
    formats = [key for key in INPUT_FORMATS if key in document]
    if len(formats) != 1:
        found = f"{' and '.join(formats)} together" if formats else _found(document)
        raise MalformedRequest(f"{_ONE_FORMAT}. The body has {found}.")
    return Envelope(cast("InputFormat", formats[0]), document[formats[0]], document.get("params"))


def _check_parameter(parameter: str) -> None:
    key, _, value = parameter.partition("=")
    if key.strip().lower() != "charset":
        raise UnsupportedMediaType(
            f"The content type's parameter {shown_name(key)} is not known; only charset is. The"
            " request formats of MLflow before 2.0 (format=pandas-split and such) are gone."
        )
    if value.strip().strip('"').lower() != "utf-8":
        raise UnsupportedMediaType("The body must be UTF-8: the content type's charset is not.")


def _read_inputs(document: dict[str, Any]) -> Envelope:
    if "inputs" not in document:
        raise TypeHintMismatch(
            "This model takes what its type hint says: the body must be a JSON object with the"
            f" key inputs. It has {_found(document)}."
        )
    return Envelope("inputs", document["inputs"], document.get("params"))


def _found(document: dict[str, Any]) -> str:
    return f"only {shown_names(document)}" if document else "no keys"
