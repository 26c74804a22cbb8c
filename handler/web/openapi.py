"""The OpenAPI 3.1 document of the model that is deployed.

Made from the manifest, not from the routes as FastAPI would: the routes do not know the
model. Pure, and imported by the first request for it: init must not pay for documentation.
"""

import csv
import io
from typing import Any

from handler.errors import (
    ConfigError,
    HandlerError,
    MalformedRequest,
    ModelUnavailable,
    RequestTimeout,
    UnsupportedMediaType,
)
from handler.manifest import BundleManifest, ModelInfo
from handler.signature.schema import (
    DATETIME,
    Column,
    ColumnSchema,
    InputSchema,
    Param,
    Scalar,
    parse_inputs,
    parse_params,
)
from handler.web.json_schema import JsonSchema, answer_schema, request_schemas

Document = dict[str, Any]

_JSON = "application/json"
_SCORING = (
    "Score rows. The body holds exactly one of the formats below. Beyond them the endpoint takes"
    " what MLflow's scoring server takes: columns in any order, columns that the model does not"
    " know (they are ignored), numbers as text."
)
_Errors = tuple[tuple[type[HandlerError], str], ...]
_NOT_READY: _Errors = (
    (ModelUnavailable, "The model is not loaded; the message says why"),
    (RequestTimeout, "The answer took longer than the function's limit"),
)
_ERRORS: _Errors = (
    (MalformedRequest, "The request cannot be read, does not fit the model, or made it raise"),
    (UnsupportedMediaType, "The content type is not taken"),
    (HandlerError, "The function failed, or its model's prediction has no JSON form"),
    *_NOT_READY,
)
_RETRY_AFTER = {
    "description": "seconds after which to try again",
    "schema": {"type": "integer", "minimum": 1},
}


def build_document(manifest: BundleManifest | None, *, has_parquet_reader: bool) -> Document:
    """Return the document, ready for `json.dumps`.

    :param manifest: None if it could not be read: the routes are there all the same.
    :param has_parquet_reader: whether the function can read parquet bodies.
    """
    model = manifest.model if manifest else None
    inputs, outputs, params = _signature(model)
    content = _request_content(model, inputs, has_parquet_reader)
    return {
        "openapi": "3.1.0",
        "info": _info(manifest),
        "paths": {
            "/invocations": {"post": _scoring(content)},
            "/ping": _health("ping"),
            "/health": _health("health"),
            "/version": {"get": _version()},
        },
        "components": {
            "schemas": {
                **request_schemas(inputs, params),
                "ScoringAnswer": answer_schema(outputs),
                "Error": _error_schema(),
            }
        },
    }


def _signature(
    model: ModelInfo | None,
) -> tuple[InputSchema | None, InputSchema | None, tuple[Param, ...] | None]:
    items = (model.signature if model else None) or {}
    try:
        inputs, outputs = parse_inputs(items.get("inputs")), parse_inputs(items.get("outputs"))
        return inputs, outputs, parse_params(items.get("params"))
    except ConfigError:
        return None, None, None  # /ping says what is wrong with it


def _info(manifest: BundleManifest | None) -> Document:
    if manifest is None:
        return {"title": "MLflow model", "version": "unknown"}
    model = manifest.model
    facts = {
        "Model id": model.model_id,
        "Run id": model.run_id,
        "Logged with MLflow": model.mlflow_version,
        "Packaged with Packager": manifest.packager_version,
        "Target": f"{manifest.target.runtime}, {manifest.target.architecture}",
    }
    return {
        "title": f"MLflow {model.flavor} model",
        "version": model.model_id or model.run_id or "unknown",
        "description": "\n".join(f"- {name}: {fact}" for name, fact in facts.items() if fact),
    }


def _scoring(content: Document) -> Document:
    answer = {"schema": {"$ref": "#/components/schemas/ScoringAnswer"}}
    return {
        "operationId": "score",
        "summary": "Score rows",
        "description": _SCORING,
        "requestBody": {"required": True, "content": content},
        "responses": {
            "200": {"description": "The predictions", "content": {_JSON: answer}},
            **_errors(_ERRORS),
        },
    }


def _request_content(
    model: ModelInfo | None, inputs: InputSchema | None, has_parquet_reader: bool
) -> Document:
    example = model.input_example if model else None
    content: Document = {_JSON: {"schema": {"$ref": "#/components/schemas/ScoringRequest"}}}
    if example:
        content[_JSON]["example"] = example
    if _fits_csv(inputs):
        description = "the first line names the columns; empty is missing"
        content["text/csv"] = {"schema": {"type": "string", "description": description}}
        table = _csv_example(example or {})
        if table:
            content["text/csv"]["example"] = table
    if has_parquet_reader:
        content["application/vnd.apache.parquet"] = {}
    return content


def _fits_csv(inputs: InputSchema | None) -> bool:
    if inputs is None:
        return True
    return isinstance(inputs, ColumnSchema) and all(map(_fits_csv_cell, inputs.columns))


def _fits_csv_cell(column: Column) -> bool:
    # Scoring refuses these in CSV, as MLflow does; an optional one can be left out.
    return isinstance(column.type, Scalar) and (column.type != DATETIME or not column.required)


def _csv_example(example: Document) -> str | None:
    split = example.get("dataframe_split")
    if not isinstance(split, dict) or "columns" not in split:
        return None
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([split["columns"], *split["data"]])
    return text.getvalue()


def _health(name: str) -> Document:
    loaded = {"description": "The model is loaded; the body is one line's end, as MLflow's"}
    errors = _errors(_NOT_READY)
    # No schema of the body: it is called JSON, as by MLflow, and is none.
    get = {"200": {**loaded, "content": {_JSON: {}}}, **errors}
    bodyless = {status: {**error, "content": {}} for status, error in errors.items()}
    head = {"200": loaded, **bodyless}
    return {
        "get": {"operationId": name, "summary": "Is the model loaded?", "responses": get},
        "head": {"operationId": f"{name}_head", "summary": "The same", "responses": head},
    }


def _version() -> Document:
    text = "The version of MLflow whose scoring protocol is spoken, as bare text"
    return {
        "operationId": "version",
        "summary": "Version of the protocol",
        "responses": {"200": {"description": text, "content": {_JSON: {}}}},
    }


def _errors(errors: _Errors) -> Document:
    content = {_JSON: {"schema": {"$ref": "#/components/schemas/Error"}}}
    responses: Document = {}
    for kind, text in errors:
        response: Document = {"description": text, "content": content}
        if kind is ModelUnavailable:
            response["headers"] = {"Retry-After": _RETRY_AFTER}
        responses[str(kind.status)] = response
    return responses


def _error_schema() -> JsonSchema:
    fields = {
        "error_code": {"type": "string", "examples": ["BAD_REQUEST", "INVALID_PARAMETER_VALUE"]},
        "message": {"type": "string"},
        "sqlstate": {"type": "string"},
        "error_class": {"type": "string"},
    }
    return {
        "type": "object",
        "description": "An error as MLflow writes it",
        "required": list(fields),
        "properties": fields,
    }
